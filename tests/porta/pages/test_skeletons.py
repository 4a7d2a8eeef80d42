"""A page that is rendered once for many requests is the one each of them would be given alone."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from msgspec.structs import replace

from porta.pages.render import Pages
from porta.pages.skeletons import Skeleton, blank
from porta.pages.values import PAGES, common_values
from storage.models.organizations import Brand, BrandTexts
from tests.porta.pages.page_documents import ACME, LANGUAGES

WORDS = replace(
    ACME,
    branding_logo_url="https://cdn.acme.test/logo.png",
    brand=Brand(
        support_url="https://acme.test/help",
        texts=(
            BrandTexts(language="de", title="Guten Tag {{ uid }}", lead="<b>", note="csrf"),
            BrandTexts(language="en", title="Good day"),
        ),
    ),
)
COMMON: list[dict[str, Any]] = [
    {},
    {"client_name": "Portal"},
    {"client_name": '"><b>{{ csrf }} & {menu}'},
    {"show_password": False, "email": "", "account": None},
    {"notice": "login.reauthenticate", "client_name": "Portal"},
    {"show_passkey": True, "client_name": "Portal"},
]
OWN: list[tuple[dict[str, str], str | None]] = [
    ({"uid": "u1", "csrf": "c1", "passkey": ""}, None),
    (
        {"uid": "u2", "csrf": "c2\"><script>&'{uid}", "passkey": '{"get":"x\'>"}'},
        '"><script>&x=%22&',
    ),
    ({"uid": "csrf", "csrf": "menu", "passkey": "uid"}, "lang=de&uid=&%3Cb%3E=%22"),
]
"""Blanks, and the query that a choice of the menu is added to."""


@pytest.fixture(scope="module")
def whole() -> Pages:
    """Renders every page anew."""
    return Pages.load(debug=True)


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("organization", [None, ACME, WORDS], ids=["none", "acme", "words"])
def test_whatever_is_filled_in_the_page_is_that_of_a_request_alone(
    pages: Pages, whole: Pages, organization: Any, locale: str
) -> None:
    for common, (own, menu) in product(COMMON, OWN):
        request: dict[str, Any] = {"organization": organization, "locale": locale, "menu": menu}
        html = pages.render("login", **request, **common, **own)
        assert html == whole.render("login", **request, **common, **own)


def test_what_a_page_is_kept_under_is_all_that_it_shows(pages: Pages) -> None:
    """A change of brand, words, client or language shows in the very next page."""
    values: dict[str, Any] = {"uid": "u1", "csrf": "c1", "passkey": "", "client_name": "Portal"}
    shown = [
        pages.render("login", organization=organization, locale=locale, menu=menu, **values)
        for organization in (
            None,
            ACME,
            WORDS,
            replace(ACME, branding_company_name="Acme & Sons"),
            replace(ACME, branding_primary_color="#00aa00"),
            replace(ACME, branding_favicon_url="https://cdn.acme.test/favicon.png"),
            replace(WORDS, brand=replace(WORDS.brand, texts=())),
            replace(WORDS, brand=replace(WORDS.brand, privacy_url="https://acme.test/privacy")),
        )
        for locale in ("de", "en")
        for menu in (None, "")
    ]
    others = set(LANGUAGES) - {"de", "en"}
    shown += [pages.render("login", organization=WORDS, locale=one, **values) for one in others]
    renamed = values | {"client_name": "Other portal"}
    shown.append(pages.render("login", organization=ACME, locale="en", **renamed))
    assert len(set(shown)) == len(shown)


@pytest.mark.parametrize(
    "one_s_own",
    [
        {"email": "ada@acme.test"},
        {"account": "ada@acme.test"},
        {"error": "login.error_invalid"},
        {"error": "login.error_throttled", "retry_after": 60, "retry_at": "12:00 UTC"},
    ],
)
def test_what_is_one_person_s_is_not_kept(
    pages: Pages, whole: Pages, one_s_own: dict[str, Any]
) -> None:
    values = {"uid": "u1", "csrf": "c1", "passkey": "", "client_name": "Portal"} | one_s_own
    assert common_values(PAGES["login"], values) is None
    request: dict[str, Any] = {"organization": ACME, "locale": "en", "menu": ""}
    for each in (values, values | {"uid": "u2", "csrf": "c2"}):
        assert pages.render("login", **request, **each) == whole.render("login", **request, **each)


def test_blanks_are_required_and_neither_common_nor_optional() -> None:
    for page in PAGES.values():
        assert set(page.blanks) <= page.required
        assert page.common <= page.optional.keys() | page.required - set(page.blanks)


def test_no_value_stands_in_the_place_of_another() -> None:
    skeleton = Skeleton(f"{blank('b')}-a {blank('a')}{blank('a')}-b")
    assert skeleton.fill({"a": blank("b"), "b": "2"}) == f"2-a {blank('b')}{blank('b')}-b"
    assert skeleton.fill({"a": "1", "b": "2"}) == "2-a 11-b"
    with pytest.raises(KeyError):
        skeleton.fill({"a": "1"})
