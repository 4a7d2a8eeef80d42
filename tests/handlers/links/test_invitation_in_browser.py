"""Invitations in Chromium: on a phone and a desktop, light and dark, with scripts and without."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
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
PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 800}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def acme(runtime: Runtime) -> Organization:
    found = await runtime.storage.everywhere.organizations.find_by_slug("acme")
    assert found is not None
    return found


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "none"])
@pytest.mark.parametrize(
    ("size", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")], ids=["phone", "desktop"]
)
async def test_a_person_accepts(
    browser: Browser, server: Server, runtime: Runtime, pg: Postgres, acme: Organization,
    size: dict[str, int], scheme: str, scripts: bool,
) -> None:  # fmt: skip
    guest = await invited(runtime, pg, acme)
    origin = f"http://127.0.0.1:{server.port}"
    options: dict[str, Any] = {"viewport": size, "color_scheme": scheme}
    async with window(browser, java_script_enabled=scripts, **options) as guests:
        await guests.open(origin + guest.link)
        assert guest.email in await guests.text(".lead")
        await guests.page.fill("#given_name", "Ann")
        await guests.page.fill("#password", "password")
        if not scripts:  # which could show what was typed
            await guests.page.fill("#confirm", "other")
        await guests.click("button.btn-primary")
        assert await guests.page.locator("#flash-error p").count() == (2 if scripts else 3)
        assert await guests.page.input_value("#given_name") == "Ann"
        await guests.page.fill("#password", NEW)
        if not scripts:
            await guests.page.fill("#confirm", NEW)
        await guests.click("button.btn-primary")
        assert await guests.text("h1") == "Your account is ready"
        wide = "document.documentElement.scrollWidth <= innerWidth"
        assert not scripts or await guests.page.evaluate(wide)
        guests.check({origin})
    stored = await runtime.storage.everywhere.users.find(guest.id)
    assert stored is not None
    assert (stored.email_verified, stored.given_name) == (True, "Ann")


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
