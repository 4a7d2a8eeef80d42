"""Contrast as WCAG 2.2 computes it, and colours mended until they have it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porta.pages.colors import contrast, is_color, is_dark, mend, mix

COLORS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#ffffff", 21.0), ("#ffffff", "#ffffff", 1.0), ("#777777", "#ffffff", 4.48)],
)
def test_contrast(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.01)


@settings(max_examples=300)
@given(color=COLORS, surface=COLORS)
def test_every_colour_becomes_readable_on_every_surface(color: str, surface: str) -> None:
    assert contrast(mend(color, surface), surface) >= 4.5


@settings(max_examples=100)
@given(color=COLORS, surface=COLORS)
def test_a_colour_that_is_readable_stays_as_it_is(color: str, surface: str) -> None:
    if contrast(color, surface) >= 4.6:
        assert mend(color, surface) == color
    assert mend(mend(color, surface), surface) == mend(color, surface)


@settings(max_examples=100)
@given(color=COLORS, one=COLORS, other=COLORS)
def test_two_surfaces_are_served_where_a_colour_can(color: str, one: str, other: str) -> None:
    best = max(min(contrast(end, one), contrast(end, other)) for end in ("#ffffff", "#000000"))
    found = mend(color, one, other)
    assert min(contrast(found, one), contrast(found, other)) >= min(best, 4.6)


def test_colours_are_mixed_by_their_share() -> None:
    assert mix("#000000", "#ffffff", 0) == "#000000"
    assert mix("#000000", "#ffffff", 1) == "#ffffff"
    assert mix("#ff0000", "#0000ff", 0.5) == "#800080"


def test_dark_is_what_white_reads_better_on() -> None:
    assert is_dark("#1b1033")
    assert not is_dark("#ffd400")
    assert not is_dark("#808080")


@pytest.mark.parametrize(
    "text", [None, "", "red", "#fff", "#1234567", "#12345g", "}{x", "#00000\n", "#００００００"]
)
def test_what_is_no_colour(text: str | None) -> None:
    assert not is_color(text)
