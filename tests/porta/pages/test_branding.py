"""An organization's look: readable colours in both schemes, and its style sheet."""

from __future__ import annotations

import re

import msgspec
import pytest

from porta.pages import branding
from storage.models.organizations import Brand, BrandTexts, Organization
from tests import factories


def acme(*, brand: Brand | None = None, **branding_values: str | None) -> Organization:
    plain = factories.organization(id="1", name="Acme", slug="acme", **branding_values)
    return msgspec.structs.replace(plain, brand=brand or Brand())


@pytest.mark.parametrize(
    "color",
    [None, "", "red", "#fff", "#12345", "#1234567", "#12345g", "}{x", "#00000\n", "#００００００"],
)
def test_anything_but_a_hex_colour_gives_the_default(color: str | None) -> None:
    assert f"--primary:{branding.DEFAULT_COLOR.lower()};" in branding.stylesheet(
        acme(branding_primary_color=color)
    )


# The style sheet


def test_the_style_sheet_carries_colours_then_custom_css() -> None:
    organization = acme(branding_primary_color="#B91C1C", branding_custom_css="h1{color:red}")
    css = branding.stylesheet(organization)
    assert css.startswith("@layer base{:root{--primary:#b91c1c;--button:#b91c1c;")
    assert css.endswith("h1{color:red;}\n}\n")
    assert css.count("@layer") == 2


def test_a_primary_colour_in_custom_css_stands_for_the_organizations() -> None:
    custom = ":root{--primary:#e11d48}"
    for color in (None, "#0f766e", "nonsense"):
        css = branding.stylesheet(
            acme(branding_primary_color=color, branding_custom_css=custom)
        ).splitlines()
        own = branding.stylesheet(acme(branding_primary_color="#e11d48")).splitlines()
        assert css[:2] == own[:2]
    hidden = acme(branding_custom_css=":root{--primary:red}")
    assert f"--primary:{branding.DEFAULT_COLOR.lower()};" in branding.stylesheet(hidden)


@pytest.mark.parametrize(
    "custom",
    ["h1{color:#111}", "body{background:#fff}", "@media print{h1{color:#111}}", "h1{margin:1px}"],
)
def test_people_18_no_custom_css_turns_the_dark_scheme_off(custom: str) -> None:
    css = branding.stylesheet(acme(branding_custom_css=custom))
    assert "color-scheme:light" not in css.replace("prefers-color-scheme:light", "")
    assert "--card:light-dark(#ffffff,#171a21)" in css


def test_tokens_become_variables() -> None:
    tokens = Brand(
        page_color="#FFF7ED",
        card_color="#fffdf9",
        radius=4,
        font="serif",
        card_position="start",
    )
    css = branding.stylesheet(acme(brand=tokens, branding_primary_color="#0F766E"))
    for declaration in (
        "--primary:#0f766e;",
        "--radius:4px;",
        f"--font:{branding.FONTS['serif']};",
        "--page:#fff7ed;",
        "--card:#fffdf9;",
        "--guard-card:#fffdf9!important;",
        f"--guard-font:{branding.FONTS['serif']}!important",
        "body{align-items:flex-start}",
    ):
        assert declaration in css


@pytest.mark.parametrize(
    "tokens",
    [
        Brand(page_color="red}body{display:none", card_color="#fff", ink_color="url(x)"),
        Brand(radius=10**9, font="Comic Sans}", card_position="}", background="}"),
        Brand(radius=-5, background_url="https://evil.example/'x", background="picture"),
    ],
)
def test_what_was_stored_by_hand_breaks_out_of_nothing(tokens: Brand) -> None:
    css = branding.stylesheet(acme(brand=tokens))
    plain = branding.stylesheet(acme())
    assert css.count("{") == plain.count("{")
    assert css.count("}") == plain.count("}")
    assert "url(" not in css
    assert "evil" not in css
    assert all(0 <= int(found) <= 32 for found in re.findall(r"--radius:(-?\d+)px", css))


def test_the_version_changes_with_what_the_sheet_is_made_of() -> None:
    version = branding.stylesheet_version(acme())
    assert version == branding.stylesheet_version(acme(branding_company_name="Other"))
    assert version != branding.stylesheet_version(acme(branding_primary_color="#000000"))
    assert version != branding.stylesheet_version(acme(branding_custom_css="p{color:red}"))
    assert version != branding.stylesheet_version(acme(brand=Brand(radius=3)))
    spoken = Brand(texts=(BrandTexts(language="en", title="Welcome"),))
    assert version == branding.stylesheet_version(acme(brand=spoken))
    assert version.isalnum()


def test_what_pages_show_of_an_organization() -> None:
    shown = branding.brand(acme(branding_company_name="  émile & co "))
    assert (shown.company, shown.initial) == ("émile & co", "É")
    assert shown.stylesheet_url.startswith("/acme/branding.css?v=")
    assert branding.brand(acme()).company == "Acme"
    assert not any(branding.brand(None))


def test_people_22_links_are_told_in_their_order_and_only_where_they_may_be_followed() -> None:
    tokens = Brand(
        imprint_url="https://acme.example/imprint",
        support_url="https://help.example/",
        privacy_url="javascript:alert(1)",
    )
    assert branding.brand(acme(brand=tokens)).links == (
        ("footer.support", "https://help.example/"),
        ("footer.imprint", "https://acme.example/imprint"),
    )


def test_an_organization_speaks_in_the_languages_that_it_has_words_of() -> None:
    german = BrandTexts(language="de", title="Willkommen")
    shown = branding.brand(acme(brand=Brand(texts=(german,))))
    assert shown.says("de") is german
    assert shown.says("en").title is None


def test_a_picture_is_shown_only_where_it_is_the_background() -> None:
    url = "https://acme.example/hills.jpg"
    for background, shown in (("picture", url), ("plain", ""), (None, "")):
        tokens = Brand(background=background, background_url=url)
        assert branding.brand(acme(brand=tokens)).background_url == shown
