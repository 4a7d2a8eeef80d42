"""Clients at a site of their own post, in Chromium: cookies of SameSite=Lax stay at home then."""

from __future__ import annotations

import pytest

from tests.flows.chromium import Window, needs_chromium
from tests.flows.conftest import OpenWindow
from tests.flows.party import Party

pytestmark = needs_chromium
VERIFIER = "v" * 43
CLIENT = "http://127.0.0.1:9009/"
"""A page at another site than Porta's, which is at localhost."""
_POST = """(url) => {
    const target = new URL(url), form = document.createElement("form");
    form.method = "post";
    form.action = target.origin + target.pathname;
    for (const [name, value] of target.searchParams)
        form.append(Object.assign(document.createElement("input"), { name, value }));
    document.body.append(form);
    HTMLFormElement.prototype.submit.call(form);
}"""


async def _post(window: Window, url: str) -> None:
    """Have a page of the client post what `url` would ask for by GET."""
    await window.open(CLIENT)
    window.requests.clear()
    async with window.page.expect_navigation():
        await window.page.evaluate(_POST, url)
    posted = window.requests[0]
    assert posted.method == "POST"
    assert "cookie" not in await posted.all_headers()


async def _sign_in(window: Window, party: Party, account: tuple[str, str]) -> None:
    await window.open(party.authorization_url(VERIFIER))
    await window.submit(*account)
    assert "code" in window.answer


async def _is_signed_in(window: Window, party: Party) -> bool:
    await window.open(party.authorization_url(VERIFIER, prompt="none"))
    return "code" in window.answer


@pytest.mark.parametrize("prompt", [{}, {"prompt": "none"}])
async def test_a_posted_request_finds_the_session(
    open_window: OpenWindow, party: Party, account: tuple[str, str], prompt: dict[str, str]
) -> None:
    window = await open_window()
    await _sign_in(window, party, account)
    window.documents.clear()
    await _post(window, party.authorization_url(VERIFIER, state="posted", **prompt))
    assert window.pages == ["/", "/callback"], "nobody was asked"
    assert window.answer.keys() == {"code", "state", "iss"}


async def test_a_posted_request_without_a_session(
    open_window: OpenWindow, party: Party, account: tuple[str, str]
) -> None:
    window = await open_window()
    await _post(window, party.authorization_url(VERIFIER, prompt="none"))
    assert window.answer["error"] == "login_required"
    await _post(window, party.authorization_url(VERIFIER))
    await window.submit(*account)
    assert "code" in window.answer


@pytest.mark.parametrize("path", ["/session/end", "/session/end/confirm"])
async def test_another_site_takes_no_session_away(
    open_window: OpenWindow, party: Party, account: tuple[str, str], path: str
) -> None:
    window = await open_window()
    await _sign_in(window, party, account)
    await _post(window, f"{party.issuer}{path}?logout=yes")
    assert await window.text("h1") == "Sign out", "the person is asked"
    assert await _is_signed_in(window, party)


async def test_a_posted_hint_ends_the_session(
    open_window: OpenWindow, party: Party, account: tuple[str, str]
) -> None:
    window = await open_window()
    await _sign_in(window, party, account)
    tokens = party.post("/token", party.code_form(window.answer["code"], VERIFIER)).json()
    asked = f"id_token_hint={tokens['id_token']}&post_logout_redirect_uri={CLIENT}&state=bye"
    await _post(window, f"{party.issuer}/session/end?{asked}")
    assert window.page.url == f"{CLIENT}?state=bye"
    assert not party.is_active(tokens["access_token"])
    assert not await _is_signed_in(window, party)
