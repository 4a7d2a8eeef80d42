"""What administrators and applications call themselves stays text, in every place."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest

from handlers.account.applications import ApplicationLine
from handlers.account.identities import IdentityLine
from handlers.account.security import DeviceLine, PasskeyLine
from handlers.account.sessions import SessionLine
from handlers.interactions.accounts import AccountLine
from porta.pages.consent_lines import Line
from porta.pages.render import Pages
from porta.pages.values import PAGES
from porta.protocol.federation.profile import DEFAULT_MAPPING
from porta.services.own_profile import FIELDS
from porta.services.setup_forms import Field, Step
from tests import factories
from tests.porta.pages.page_documents import (
    ACME,
    HOSTILE,
    LANGUAGES,
    TEMPLATES,
    VALUES,
    Document,
    show,
)

BIDI = "\u202eevil"
LINES = (Line("consent.api", {"api": HOSTILE, "items": HOSTILE}, ((HOSTILE, HOSTILE),)),)


def hostile_values(name: str) -> dict[str, Any]:
    values: dict[str, Any] = dict.fromkeys(
        (*PAGES[name].required, *PAGES[name].optional), HOSTILE
    ) | {"lines": LINES, "resources": (HOSTILE,)}
    values |= {"parameters": {HOSTILE: HOSTILE}}
    pairs = ("links", "organizations", "known_organizations", "connections")
    values |= dict.fromkeys(pairs, ((HOSTILE, HOSTILE),))
    values |= {"show_password": True, "show_magic_link": True, "retry_after": 5}
    values |= {"lock_seconds": 900, "minutes": 5, "minimum": 12, "trusted_days": 30}
    if name.startswith("account"):
        values["sections"] = ("sessions",)
        values["fields"] = dict.fromkeys(FIELDS, HOSTILE)
        values["sessions"] = (
            SessionLine(HOSTILE, HOSTILE, HOSTILE, HOSTILE, 0.0, is_this=False),
            SessionLine(HOSTILE, HOSTILE, None, None, 0.0, is_this=False),
        )
        values["identities"] = (IdentityLine(HOSTILE, HOSTILE, HOSTILE, 0.0),)
        values["passkeys"] = (PasskeyLine(HOSTILE, HOSTILE, True, 0.0, 0.0),)
        values["devices"] = (DeviceLine(HOSTILE, HOSTILE, HOSTILE, HOSTILE, 0.0),)
        values |= {"method": "totp", "choices": ("totp",), "picture": "<svg></svg>"}
        values["applications"] = (ApplicationLine(HOSTILE, HOSTILE, LINES),)
    if name.startswith("setup"):
        values |= {"fields": (Field(HOSTILE, HOSTILE, HOSTILE),), "typed": {HOSTILE: HOSTILE}}
        values |= {"steps": (Step("open", {"place": HOSTILE}),), "problems": {HOSTILE: HOSTILE}}
        values |= dict.fromkeys(("claims", "choices"), ((HOSTILE, HOSTILE),))
        values["usual"] = dict.fromkeys(DEFAULT_MAPPING, HOSTILE)
    if name == "choose_account":
        values["accounts"] = (AccountLine(HOSTILE, HOSTILE, HOSTILE, is_signed_in=False),)
    if name == "form_post":
        values["redirect_uri"] = f"https://a.example/{HOSTILE}"
    if name == "consent":
        values |= {"tos_url": f"https://a/{HOSTILE}", "client_logo_url": f"https://a/{HOSTILE}"}
    known = PAGES[name].required | PAGES[name].optional.keys()
    return {key: value for key, value in values.items() if key in known}


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("name", sorted(PAGES))
def test_hostile_values_stay_text_in_every_place(pages: Pages, name: str, locale: str) -> None:
    hostile = factories.organization(
        id="1",
        name=HOSTILE,
        slug="acme",
        branding_company_name=HOSTILE,
        branding_logo_url=f"https://logo.example/{HOSTILE}",
        branding_favicon_url=f"https://logo.example/{HOSTILE}",
        branding_primary_color=HOSTILE,
        branding_custom_css=HOSTILE,
    )
    usual, attacked = (
        show(pages, name, locale=locale),
        Document(pages.render(name, organization=hostile, locale=locale, **hostile_values(name))),
    )
    ours = {str(attributes["src"]) for attributes in usual.all("script")}
    # One stands in for a logo that does not load, one offers passkeys.
    more = {pages.static_url("page.js"), pages.static_url("passkey.js")}
    assert {str(attributes["src"]) for attributes in attacked.all("script")} <= ours | more
    for tag, attributes in attacked.tags:
        assert not [key for key in attributes if key.startswith("on") or key == "style"], tag
    images = [str(image["src"]) for image in attacked.all("img")]
    assert all(image.startswith(("https://logo.example/", "https://a/")) for image in images)
    assert HOSTILE in attacked.words


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "http://tracker.example/logo.png",
        "//tracker.example/logo.png",
        "/\\tracker.example/logo.png",
        "https:\\\\tracker.example",
        "https://x.example/\u202egpj",
        "",
    ],
)
def test_only_https_and_paths_of_ours_are_linked_or_shown(pages: Pages, url: str) -> None:
    organization = factories.organization(
        id="1", name="A", slug="a", branding_logo_url=url, branding_favicon_url=url
    )
    more = {"client_logo_url": url, "tos_url": url, "policy_url": url}
    page = show(pages, "consent", organization, **more)
    assert not page.all("img")
    assert not page.all("a")
    assert str(page.all("link", rel="icon")[0]["href"]).startswith("/static/favicon.")
    assert not show(pages, "error", retry_url=url).all("a")


def test_names_cannot_turn_the_sentence_around(pages: Pages) -> None:
    html = pages.render(
        "consent", organization=ACME, locale="en", **VALUES["consent"] | {"client_name": BIDI}
    )
    assert f'<bdi class="name">{BIDI}</bdi>' in html


def test_raw_output_comes_from_the_escaping_helper_only() -> None:
    for path in TEMPLATES.rglob("*.html"):
        source = path.read_text()
        assert "autoescape" not in source
        found = re.findall(r"\{%\s*raw\s+(.*?)%\}", source)
        # A picture is what segno draws: no text of anybody stands in it. The fields of the menu are
        # escaped where they are made (below).
        plain = {"picture", "menu"}
        assert all(item.startswith("rich(") or item.strip() in plain for item in found)


def test_the_query_that_the_language_menu_keeps_is_escaped(pages: Pages) -> None:
    query = urlencode({'"><script>': "'\"><b>"})
    html = pages.render("root", organization=None, locale="en", menu=query, **VALUES["root"])
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&quot;&gt;&lt;script&gt;" in html
