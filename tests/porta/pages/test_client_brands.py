"""A client's own look: piece by piece over its organization's, and of first-party clients alone."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from porta.pages import branding
from porta.pages.client_brands import dress
from porta.pages.render import Pages
from storage.models.clients import Client
from storage.models.organizations import (
    Brand,
    BrandAsset,
    BrandAssets,
    BrandTexts,
    ClientBrand,
    Organization,
)
from tests import factories
from tests.porta.pages.page_documents import ACME, VALUES

_LOGO = BrandAsset(
    id="1", name="logo-1.png", content_type="image/png", size=1, created_at=0, updated_at=0
)
HOME = replace(
    ACME,
    branding_primary_color="#aa0000",
    branding_custom_css="h1{color:red}",
    brand=Brand(
        radius=4,
        logo_dark_url="https://acme.test/dark.png",
        support_url="https://acme.test/help",
        texts=(BrandTexts(language="de", title="Hallo"), BrandTexts(language="en", title="Hello")),
    ),
    brand_assets=BrandAssets(logo=_LOGO, favicon=_LOGO),
)


def _client(brand: ClientBrand | None, **more: Any) -> Client:
    return factories.client(
        id="c", organization_id=HOME.id, application_id="a", client_id="web", brand=brand, **more
    )


def _dressed(**said: Any) -> Organization:
    return dress(HOME, _client(ClientBrand(**said)))


@pytest.mark.parametrize(
    "client",
    [None, _client(None), _client(ClientBrand(company_name="Shop"), is_first_party=False)],
    ids=["nobody", "no look", "somebody else's"],
)
def test_what_says_nothing_wears_the_organization_itself(client: Client | None) -> None:
    assert dress(HOME, client) is HOME


def test_what_a_client_says_stands_in_its_place_and_the_rest_stays() -> None:
    shown = branding.brand(
        _dressed(company_name="Shop", radius=12, texts=(BrandTexts(language="en", title="Shop!"),))
    )
    assert (shown.company, shown.initial, shown.slug) == ("Shop", "S", "acme")
    assert shown.links == branding.brand(HOME).links
    assert shown.logo_url == "/acme/branding/logo-1.png"
    assert (shown.says("en").title, shown.says("de").title) == ("Shop!", "Hallo")
    dressed = _dressed(radius=12)
    assert (dressed.brand.radius, dressed.branding_primary_color) == (12, "#aa0000")
    assert (dressed.id, dressed.name, dressed.two_factor_policy) == (
        HOME.id,
        HOME.name,
        HOME.two_factor_policy,
    )


def test_a_logo_takes_the_dark_one_of_the_organization_along() -> None:
    shown = branding.brand(_dressed(logo_url="https://shop.test/logo.png"))
    assert (shown.logo_url, shown.logo_dark_url) == ("https://shop.test/logo.png", "")
    assert shown.favicon_url == "/acme/branding/logo-1.png"
    icon = branding.brand(_dressed(favicon_url="https://shop.test/i.png"))
    assert icon.favicon_url == "https://shop.test/i.png"


def test_custom_css_of_the_organization_is_none_of_its_client() -> None:
    sheet = branding.stylesheet(_dressed(primary_color="#00aa00"))
    assert "#00aa00" in sheet
    assert "h1" not in sheet
    assert "h1" in branding.stylesheet(HOME)


def test_its_style_sheet_has_an_address_of_its_own() -> None:
    url = branding.brand(_dressed(radius=1)).stylesheet_url
    assert url.endswith("&client=web")
    odd = dress(HOME, replace(_client(ClientBrand(radius=1)), client_id='a"&b'))
    assert branding.brand(odd).stylesheet_url.endswith("&client=a%22%26b")
    assert "client=" not in branding.brand(HOME).stylesheet_url


def test_a_page_that_is_kept_for_many_is_kept_for_each_look(pages: Pages) -> None:
    def shown(organization: Organization) -> str:
        return pages.render("login", organization=organization, locale="en", **VALUES["login"])

    plain, dressed = shown(HOME), shown(_dressed(company_name="Shop"))
    assert "Shop" in dressed
    assert "Shop" not in plain
    assert shown(HOME) == plain
