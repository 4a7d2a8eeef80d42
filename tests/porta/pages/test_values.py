"""The content of each page: its fields, its words, where it says it leads."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from porta.pages import consent_lines
from porta.pages.render import Pages
from storage.models.interactions import Consent
from tests.porta.pages.page_documents import HOSTILE, LANGUAGES, show


def test_login_form(pages: Pages) -> None:
    page = show(pages, "login", email="ada@acme.example")
    assert page.all("form", method="post", action="/interaction/u1/login")
    assert page.values()["_csrf"] == "c1"
    email, password = page.all("input", id="email")[0], page.all("input", id="password")[0]
    assert (email["name"], email["value"]) == ("email", "ada@acme.example")
    # Not `email`: browsers keep back what has letters of another script before its @ (RFC 6531).
    assert (email["type"], email["inputmode"]) == ("text", "email")
    assert (email["autocomplete"], email["autocapitalize"]) == ("username", "none")
    assert (email["spellcheck"], "required" in email) == ("false", True)
    assert (password["name"], password["autocomplete"]) == ("password", "current-password")
    assert "value" not in password
    assert "autofocus" in password
    assert "autofocus" not in email
    assert page.all("a", href="/interaction/u1/abort")
    assert [label["for"] for label in page.all("label")] == ["email", "password", "remember"]
    assert "Portal" in page.words


def test_login_shows_only_what_is_offered(pages: Pages) -> None:
    page = show(pages, "login")
    assert len(page.all("a")) == 1
    assert not page.all("button", id="magic-link-btn")
    page = show(pages, "login", forgot_password_url="/acme/auth/forgot-password")
    assert page.all("a", href="/acme/auth/forgot-password?interaction=u1")
    page = show(pages, "login", show_magic_link=True)
    assert page.all("button", formaction="/interaction/u1/magic-link")
    page = show(pages, "login", show_magic_link=True, show_password=False)
    assert page.all("form", action="/interaction/u1/magic-link")
    assert not page.all("input", id="password")


def test_a_wrong_password_is_announced_and_tied_to_both_fields(pages: Pages) -> None:
    page = show(pages, "login", error="login.error_invalid")
    assert page.all("div", role="alert", id="flash-error", class_="flash flash-error")
    for field in ("email", "password"):
        assert page.all("input", id=field, aria_invalid="true", aria_describedby="flash-error")
    assert pages.text("en", "login.error_invalid") in page.words


def test_other_errors_do_not_blame_the_fields(pages: Pages) -> None:
    page = show(pages, "login", error="errors.rate_limit_exceeded", retry_after=61)
    assert not page.all("input", aria_invalid="true")
    assert "2 minutes" in page.words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 minute."), (5399, "90 minutes."), (5400, "2 hours."), (86_400, "24 hours.")],
)
def test_a_long_wait_is_told_in_hours(pages: Pages, seconds: int, words: str) -> None:
    values: dict[str, Any] = {"error": "errors.rate_limit_exceeded", "retry_after": seconds}
    assert words in show(pages, "login", **values).words
    assert words in show(pages, "account_profile", **values).words


@pytest.mark.parametrize("error", ["login.not_there", "nonsense", HOSTILE])
def test_an_unknown_error_is_told_in_words(pages: Pages, error: str) -> None:
    page = show(pages, "login", error=error)
    assert pages.text("en", "errors.generic") in page.words
    assert error not in page.words


def test_consent_names_client_scopes_and_destination(pages: Pages) -> None:
    page = show(pages, "consent", account="ada@acme.example", resources=("https://api.example",))
    assert page.all("form", method="post", action="/interaction/u1/confirm")
    assert page.values() == {"_csrf": "c1"}
    for decision in ("approve", "deny"):
        assert page.all("button", type="submit", name="decision", value=decision)
    for words in ("Portal", "Acme GmbH", "app.example", "ada@acme.example"):
        assert words in page.words
    assert "These permissions apply at https://api.example." in page.words
    assert "See who you are: name, email" in page.words
    assert "orders:read" in page.words


@pytest.mark.parametrize("locale", LANGUAGES)
def test_consent_tells_of_roles_and_claims_where_they_come(pages: Pages, locale: str) -> None:
    roles = pages.text(locale, "consent.roles")
    page = show(pages, "consent", locale=locale)
    assert roles in page.words
    assert "Department, Cost centre" in page.words
    without = show(pages, "consent", locale=locale, lines=())
    assert roles not in without.words
    assert pages.text(locale, "consent.claims", claims="") not in without.words


@pytest.mark.parametrize("scope", ["", "other", "s_heading", "openid\u202e"])
def test_a_scope_cannot_borrow_other_words(pages: Pages, scope: str) -> None:
    lines = consent_lines.build(Consent(scope=(scope,)), (), (), partial(pages.text, "en"), "en")
    page = show(pages, "consent", lines=lines)
    assert f"Use the permission {scope}" in page.words


@pytest.mark.parametrize(
    ("redirect_uri", "shown"),
    [
        ("https://app.example/cb", "app.example"),
        ("https://good.example@evil.example/cb", "evil.example"),
        ("https://evil.example\\@good.example/cb", "evil.example"),
        ("https://APP.example:8443/cb", "app.example"),
        ("https://аpple.example/", "xn--pple-43d.example"),
        ("http://127.0.0.1:5000/cb", "on this device"),
        ("http://[::1]/cb", "on this device"),
        ("http://localhost/cb", "on this device"),
        ("com.example.app:/cb", "com.example.app"),
        ("https://" + "a" * 70 + ".example/", "https://aaaa"),
        ("https://[broken/", "https://[broken/"),
        ("https:///nowhere", "https:///nowhere"),
    ],
)
def test_destination_is_told_as_the_browser_will_take_it(
    pages: Pages, redirect_uri: str, shown: str
) -> None:
    page = show(pages, "consent", redirect_uri=redirect_uri)
    sentence = page.words.rsplit("You will be taken to", 1)[1]
    assert shown in sentence
    assert "good.example" not in sentence


def test_terms_and_policy_open_elsewhere_without_a_handle_on_us(pages: Pages) -> None:
    page = show(pages, "consent", tos_url="https://a.example/t", policy_url="https://a.example/p")
    links = page.all("a", target="_blank", rel="noopener noreferrer")
    assert [link["href"] for link in links] == ["https://a.example/t", "https://a.example/p"]


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize(
    "kind",
    [
        "generic",
        "invalid_request",
        "access_denied",
        "not_found",
        "rate_limited",
        "server_error",
        "unavailable",
        "interaction_expired",
        "org_not_found",
        "org_suspended",
        "csrf_invalid",
        "login_method_disabled",
    ],
)
def test_an_error_tells_what_happened_and_what_to_do(pages: Pages, kind: str, locale: str) -> None:
    page = show(pages, "error", kind=kind, locale=locale)
    assert pages.text(locale, f"errors.{kind}") in page.words
    assert page.all("p", class_="text-muted")
    assert "invalid_request" in page.words
    assert "K7Q-4MD" in page.words
    assert show(pages, "error", kind=f"errors.{kind}", locale=locale).words == page.words


def test_an_unknown_kind_of_error_is_still_kind(pages: Pages) -> None:
    page = show(pages, "error", kind="psycopg2.OperationalError")
    assert "psycopg2" not in page.words
    assert pages.text("en", "errors.page_title") in page.words


def test_unknown_and_suspended_organizations_look_like_any_missing_page(pages: Pages) -> None:
    assert (
        show(pages, "error", kind="org_not_found").words
        == show(pages, "error", kind="not_found").words
    )


def test_logout_asks_and_carries_its_parameters(pages: Pages) -> None:
    page = show(pages, "logout", client_name="Portal", cancel_url="/back")
    assert page.all("form", method="post", action="/acme/session/end/confirm")
    assert page.values() == {"xsrf": "x1", "logout": "yes", "state": "s1"}
    assert "Portal" in page.words
    assert page.all("a", href="/back")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://app.example/bye", True),
        ("http://127.0.0.1:9009/", True),
        ("HTTP://localhost/", True),
        ("com.example.app:/bye", False),
        ("javascript:alert(1)", False),
        ("JavaScript:alert(1)//http://", False),
        ("data:text/html,x", False),
        ("http:", False),
        ("//evil.example/", False),
        ("https://app.example\\@evil.example/", False),
        ("http://app.example/\u202e", False),
        ("", False),
    ],
)
def test_whoever_stays_signed_in_is_led_to_websites_only(
    pages: Pages, url: str, shown: bool
) -> None:
    page = show(pages, "logout", cancel_url=url)
    assert [a["href"] for a in page.all("a")] == ([url] if shown else [])


def test_a_logout_form_of_another_session_is_announced(pages: Pages) -> None:
    page = show(pages, "logout", error="errors.csrf_invalid")
    assert page.all("div", role="alert", class_="flash flash-error")
    assert pages.text("en", "errors.csrf_invalid") in page.words
    assert not show(pages, "logout").all("div", role="alert")


def test_form_post_is_no_fault_of_ours_where_no_browser_can_follow(pages: Pages) -> None:
    """A redirect URI that was registered before such hosts were refused."""
    page = show(pages, "form_post", redirect_uri="https://[:::]/cb", parameters={"code": "k1"})
    assert page.all("form", action="https://[:::]/cb")


def test_form_post_carries_the_response_and_works_by_hand(pages: Pages) -> None:
    page = show(pages, "form_post", parameters={"code": "k1", "state": "s", "submit": "x"})
    assert page.all("form", id="form-post", method="post", action="https://app.example/cb")
    assert page.values() == {"code": "k1", "state": "s", "submit": "x"}
    assert page.all("button", type="submit")
    assert len(page.all("script")) == 1


@pytest.mark.parametrize(
    "uri",
    ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "x", "", "https://a\n"],
)
def test_form_post_refuses_what_would_run(pages: Pages, uri: str) -> None:
    with pytest.raises(ValueError, match="form"):
        show(pages, "form_post", redirect_uri=uri)


def test_consent_names_every_place_in_one_sentence_below_the_list(pages: Pages) -> None:
    places = ("https://a.example", "https://b.example")
    page = show(pages, "consent", resources=places)
    assert "apply at https://a.example, https://b.example." in page.words
    listed = [tag for tag, _ in page.tags].count("li")
    assert listed == [tag for tag, _ in show(pages, "consent").tags].count("li")
    assert page.all("p", class_="resources")
    assert not show(pages, "consent").all("p", class_="resources")


def test_an_error_at_the_logout_stands_below_its_title(pages: Pages) -> None:
    page = show(pages, "logout", error="errors.csrf_invalid")
    order = [str(attributes.get("class")) for tag, attributes in page.tags if tag in ("h1", "div")]
    assert order == ["None", "flash flash-error"]
    classes = [attributes.get("class") for _, attributes in page.tags]
    assert classes.index("flash flash-error") < classes.index("message")
