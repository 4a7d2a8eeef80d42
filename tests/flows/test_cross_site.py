"""Clients at a site of their own post, in Chromium: cookies of SameSite=Lax stay at home then."""

from __future__ import annotations

import pytest

from tests.flows.chromium import Window, needs_chromium
from tests.flows.conftest import OpenWindow
from tests.flows.party import VERIFIER, Party, is_signed_in

pytestmark = needs_chromium
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


@pytest.mark.parametrize("prompt", [{}, {"prompt": "none"}])
async def test_a_posted_request_finds_the_session(
    signed_in: Window, party: Party, prompt: dict[str, str]
) -> None:
    signed_in.documents.clear()
    await _post(signed_in, party.authorization_url(VERIFIER, state="posted", **prompt))
    assert signed_in.pages == ["/", "/callback"], "nobody was asked"
    assert signed_in.answer.keys() == {"code", "state", "iss"}


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
    signed_in: Window, party: Party, path: str
) -> None:
    await _post(signed_in, f"{party.issuer}{path}?logout=yes")
    assert await signed_in.text("h1") == "Sign out", "the person is asked"
    assert await is_signed_in(signed_in, party)


async def test_a_posted_hint_ends_the_session(signed_in: Window, party: Party) -> None:
    tokens = party.post("/token", party.code_form(signed_in.answer["code"], VERIFIER)).json()
    asked = f"id_token_hint={tokens['id_token']}&post_logout_redirect_uri={CLIENT}&state=bye"
    await _post(signed_in, f"{party.issuer}/session/end?{asked}")
    assert signed_in.page.url == f"{CLIENT}?state=bye"
    assert not party.is_active(tokens["access_token"])
    assert not await is_signed_in(signed_in, party)
