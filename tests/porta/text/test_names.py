"""A name is shown to people, and must not pass for another or for more than a name."""

from __future__ import annotations

import pytest

from porta.text.names import find_name_problem


@pytest.mark.parametrize(
    "name", ["Acme", "محمد", "北京", "O'Brien-Müller", "👩‍💻 Team", "a\u00a0b"]
)
def test_names_of_every_language_are_fit(name: str) -> None:
    assert find_name_problem(name) is None


@pytest.mark.parametrize(
    "name", ["a\nb", "a\x00", "a\x85b", "a\u2028b", "\u202egnp.exe", "a\u2066b", "\ud800"]
)
def test_what_breaks_the_line_or_turns_it_is_not(name: str) -> None:
    assert find_name_problem(name) == (
        "must hold no line break, control character or change of direction"
    )


@pytest.mark.parametrize("name", ["", " ", "\u00a0", "\u200b\u200d", "\u3000"])
def test_a_name_shows_something(name: str) -> None:
    assert find_name_problem(name) == "must hold more than spaces"
