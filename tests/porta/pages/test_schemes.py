"""Every pair of colours on a page can be read, whatever tokens a brand has (WCAG 2.2)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porta.pages import branding
from porta.pages.colors import contrast
from porta.pages.schemes import palette, scheme
from storage.models.organizations import Brand
from tests.porta.pages.test_colors import COLORS

BASE = Path(__file__).parents[3] / "templates/static/page.css"
CARDS = ("#ffffff", "#171a21")

TEXT = (
    *(("text", "card"), ("text", "field"), ("muted", "card"), ("muted", "field")),
    *(("link", "card"), ("link", "field"), ("on-button", "button"), ("page-text", "page")),
    *(("page-text", "glow"), ("danger", "card"), ("danger", "danger-soft")),
    *(("success", "card"), ("success", "success-soft")),
)
"""What is read, and what it stands on."""
EDGES = (("edge", "card"), ("edge", "field"), ("link", "card"), ("page-text", "page"))
"""Edges of fields, and the ring of what has the focus: `link` on the card, else `page-text`."""
BRANDS = st.builds(
    Brand,
    ink_color=st.none() | COLORS,
    page_color=st.none() | COLORS,
    card_color=st.none() | COLORS,
    background=st.sampled_from([None, "glow", "plain", "picture"]),
)


@settings(max_examples=400, deadline=None)
@given(brand=BRANDS, primary=COLORS, dark=st.booleans())
def test_people_17_every_pair_is_readable_for_every_brand(
    brand: Brand, primary: str, dark: bool
) -> None:
    found = scheme(brand, primary, dark=dark)
    for words, ground in TEXT:
        assert contrast(found[words], found[ground]) >= 4.5, (words, ground)
    for edge, ground in EDGES:
        assert contrast(found[edge], found[ground]) >= 3, (edge, ground)
    assert contrast(found["button"], found["card"]) >= 1.2


@settings(max_examples=200, deadline=None)
@given(primary=COLORS, card=st.none() | COLORS, dark=st.booleans())
def test_a_label_stays_readable_while_its_button_is_pressed(
    primary: str, card: str | None, dark: bool
) -> None:
    found = scheme(Brand(card_color=card), primary, dark=dark)
    towards = contrast(found["pressed"], found["on-button"])
    assert towards > contrast(found["button"], found["on-button"]) or towards > 15


@settings(max_examples=100, deadline=None)
@given(ground=COLORS, dark=st.booleans())
def test_people_30_the_footer_follows_the_page_of_custom_css(ground: str, dark: bool) -> None:
    found = scheme(Brand(), "#0f766e", dark=dark, grounds=(ground,))
    assert contrast(found["page-text"], ground) >= 4.5


@pytest.mark.parametrize("color", ["#b91c1c", "#4f46e5", "#0f766e"])
def test_a_colour_that_is_readable_already_stays_as_it_is(color: str) -> None:
    assert palette(color, CARDS[0]) == (color, "#ffffff", color)


def test_a_bright_colour_is_written_on_in_dark() -> None:
    assert palette("#ffd400", CARDS[0]).button == "#ffd400"
    assert contrast(palette("#ffd400", CARDS[0]).on_button, "#000000") < 1.5


@settings(max_examples=300)
@given(color=COLORS, surface=st.sampled_from(CARDS))
def test_every_brand_colour_becomes_a_button_and_a_link(color: str, surface: str) -> None:
    found = palette(color, surface)
    assert contrast(found.button, found.on_button) >= 4.5
    assert contrast(found.link, surface) >= 4.5
    assert contrast(found.button, surface) >= 1.25


def test_the_dark_scheme_has_dark_surfaces() -> None:
    light = Brand(page_color="#fff7ed", card_color="#fffdf9")
    found = scheme(light, "#c2410c", dark=True)
    for surface in ("page", "card", "field"):
        assert contrast(found[surface], "#ffffff") > 12
    deep = Brand(page_color="#1b1033", card_color="#24163f")
    assert scheme(deep, "#c2410c", dark=True)["page"] == "#1b1033"


def test_a_page_has_the_colour_that_was_asked_for() -> None:
    for background in (None, "glow", "plain"):
        brand = Brand(page_color="#fff7ed", background=background)
        assert scheme(brand, "#c2410c", dark=False)["page"] == "#fff7ed"


def test_plain_is_without_a_glow_and_a_pale_colour_has_none() -> None:
    assert scheme(Brand(), "#0f766e", dark=False)["glow"] != "#f5f6f8"
    plain = scheme(Brand(background="plain"), "#0f766e", dark=False)
    assert plain["glow"] == plain["page"] == "#f5f6f8"
    pale = scheme(Brand(), "#ffe98a", dark=True)
    assert pale["glow"] == pale["page"]


def test_the_base_style_sheet_carries_the_default_colours() -> None:
    base = BASE.read_text()
    light, dark = (scheme(Brand(), branding.DEFAULT_COLOR, dark=each) for each in (False, True))
    assert f"--primary: {branding.DEFAULT_COLOR.lower()};" in base
    for name, value in light.items():
        assert f"    --{name}: {value};" in base
        assert f"      --{name}: light-dark({value}, {dark[name]});" in base
    assert " ".join(branding.FONTS["system"].split()) in " ".join(base.split())
