"""Custom CSS keeps the dark scheme, and what it paints the page with is known."""

from __future__ import annotations

import pytest

from porta.pages.css_schemes import Grounds, in_both_schemes, page_grounds
from porta.pages.custom_css import sanitize

LIGHT = "@media (prefers-color-scheme:light)"


@pytest.mark.parametrize(
    "rule",
    [
        "h1{color:#111;}",
        "body{background:#fff;}",
        "body{background-image:linear-gradient(#fff,#eee);}",
        ".btn-secondary{border:1px solid black;}",
        ".btn-secondary{border-color:black;}",
        ".container{box-shadow:0 0 9px #000;}",
        "a{text-decoration:underline red;}",
        "h1{COLOR:#111!important;}",
    ],
)
def test_people_18_a_colour_that_knows_nothing_of_dark_is_for_the_light_scheme(rule: str) -> None:
    clean = sanitize(rule)
    assert in_both_schemes(clean) == f"{LIGHT}{{{clean.strip()}}}\n"


@pytest.mark.parametrize(
    "rule",
    [
        ".container{border-radius:4px;padding:2rem;}",
        "h1{font-size:20px;text-transform:uppercase;}",
        ".container{border-width:3px;border-style:solid;}",
        "h1{color:light-dark(#111,#eee);}",
        "h1{color:var(--text);}",
        ":root{--primary:#e11d48;}",
    ],
)
def test_people_18_all_else_is_for_both(rule: str) -> None:
    assert in_both_schemes(sanitize(rule)) == sanitize(rule)


def test_a_rule_is_split_in_its_place() -> None:
    css = sanitize("h1{color:#111;margin:1px} h1{color:var(--text)}")
    assert in_both_schemes(css) == (
        f"h1{{margin:1px;}}\n{LIGHT}{{h1{{color:#111;}}}}\nh1{{color:var(--text);}}\n"
    )
    nested = in_both_schemes(sanitize("@media print{h1{color:#111;margin:1px}}"))
    assert nested == f"@media print{{h1{{margin:1px;}}\n{LIGHT}{{h1{{color:#111;}}}}\n}}\n"


def test_a_sheet_that_knows_the_dark_scheme_stands_as_it_is() -> None:
    css = sanitize("h1{color:#111} @media (prefers-color-scheme: dark){h1{color:#eee}}")
    assert in_both_schemes(css) == css


@pytest.mark.parametrize(
    ("css", "grounds"),
    [
        ("", Grounds((), ())),
        ("h1{background:#111}", Grounds((), ())),
        ("body{margin:0}", Grounds((), ())),
        ("body{background:#1b1033}", Grounds(("#1b1033",), ())),
        ("html, body{background-color:rebeccapurple}", Grounds(("#663399",), ())),
        (":root{background:hsl(0deg 100% 50%)}", Grounds(("#ff0000",), ())),
        ("body{background:linear-gradient(#fff,#000)}", Grounds(("#ffffff", "#000000"), ())),
        ("body{background:light-dark(#eee,#111)}", Grounds(("#eeeeee",), ("#111111",))),
        ("body{background:rgb(0 0 0 / 50%)}", Grounds(("#808080",), ())),
        (
            "body{background:#eee}@media (prefers-color-scheme:dark){body{background:#111}}",
            Grounds(("#eeeeee",), ("#eeeeee", "#111111")),
        ),
    ],
)
def test_people_30_what_the_page_is_painted_with_is_found(css: str, grounds: Grounds) -> None:
    assert page_grounds(in_both_schemes(sanitize(css))) == grounds


@pytest.mark.parametrize(
    ("color", "grey"),
    [
        ("lab(50 10 10)", "#777777"),
        ("lch(50 60 200)", "#777777"),
        ("oklab(0.2 0 0)", "#161616"),
        ("oklch(1 0 0)", "#ffffff"),
    ],
)
def test_a_colour_of_another_space_is_a_grey_of_its_luminance(color: str, grey: str) -> None:
    (found,) = page_grounds(f"body{{background:{color}}}").light
    assert found == grey
