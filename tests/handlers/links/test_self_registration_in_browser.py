"""Self-registration in Chromium: on a phone and a desktop, with scripts and without."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from handlers.http.server import Server
from porta.config.settings import Settings
from porta.runtime import Runtime
from storage.postgres.driver import Postgres
from tests.flows.chromium import chromium, needs_chromium, window
from tests.world.registrations import NEW, mailed_link, new_address, open_home, register_path

pytestmark = needs_chromium
PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 800}
FITS = "document.documentElement.scrollWidth <= innerWidth"


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """One that can send mail."""
    return settings.model_copy(update={"smtp_host": "mail.example"})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "none"])
@pytest.mark.parametrize(
    ("size", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")], ids=["phone", "desktop"]
)
async def test_a_person_makes_an_account(
    browser: Browser, server: Server, runtime: Runtime, pg: Postgres, size: dict[str, int],
    scheme: str, scripts: bool,
) -> None:  # fmt: skip
    home, email = await open_home(runtime), new_address()
    origin = f"http://127.0.0.1:{server.port}"
    options: dict[str, Any] = {"viewport": size, "color_scheme": scheme}
    async with window(browser, java_script_enabled=scripts, **options) as person:
        await person.open(origin + register_path(home))
        await person.page.fill("#email", "nobody")
        await person.click("button.btn-primary")
        assert "no email address" in await person.text("#flash-error")
        assert not scripts or await person.page.evaluate(FITS)
        await person.page.fill("#email", email)
        await person.click("button.btn-primary")
        assert await person.text("h1") == "Check your email"
        await person.open(origin + await mailed_link(runtime, pg, email))
        assert email in await person.text(".lead")
        await person.page.fill("#given_name", "Ann")
        await person.page.fill("#password", NEW)
        if not scripts:  # which could show what was typed
            await person.page.fill("#confirm", NEW)
        assert not scripts or await person.page.evaluate(FITS)
        await person.click("button.btn-primary")
        assert await person.text("h1") == "Your account is ready"
        person.check({origin})
    rows = await pg.fetch(
        "SELECT metadata ->> 'proven' FROM audit_log WHERE organization_id = %(id)s"
        " AND event_type = 'user.registration.requested'",
        {"id": home.id},
    )
    assert [row[0] for row in rows] == ["true" if scripts else "false"], "the puzzle was solved"
