"""Invitations in Chromium, as a mail scanner opens them: people are in tests/flows/walks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from handlers.http.server import Server
from porta.runtime import Runtime
from storage.models.organizations import Organization
from storage.postgres.driver import Postgres
from tests.flows.chromium import chromium, needs_chromium, window
from tests.world.guests import invited

pytestmark = needs_chromium
NEW = "seven green bottles on a wall"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def acme(runtime: Runtime) -> Organization:
    found = await runtime.storage.everywhere.organizations.find_by_slug("acme")
    assert found is not None
    return found


async def test_a_scanner_that_runs_scripts_and_presses_nothing_uses_nothing_up(
    browser: Browser, server: Server, runtime: Runtime, pg: Postgres, acme: Organization
) -> None:
    guest = await invited(runtime, pg, acme)
    origin = f"http://127.0.0.1:{server.port}"
    for _ in range(2):
        async with window(browser) as scanner:
            await scanner.open(origin + guest.link)
            await scanner.page.wait_for_load_state("networkidle")
            scanner.check({origin})
    async with window(browser) as guests:
        await guests.open(origin + guest.link)
        await guests.page.fill("#password", NEW)
        await guests.click("button.btn-primary")
        assert await guests.text("h1") == "Your account is ready"
