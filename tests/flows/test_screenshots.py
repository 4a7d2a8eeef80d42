"""Pictures of the pages for people to look at: phone and desktop, light and dark."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flows.chromium import Window, needs_chromium
from tests.flows.conftest import OpenWindow
from tests.flows.installation import ROOT, Installation
from tests.flows.party import Party

pytestmark = needs_chromium
FOLDER = ROOT / "tests" / "screenshots"
SIZES = {"phone": {"width": 375, "height": 812}, "desktop": {"width": 1280, "height": 800}}
VERIFIER = "v" * 43


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", sorted(SIZES))
async def test_pages_are_pictured(
    open_window: OpenWindow, installation: Installation, size: str, scheme: Any
) -> None:
    account = installation.person("acme")
    partner = Party(installation, "acme", "acme-partner", "http://127.0.0.1:9011/callback")
    window = await open_window(viewport=SIZES[size], color_scheme=scheme)

    async def keep(name: str) -> None:
        await _picture(window, f"{name}-{size}-{scheme}")

    await window.open(partner.authorization_url(VERIFIER))
    await keep("login")
    await window.submit(account[0], "wrong")
    await keep("login-wrong")
    await window.submit(*account)
    await keep("consent")
    await window.click("button[value=approve]")
    await window.open(f"{partner.issuer}/session/end?client_id=acme-partner")
    await keep("logout")
    await window.click("button.btn-primary")
    await keep("logout-success")
    await window.open(partner.authorization_url(VERIFIER, redirect_uri="https://evil.test/"))
    await keep("error")
    await window.open(f"{installation.facts['base_url']}/interaction/no-such")
    await keep("error-expired")
    await window.open(partner.authorization_url(VERIFIER, ui_locales="de"))
    await keep("login-german")
    await window.open(installation.link)
    await window.submit(*account)
    await keep("dev-result")


async def _picture(window: Window, name: str) -> None:
    """Keep a picture of the page; fail if it is wider than the screen."""
    FOLDER.mkdir(exist_ok=True)
    await window.page.screenshot(path=FOLDER / f"{name}.png", full_page=True)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await window.page.evaluate(overflow) <= 0, name
