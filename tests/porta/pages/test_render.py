"""Every page is a whole document with nothing inline that a strict CSP would refuse."""

from __future__ import annotations

import re

import pytest

from porta.pages.render import Pages
from porta.pages.values import PAGES
from storage.models.organizations import Organization
from tests.porta.pages.page_documents import ACME, LANGUAGES, VALUES, show


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("name", sorted(PAGES))
@pytest.mark.parametrize("organization", [ACME, None], ids=["organization", "none"])
def test_every_page_is_a_whole_document(
    pages: Pages, name: str, locale: str, organization: Organization | None
) -> None:
    page = show(pages, name, organization, locale=locale)
    assert page.all("html")[0]["lang"] == locale
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
    assert page.all("meta", name="viewport")
    assert page.all("main", class_="container")
    assert "{{" not in page.words
    assert not re.search(r"\b(login|consent|logout|errors|common)\.[a-z_]+", page.words)


def test_nobody_is_asked_to_have_kept_codes_where_there_are_none(pages: Pages) -> None:
    asking = {name for name in PAGES if "I have kept them" in show(pages, name).words}
    assert asking == {"recovery_codes"}


def test_who_is_signed_in_to_nothing_but_their_account_is_led_there_first(pages: Pages) -> None:
    page = show(pages, "organization", ACME, account_url="/acme/account", sign_out_url="/acme/out")
    ways = [(each["href"], each["class"]) for each in page.all("a") if "btn-" in str(each)]
    assert ways == [("/acme/account", "btn-primary"), ("/acme/out", "btn-secondary")]
    assert "You are signed in" in page.words


@pytest.mark.parametrize("name", sorted(PAGES))
def test_nothing_is_inline_and_nothing_foreign_is_loaded(pages: Pages, name: str) -> None:
    for tag, attributes in show(pages, name).tags:
        assert tag not in ("style", "iframe", "object", "embed", "base")
        assert "style" not in attributes
        assert not [key for key in attributes if key.startswith("on")]
        if tag == "script":
            assert str(attributes["src"]).startswith("/static/")
        if tag == "link":
            assert str(attributes["href"]).startswith(("/static/", "/acme/branding.css?v="))


@pytest.mark.parametrize(
    "name",
    sorted(
        set(PAGES)
        - {
            "login",
            "two_factor",
            "two_factor_setup",
            "two_factor_offer",
            "passkeys",
            "consent",
            "gesture",
            "logout",
            "forgot_password",
            "link_identity",
            "account_link",
            "magic_link",
            "magic_link_sent",
            "magic_link_elsewhere",
            "reset_password",
            "accept_invite",
            "complete_registration",
            "register",
            "account_app",
            "account_email",
            "account_password",
            "account_passkey",
            "account_profile",
            "email_change",
            "home_realm",
            *("setup", "setup_connection", "setup_domain", "setup_tested"),
            "error",
            "form_post",
        }
    ),
)
def test_pages_without_a_form_need_no_script(pages: Pages, name: str) -> None:
    assert not show(pages, name).all("script")


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_title_names_page_and_company(pages: Pages, name: str) -> None:
    html = pages.render(name, organization=ACME, locale="en", **VALUES[name])
    assert re.search(r"<title>[^<—]+ — Acme GmbH</title>", html)
    html = pages.render(name, organization=None, locale="en", **VALUES[name])
    title = re.search(r"<title>([^<]+)</title>", html)
    assert title
    assert "—" not in title[1]


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("a&b", "a&amp;b"),
        ("a<b", "a&lt;b"),
        ("a>b", "a&gt;b"),
        ('a"b', "a&quot;b"),
        ("a'b", "a&#x27;b"),
        ("ü&lt;", "ü&amp;lt;"),
        ('"><script>', "&quot;&gt;&lt;script&gt;"),
        ("ada@acme.test", "ada@acme.test"),
        ("日本@acme.test", "日本@acme.test"),
    ],
)
def test_each_character_that_html_gives_a_meaning_is_escaped_by_itself(
    pages: Pages, typed: str, written: str
) -> None:
    values = {**VALUES["login"], "email": typed}
    html = pages.render("login", organization=None, locale="en", **values)
    assert f'name="email" value="{written}"' in html


@pytest.mark.parametrize("name", sorted(PAGES))
def test_no_page_names_the_product(pages: Pages, name: str) -> None:
    assert not re.search(r"\bporta\b", show(pages, name, None).words.lower())


@pytest.mark.parametrize("name", sorted(PAGES))
def test_values_are_checked(pages: Pages, name: str) -> None:
    with pytest.raises(TypeError, match="unknown"):
        pages.render(name, organization=ACME, locale="en", **VALUES[name], surprise=1)
    for required in PAGES[name].required:
        rest = {key: value for key, value in VALUES[name].items() if key != required}
        with pytest.raises(TypeError, match=required):
            pages.render(name, organization=ACME, locale="en", **rest)


def test_a_base_path_stands_before_every_path() -> None:
    pages = Pages.load(base_path="/idp")
    for name in ("login", "consent"):
        for tag, attributes in show(pages, name).tags:
            for key in ("href", "src", "action", "formaction"):
                if tag not in ("a",) or key == "href":
                    assert str(attributes.get(key) or "/idp/").startswith("/idp/"), (tag, key)
