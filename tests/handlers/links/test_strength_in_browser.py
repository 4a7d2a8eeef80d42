"""How good a password is, while it is typed, in Chromium; what may be chosen the server says."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, expect

from handlers.http.server import Server
from porta.runtime import Runtime
from storage.postgres.driver import Postgres
from tests.flows.chromium import chromium, needs_chromium, window
from tests.world.guests import invited

pytestmark = needs_chromium
PHONE = {"width": 360, "height": 740}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


async def test_it_is_said_while_somebody_types(
    browser: Browser, server: Server, runtime: Runtime, pg: Postgres
) -> None:
    acme = await runtime.storage.everywhere.organizations.find_by_slug("acme")
    assert acme is not None
    guest = await invited(runtime, pg, acme)
    origin = f"http://127.0.0.1:{server.port}"
    async with window(browser, viewport=PHONE, color_scheme="light") as guests:
        await guests.open(origin + guest.link)
        told, meter = guests.page.locator("#password-strength"), guests.page.locator("meter")
        await expect(told).to_be_empty()
        await expect(meter).to_be_hidden()
        name = guest.email.partition("@")[0]
        for typed, words in (
            ("quiet", "5 of at least 15 characters."),
            ("abcabcabcabcabcabc", "Long enough, but easy to guess"),
            ("1234567890123456", "Long enough, but easy to guess"),
            (f"{name}{name}!", "Long enough, but easy to guess"),
            ("🔑" * 14, "14 of at least 15 characters."),
            ("quiet otter paints", "Long enough."),
            ("", ""),
        ):
            await guests.page.fill("#password", typed)
            await expect(told).to_contain_text(words)
            if words.endswith("."):
                await expect(told).to_have_text(words)
        await guests.page.fill("#password", "quiet otter paints")
        await expect(meter).to_be_visible()
        assert await told.get_attribute("role") == "status"
        if folder := os.environ.get("PICTURES"):
            await guests.page.screenshot(path=Path(folder) / "strength.png")
        guests.check({origin})
