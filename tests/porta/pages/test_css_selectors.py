"""A rule for links leaves links that look like buttons alone."""

from __future__ import annotations

import pytest

from porta.pages.css_selectors import BUTTONS, spare_buttons
from porta.pages.custom_css import sanitize


@pytest.mark.parametrize(
    ("rule", "selector"),
    [
        ("a{color:#111}", f"a{BUTTONS}"),
        ("A{color:#111}", f"A{BUTTONS}"),
        ("a:hover{color:#111}", f"a{BUTTONS}:hover"),
        ("p > a,.lead a{color:#111}", f"p > a{BUTTONS},.lead a{BUTTONS}"),
        ("a a{color:#111}", f"a{BUTTONS} a{BUTTONS}"),
        ("a.btn-primary{color:#111}", "a.btn-primary"),
        (".btn-primary{color:#111}", ".btn-primary"),
        (".a{color:#111}", ".a"),
        ("article,abbr{color:#111}", "article,abbr"),
    ],
)
def test_a_rule_for_links_is_for_those_of_a_text(rule: str, selector: str) -> None:
    assert spare_buttons(sanitize(rule)) == f"{selector}{{color:#111;}}\n"


def test_also_inside_a_media_query() -> None:
    css = sanitize("@media (min-width:30rem){a{color:#111}.footer{margin:1px}}")
    assert f"a{BUTTONS}{{color:#111;}}" in spare_buttons(css)
    assert spare_buttons(css).startswith("@media (min-width:30rem){")
