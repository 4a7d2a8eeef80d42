"""Every state of every page: none is forgotten, and each is in one language, within its budget."""

from __future__ import annotations

import re
from html import escape

import pytest

from handlers.pages import _KINDS, _TOLD
from porta.pages import branding
from porta.pages.encodings import Encoded, encode
from porta.pages.render import Pages
from porta.pages.values import PAGES
from storage.models.organizations import Organization
from tests.porta.pages.brands import BRANDS
from tests.porta.pages.page_documents import LANGUAGES, VALUES
from tests.porta.pages.page_states import STATES
from tests.porta.pages.test_catalogs import catalog, keys, texts

BUDGET = 30_000
"""Bytes of a first visit, as they are sent."""


def _html(pages: Pages, name: str, locale: str, organization: Organization | None = None) -> str:
    state = STATES[name]
    values = {**VALUES[state.page], **state.values}
    return pages.render(state.page, organization=organization, locale=locale, menu="", **values)


def test_every_page_and_every_refusal_has_its_state() -> None:
    assert {state.page for state in STATES.values()} == set(PAGES)
    kinds = {state.values.get("kind") for state in STATES.values() if state.page == "error"}
    assert kinds >= {*_KINDS.values(), *_TOLD}


def test_every_value_of_a_page_is_shown_in_some_state() -> None:
    given = {(state.page, value) for state in STATES.values() for value in state.values}
    given |= {(page, value) for page, values in VALUES.items() for value in values}
    known = {(name, value) for name, page in PAGES.items() for value in page.optional}
    assert known - given == set()


@pytest.mark.parametrize("name", sorted(STATES))
def test_a_german_page_has_no_english_words(pages: Pages, name: str) -> None:
    german, html = catalog("de"), _html(pages, name, "de").partition("<footer")[0]
    for message in catalog("en"):
        english = [text for text in texts(message) if len(text) > 5 and "{" not in text]
        for text in english if message.id else ():
            if text not in texts(german[message.id]):
                assert not re.search(rf"\b{re.escape(escape(text))}\b", html), message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_shows_a_key_in_any_language(pages: Pages, language: str) -> None:
    known, shown = keys("en"), set[str]()
    for name in STATES:
        words = re.sub(r"<[^>]*>", " ", _html(pages, name, language))
        shown |= {f"{name}: {each}" for each in known & set(re.findall(r"[\w.]+", words))}
    assert not shown


@pytest.mark.parametrize(
    ("name", "says"),
    [("login, passkey alone", False), ("login, passkey", True), ("two-factor, passkey", True)],
)
def test_another_way_is_spoken_of_where_there_is_one(pages: Pages, name: str, says: bool) -> None:
    (text,) = texts(catalog("en")["passkey.another_way"])
    html = _html(pages, name, "en")
    assert (text in html) is says
    assert "another way" in html.lower() if says else "another way" not in html.lower()


@pytest.mark.parametrize("brand", ["bare", "light", "awkward", "warm"])
def test_people_29_no_first_visit_weighs_more_than_30_kb(pages: Pages, brand: str) -> None:
    """Pages as they are, since they are never compressed; what they link to as it is sent."""
    organization = BRANDS[brand]
    assert organization
    own = _sent(encode(branding.stylesheet(organization).encode()))
    for name in STATES:
        html = _html(pages, name, "de", organization)
        files = [pages.static(each) for each in re.findall(r'"/static/([^"]+)"', html)]
        assert files
        linked = sum(_sent(file.content) for file in files if file)
        assert len(html.encode()) + own + linked < BUDGET, name


@pytest.mark.parametrize("name", sorted(STATES))
def test_people_29_a_page_is_usable_with_its_html_and_its_styles(pages: Pages, name: str) -> None:
    """Within 100 ms of that (issue 8, point 7), whatever the machine: nothing that it can be used
    without is waited for. No script runs before it is parsed, no sheet loads another, no font,
    nothing comes from elsewhere.
    """
    html = _html(pages, name, "de", BRANDS["warm"])
    scripts = re.findall(r"<script\b([^>]*)>(.*?)</script>", html, re.S)
    for given, inline in scripts:
        if re.search(r' type="(?!module)', given):
            continue  # data
        assert not inline.strip(), "what is written there runs before the rest is parsed"
        assert " defer" in given or ' type="module"' in given, given
    sheets = re.findall(r'<link rel="stylesheet" href="([^"]+)"', html)
    assert 1 <= len(sheets) <= 2
    linked = sheets + re.findall(r'<script src="([^"]+)"', html)
    assert all(each.startswith("/") and not each.startswith("//") for each in linked)
    assert not re.search(r'<link rel="(?!icon|stylesheet)', html)


def test_people_29_no_style_sheet_loads_anything(pages: Pages) -> None:
    for source in _sheets(pages):
        assert not re.search(r"@import|@font-face|url\(", source)


def _sheets(pages: Pages) -> list[str]:
    own = [branding.stylesheet(each) for each in BRANDS.values() if each is not None]
    linked = re.findall(r'"/static/(page[^"]+\.css)"', _html(pages, "login", "en"))
    shipped = [pages.static(each) for each in linked]
    return own + [each.content.identity.decode() for each in shipped if each is not None]


def _sent(content: Encoded) -> int:
    return len(content.gzip or content.identity)
