"""People sign in with Chromium: the pages as they are, under the policy they are served with."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flows.arrivals import Arrivals
from tests.flows.chromium import needs_chromium
from tests.flows.conftest import OpenWindow
from tests.flows.party import VERIFIER, Party
from tests.world.processes import Installation

pytestmark = needs_chromium
PARTNER = "http://127.0.0.1:9011/callback"


@pytest.fixture
def partner(installation: Installation) -> Party:
    """Return a client of somebody else, which needs consent."""
    return Party(installation, "acme", "acme-partner", PARTNER)


def _redeem(party: Party, code: str) -> dict[str, Any]:
    response = party.post("/token", party.code_form(code, VERIFIER))
    assert response.status_code == 200, response.text
    tokens: dict[str, Any] = response.json()
    return tokens


@pytest.mark.parametrize("script", [True, False])
async def test_a_wrong_password_then_the_right_one(
    open_window: OpenWindow, party: Party, account: tuple[str, str], script: bool
) -> None:
    email, password = account
    window = await open_window(java_script_enabled=script)
    await window.open(party.authorization_url(VERIFIER, state="s-1"))
    assert await window.text("h1") == "Sign in to Acme Web"

    await window.submit(email, "not " + password)
    assert "Wrong email" in await window.text("[role=alert]")
    assert await window.page.input_value("#email") == email
    assert await window.page.input_value("#password") == ""

    await window.submit(email, password)
    assert window.page.url.startswith(party.redirect_uri + "?")
    assert window.answer.keys() == {"code", "state", "iss"}
    assert window.answer["state"] == "s-1"
    assert window.answer["iss"] == party.issuer
    assert _redeem(party, window.answer["code"])["id_token"]


async def test_the_focus_is_where_the_next_key_belongs(
    open_window: OpenWindow, party: Party, account: tuple[str, str]
) -> None:
    window = await open_window()
    await window.open(party.authorization_url(VERIFIER))
    assert await window.focus() == "email"
    await window.submit(account[0], "wrong")
    assert await window.focus() == "password"
    assert await window.page.get_attribute("#password", "aria-describedby") == "flash-error"
    await window.open(party.authorization_url(VERIFIER, login_hint=account[0]))
    assert await window.focus() == "password"
    assert await window.page.input_value("#email") == account[0]


async def test_a_second_sign_in_shows_nothing(
    open_window: OpenWindow, party: Party, account: tuple[str, str]
) -> None:
    window = await open_window()
    await window.open(party.authorization_url(VERIFIER))
    await window.submit(*account)
    first = window.answer["code"]
    window.documents.clear()
    await window.open(party.authorization_url(VERIFIER, prompt="none", state="again"))
    assert window.pages == ["/callback"]
    assert window.answer["state"] == "again"
    assert window.answer["code"] != first


@pytest.mark.parametrize("script", [True, False])
async def test_consent_once_given_is_not_asked_for_again(
    open_window: OpenWindow, partner: Party, account: tuple[str, str], script: bool
) -> None:
    window = await open_window(java_script_enabled=script)
    await window.open(partner.authorization_url(VERIFIER))
    await window.submit(*account)
    assert "Globex Reports" in await window.text("h1")
    assert "email" in await window.text(".scope-list")
    await window.click("button[value=approve]")
    assert window.page.url.startswith(PARTNER + "?")
    tokens = _redeem(partner, window.answer["code"])
    assert set(tokens["scope"].split()) == {"openid", "profile", "email", "offline_access"}
    window.documents.clear()
    await window.open(partner.authorization_url(VERIFIER))
    assert window.pages == ["/callback"]


async def test_consent_refused_is_told_to_the_client(
    open_window: OpenWindow, partner: Party, account: tuple[str, str]
) -> None:
    window = await open_window()
    await window.open(partner.authorization_url(VERIFIER, state="s-2"))
    await window.submit(*account)
    await window.click("button[value=deny]")
    assert window.page.url.startswith(PARTNER + "?")
    assert window.answer["error"] == "access_denied"
    assert window.answer["state"] == "s-2"
    assert window.answer["iss"] == partner.issuer
    assert "code" not in window.answer
    await window.open(partner.authorization_url(VERIFIER))
    assert "Globex Reports" in await window.text("h1"), "who refused may think again"


async def test_a_person_who_goes_away_is_told_to_the_client(
    open_window: OpenWindow, party: Party
) -> None:
    window = await open_window()
    await window.open(party.authorization_url(VERIFIER, state="s-3"))
    await window.click("text=Cancel")
    assert window.page.url.startswith(party.redirect_uri + "?")
    assert window.answer["error"] == "access_denied"
    assert window.answer["state"] == "s-3"


@pytest.mark.parametrize("script", [True, False])
async def test_a_response_is_posted(
    open_window: OpenWindow,
    party: Party,
    account: tuple[str, str],
    at_client: Arrivals,
    script: bool,
) -> None:
    window = await open_window(java_script_enabled=script)
    state = f"posted-{script}"
    await window.open(party.authorization_url(VERIFIER, response_mode="form_post", state=state))
    await window.submit(*account)
    if not script:
        await window.click("text=Continue")
    await window.page.wait_for_url(party.redirect_uri)
    arrival = at_client.posted(state)
    assert arrival.parameters.keys() == {"code", "state", "iss"}
    assert _redeem(party, arrival.parameters["code"])["access_token"]


async def test_an_application_with_a_scheme_of_its_own_is_called(
    open_window: OpenWindow, installation: Installation, account: tuple[str, str]
) -> None:
    """The policy of the login page lets its form lead there, through two redirects."""
    native = Party(installation, "acme", "acme-native", "com.example.app:/callback")
    window = await open_window()
    await window.open(native.authorization_url(VERIFIER, state="s-4"))
    await window.page.fill("#email", account[0])
    await window.page.fill("#password", account[1])
    await window.page.click("button[type=submit]", no_wait_after=True)
    response = await window.redirect_to("com.example.app:/callback?")
    assert response.status == 303
    await window.page.wait_for_timeout(500)  # a refusal of the policy would be told by now
    assert "state=s-4" in response.headers["location"]


@pytest.mark.parametrize(
    ("language", "asked", "heading"),
    [
        ("de-DE", {}, "Bei Acme Web anmelden"),
        ("de-DE", {"ui_locales": "en"}, "Sign in to Acme Web"),
        ("en-GB", {"ui_locales": "fi de"}, "Bei Acme Web anmelden"),
        ("fi-FI", {}, "Sign in to Acme Web"),
    ],
)
async def test_pages_speak_the_language_of_the_reader(
    open_window: OpenWindow, party: Party, language: str, asked: dict[str, str], heading: str
) -> None:
    window = await open_window(locale=language)
    await window.open(party.authorization_url(VERIFIER, **asked))
    assert await window.text("h1") == heading
    expected = "de" if heading.startswith("Bei") else "en"
    assert await window.page.get_attribute("html", "lang") == expected
