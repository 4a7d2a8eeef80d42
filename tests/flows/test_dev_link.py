"""The link that `porta dev` prints, opened in Chromium: a sign-in, and what came of it."""

from __future__ import annotations

from tests.flows.chromium import Window, needs_chromium, origin_of
from tests.flows.conftest import OpenWindow
from tests.world.processes import Installation

pytestmark = needs_chromium


async def _table(visitor: Window, title: str) -> dict[str, str]:
    """Return a table of the page as names and values."""
    rows = visitor.page.locator("section", has=visitor.page.locator(f"h2:text-is('{title}')"))
    cells = await rows.locator("th, td").all_inner_texts()
    return dict(zip(cells[::2], cells[1::2], strict=True))


async def test_the_printed_link_signs_in_and_shows_the_tokens(
    installation: Installation, open_window: OpenWindow
) -> None:
    visitor = await open_window()
    email, password = installation.person("acme")
    await visitor.open(installation.link)
    assert visitor.page.url.startswith(f"{installation.facts['base_url']}/interaction/")
    await visitor.submit(email, password)
    assert origin_of(visitor.page.url) == origin_of(installation.link)
    assert await visitor.text("h1") == "Signed in as Alice Archer"
    assert "ES256" in await visitor.text(".good")
    claims = await _table(visitor, "ID token")
    assert claims["iss"] == installation.issuer("acme")
    assert claims["aud"] == "acme-native"
    userinfo = await _table(visitor, "Userinfo")
    assert userinfo["sub"] == claims["sub"]
    assert userinfo["email"] == email
    tokens = await _table(visitor, "Token response")
    assert tokens.keys() >= {"access_token", "refresh_token", "expires_in", "scope"}


async def test_what_was_learned_can_be_loaded_again_in_the_same_browser(
    installation: Installation, open_window: OpenWindow
) -> None:
    visitor = await open_window()
    await visitor.open(installation.link)
    await visitor.submit(*installation.person("acme"))
    address = f"{origin_of(installation.link)}/result"
    assert visitor.page.url == address
    await visitor.page.reload()
    assert await visitor.text("h1") == "Signed in as Alice Archer"
    await visitor.click("text=Sign out")
    await visitor.page.go_back()
    assert await visitor.text("h1") == "Signed in as Alice Archer"
    other = await open_window()
    await other.open(address)
    assert await other.text("h1") == "Not signed in"


async def test_the_demonstration_signs_in_by_a_gesture_and_out(
    installation: Installation, open_window: OpenWindow
) -> None:
    visitor = await open_window()
    await visitor.open(installation.link)
    await visitor.submit(*installation.person("acme"))
    visitor.documents.clear()
    await visitor.click("text=Sign in again")
    assert await visitor.text("h1") == "Continue to Acme Desktop?"
    await visitor.click("button[value=continue]")
    assert visitor.pages[1:] == ["/result"]
    await visitor.click("text=Sign out")
    assert "Acme Desktop" in await visitor.text(".message")
    await visitor.click("button.btn-primary")
    assert await visitor.text("h1") == "You are signed out"
    await visitor.open(installation.link)
    assert await visitor.text("h1") == "Sign in to Acme Desktop"


async def test_the_demonstration_tells_of_a_sign_in_that_was_given_up(
    installation: Installation, open_window: OpenWindow
) -> None:
    visitor = await open_window()
    await visitor.open(installation.link)
    await visitor.click("text=Cancel")
    assert await visitor.text("h1") == "Not signed in"
    assert "access_denied" in await visitor.text("section")
