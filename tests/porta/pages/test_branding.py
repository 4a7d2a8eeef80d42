"""An organization's look: readable colours, and custom CSS that neither loads, moves nor hides."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porta.pages import branding
from porta.pages.branding import DARK_CARD, LIGHT_CARD, contrast, palette
from storage.models.organizations import Organization

BASE = Path(__file__).parents[3] / "templates/static/page.css"
COLORS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def acme(**branding_values: str | None) -> Organization:
    return Organization(id="1", name="Acme", slug="acme", **branding_values)  # type: ignore[arg-type]


# Colours (WCAG 2.2 §1.4.3)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#ffffff", 21.0), ("#ffffff", "#ffffff", 1.0), ("#777777", "#ffffff", 4.48)],
)
def test_contrast(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.01)


@settings(max_examples=300)
@given(color=COLORS, surface=st.sampled_from([LIGHT_CARD, DARK_CARD]))
def test_every_brand_colour_becomes_readable(color: str, surface: str) -> None:
    found = palette(color, surface)
    assert contrast(found.button, found.on_button) >= 4.5
    assert contrast(found.link, surface) >= 4.5
    assert contrast(found.button, surface) >= 1.25


@pytest.mark.parametrize("color", ["#b91c1c", "#4f46e5", "#0f766e"])
def test_a_colour_that_is_readable_already_stays_as_it_is(color: str) -> None:
    assert palette(color, LIGHT_CARD) == (color, "#ffffff", color)


def test_a_bright_colour_is_written_on_in_dark() -> None:
    assert palette("#ffd400", LIGHT_CARD).button == "#ffd400"
    assert contrast(palette("#ffd400", LIGHT_CARD).on_button, "#000000") < 1.5


def test_the_base_style_sheet_paints_the_surfaces_that_contrast_is_computed_for() -> None:
    assert f"--card: light-dark({LIGHT_CARD}, {DARK_CARD});" in BASE.read_text()


def test_the_base_style_sheet_carries_the_default_colours() -> None:
    base = BASE.read_text()
    light, dark = (
        palette(branding.DEFAULT_COLOR, LIGHT_CARD),
        palette(branding.DEFAULT_COLOR, DARK_CARD),
    )
    for name, value in {
        "--primary": branding.DEFAULT_COLOR.lower(),
        "--brand-light": light.button,
        "--on-brand-light": light.on_button,
        "--link-light": light.link,
        "--brand-dark": dark.button,
        "--on-brand-dark": dark.on_button,
        "--link-dark": dark.link,
    }.items():
        assert f"{name}: {value};" in base


@pytest.mark.parametrize(
    "color",
    [None, "", "red", "#fff", "#12345", "#1234567", "#12345g", "}{x", "#00000\n", "#００００００"],
)
def test_anything_but_a_hex_colour_gives_the_default(color: str | None) -> None:
    assert "--primary:#3b82f6;" in branding.stylesheet(acme(branding_primary_color=color))


# The style sheet


def test_the_style_sheet_carries_colours_then_custom_css() -> None:
    organization = acme(branding_primary_color="#B91C1C", branding_custom_css="h1{color:red}")
    css = branding.stylesheet(organization)
    assert css.startswith(":root{color-scheme:light;--primary:#b91c1c;")
    assert css.endswith("h1{color:red;}\n")


def test_a_primary_colour_in_custom_css_stands_for_the_organizations() -> None:
    custom = ":root{--primary:#e11d48}"
    for color in (None, "#0f766e", "nonsense"):
        css = branding.stylesheet(
            acme(branding_primary_color=color, branding_custom_css=custom)
        ).splitlines()
        own = branding.stylesheet(acme(branding_primary_color="#e11d48")).splitlines()
        assert css[0] == own[0].replace("light dark", "light")
    hidden = acme(branding_custom_css=":root{--primary:red}")
    assert f"--primary:{branding.DEFAULT_COLOR.lower()};" in branding.stylesheet(hidden)


@pytest.mark.parametrize(
    ("custom", "scheme"),
    [
        (None, "light dark"),
        ("@import 'x';", "light dark"),
        ("h1{color:#111}", "light"),
        ("@media (prefers-color-scheme:dark){h1{color:#eee}}", "light dark"),
        ("h1{color:light-dark(#111,#eee)}", "light dark"),
    ],
)
def test_custom_css_that_knows_no_dark_scheme_is_shown_in_light(
    custom: str | None, scheme: str
) -> None:
    assert f"color-scheme:{scheme};" in branding.stylesheet(acme(branding_custom_css=custom))


def test_the_version_changes_with_colour_and_css_only() -> None:
    version = branding.stylesheet_version(acme())
    assert version == branding.stylesheet_version(acme(branding_company_name="Other"))
    assert version != branding.stylesheet_version(acme(branding_primary_color="#000000"))
    assert version != branding.stylesheet_version(acme(branding_custom_css="p{color:red}"))
    assert version.isalnum()


def test_what_pages_show_of_an_organization() -> None:
    shown = branding.brand(acme(branding_company_name="  émile & co "))
    assert (shown.company, shown.initial) == ("émile & co", "É")
    assert shown.stylesheet_url.startswith("/acme/branding.css?v=")
    assert branding.brand(acme()).company == "Acme"
    assert set(branding.brand(None)) == {""}
