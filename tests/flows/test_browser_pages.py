"""Pages off the straight path, in Chromium: signing out, what has expired, what is refused."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import redis
from playwright.async_api import Error

from porta.observability.log import support_code
from storage.models.artifact import artifact_id
from tests.flows.chromium import Window, needs_chromium
from tests.flows.conftest import OpenWindow
from tests.flows.party import VERIFIER, Party, is_signed_in
from tests.world.processes import Installation

pytestmark = needs_chromium
GOODBYE = "http://127.0.0.1:9009/"


def _logout_url(party: Party, **parameters: str) -> str:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    return f"{party.issuer}/session/end?{query}"


@pytest.mark.parametrize("signed_in", [{}, {"java_script_enabled": False}], indirect=True)
async def test_a_person_confirms_a_logout(signed_in: Window, party: Party) -> None:
    asked = {"client_id": party.client_id, "post_logout_redirect_uri": GOODBYE, "state": "bye"}
    await signed_in.open(_logout_url(party, **asked))
    assert await signed_in.text("h1") == "Sign out"
    assert "Acme Web" in await signed_in.text(".message")
    await signed_in.click("button.btn-primary")
    assert signed_in.page.url == f"{GOODBYE}?state=bye"
    assert not await is_signed_in(signed_in, party)


async def test_an_unanswered_logout_changes_nothing(signed_in: Window, party: Party) -> None:
    await signed_in.open(_logout_url(party))
    assert await is_signed_in(signed_in, party)


async def test_a_logout_with_the_id_token_asks_nothing(signed_in: Window, party: Party) -> None:
    tokens = party.post("/token", party.code_form(signed_in.answer["code"], VERIFIER)).json()
    signed_in.documents.clear()
    await signed_in.open(
        _logout_url(party, id_token_hint=tokens["id_token"], post_logout_redirect_uri=GOODBYE)
    )
    assert signed_in.page.url == GOODBYE
    assert signed_in.pages == ["/"]
    assert not await is_signed_in(signed_in, party)


async def test_a_logout_that_leads_nowhere_ends_on_a_page(signed_in: Window, party: Party) -> None:
    await signed_in.open(_logout_url(party))
    await signed_in.click("button.btn-primary")
    assert await signed_in.text("h1") == "You are signed out"
    assert signed_in.page.url == f"{party.issuer}/session/end/success"
    assert not await is_signed_in(signed_in, party)


@pytest.mark.parametrize("at", ["/auth", "/session/end"])
async def test_a_foreign_address_is_neither_followed_nor_linked_to(
    signed_in: Window, party: Party, at: str
) -> None:
    evil = "https://evil.test/callback"
    url = (
        party.authorization_url(VERIFIER, redirect_uri=evil)
        if at == "/auth"
        else _logout_url(party, client_id=party.client_id, post_logout_redirect_uri=evil)
    )
    response = await signed_in.open(url)
    assert response.status == 400
    # Below the card stands the page's own address in other languages, whatever that holds.
    leads = "main a[href*='evil.test'], a[href^='https://evil'], form[action*='evil.test']"
    assert await signed_in.page.locator(leads).count() == 0
    if at == "/auth":
        assert await signed_in.text("h1") == "This link does not work"
        assert await signed_in.page.locator("form[method=post]").count() == 0
        home = signed_in.page.locator("main a")
        assert await home.get_attribute("href") == "https://app.acme.test/"
        code = await signed_in.text("dd code >> nth=-1")
        assert code == support_code(response.headers["x-request-id"])
    else:
        assert "is not registered" in await signed_in.text(".flash")
    assert await is_signed_in(signed_in, party)


@pytest.mark.parametrize("began", [False, True])
async def test_an_interaction_is_no_use_in_another_browser(
    open_window: OpenWindow, party: Party, account: tuple[str, str], began: bool
) -> None:
    """Nobody is led into signing in for somebody else, who would then hold the code."""
    hers, his = await open_window(), await open_window()
    await hers.open(party.authorization_url(VERIFIER))
    if began:
        await his.open(party.authorization_url(VERIFIER))
    for path in ("", "/consent", "/abort"):
        response = await his.open(hers.page.url + path)
        assert response.status == 400
        heading = "This page has expired" if began else "Cookies are needed"
        assert await his.text("h1") == heading
        assert await his.page.locator("input").count() == 0
    response = await his.open(hers.page.url.replace("/interaction/", "/acme/auth/"))
    assert response.status == 400
    assert await his.text("h1") == heading
    await hers.submit(*account)
    assert "code" in hers.answer, "the attempts of others do her no harm"


async def test_what_waited_too_long_is_told_kindly(
    open_window: OpenWindow, installation: Installation, party: Party, account: tuple[str, str]
) -> None:
    window = await open_window()
    await window.open(party.authorization_url(VERIFIER))
    with redis.Redis.from_url(installation.facts["redis_url"]) as connection:
        uid = window.page.url.rpartition("/")[2]
        assert connection.delete(f"porta:Interaction:{artifact_id(uid.partition('.')[0])}") == 1
    await window.submit(*account)
    assert await window.text("h1") == "This page has expired"
    assert "Acme Web" in await window.text("main"), "which application it was"
    await window.click("button.btn-primary")
    assert await window.page.input_value("#email") == account[0], "what was typed is kept"
    await window.submit(*account)
    assert "code" in window.answer


async def test_K5_going_back_after_a_sign_in_leads_to_the_application(signed_in: Window) -> None:
    home = "https://app.acme.test/"  # what the seed says of the client; there is nobody there
    with suppress(Error):
        await signed_in.page.go_back()
    assert (await signed_in.redirect_to(home)).headers["location"] == home
    signed_in.told.clear()


@pytest.mark.parametrize("script", [True, False])
async def test_K5_a_browser_without_cookies_is_told_so(
    open_window: OpenWindow, party: Party, account: tuple[str, str], script: bool
) -> None:
    window = await open_window(java_script_enabled=script)
    await window.open(party.authorization_url(VERIFIER))
    await window.page.context.clear_cookies()
    await window.page.reload()
    assert await window.text("h1") == "Cookies are needed"
    assert "Acme Web" in await window.text("main")
    await window.click("button.btn-primary")
    await window.submit(*account)
    assert "code" in window.answer


async def test_K10_a_second_tab_notices_that_one_is_signed_in(
    open_window: OpenWindow, party: Party, account: tuple[str, str]
) -> None:
    first = await open_window()
    second = Window(await first.page.context.new_page())
    await first.open(party.authorization_url(VERIFIER, state="one"))
    await second.open(party.authorization_url(VERIFIER, state="two"))
    await first.submit(*account)
    await second.page.reload()
    await second.page.wait_for_url(f"{party.redirect_uri}?**")
    assert (second.answer["state"], "code" in second.answer) == ("two", True)


async def test_K2_two_hundred_requests_leave_session_and_other_cookies(
    signed_in: Window, party: Party
) -> None:
    context = signed_in.page.context
    host: Any = {"name": "other_app", "value": "1", "url": party.issuer.rpartition("/")[0]}
    await context.add_cookies([host])
    before = {(c["name"], c["path"]) for c in await context.cookies()}
    url = party.authorization_url(VERIFIER, prompt="login")
    for _ in range(200):
        answer = await context.request.get(url, max_redirects=0)
        assert answer.status == 303
    assert {(c["name"], c["path"]) for c in await context.cookies()} == before
    assert await is_signed_in(signed_in, party)


@pytest.mark.parametrize(
    ("path", "status", "heading"),
    [
        ("/", 200, "Sign-in service"),
        ("/nobody/auth", 404, "Page not found"),
        ("/acme/auth/no-such", 400, "This page has expired"),
        ("/interaction/no-such", 400, "This page has expired"),
    ],
)
async def test_who_lost_the_way_is_told_kindly(
    open_window: OpenWindow, installation: Installation, path: str, status: int, heading: str
) -> None:
    window = await open_window()
    response = await window.open(installation.facts["base_url"] + path)
    assert response.status == status
    assert await window.text("h1") == heading
