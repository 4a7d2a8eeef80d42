"""Set-up links in Chromium: a form that ends at the provider, on a phone and a desktop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from handlers.http.server import Server
from porta.runtime import Runtime
from storage.models.organizations import Organization
from tests.flows.chromium import chromium, needs_chromium, window
from tests.handlers.links.test_setup import home, installation, names, settings, upstream
from tests.world.administrators import Installation
from tests.world.setups import TYPED, sent
from tests.world.upstream import Provider

__all__ = ["home", "installation", "names", "settings", "upstream"]
pytestmark = needs_chromium
PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 800}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest.mark.parametrize(
    ("scripts", "size", "scheme"),
    [(True, DESKTOP, "dark"), (False, PHONE, "light")],
    ids=["desktop", "phone"],
)
async def test_a_provider_is_connected(
    browser: Browser, server: Server, runtime: Runtime, installation: Installation,
    home: Organization, upstream: Provider, tmp_path: Path,
    scripts: bool, size: dict[str, int], scheme: str,
) -> None:  # fmt: skip
    upstream.answers["/authorize"] = (200, b"<!doctype html><h1>Sign in</h1>")
    upstream.answers["/favicon.ico"] = (200, b"")
    made = await sent(installation, home)
    origin = f"http://127.0.0.1:{server.port}"
    options: dict[str, Any] = {"viewport": size, "color_scheme": scheme}
    async with window(browser, java_script_enabled=scripts, **options) as one:

        async def look(name: str) -> None:
            await one.page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
            wide = "document.documentElement.scrollWidth <= innerWidth"
            assert not scripts or await one.page.evaluate(wide)

        await one.open(made["url"])
        await look("begin")
        await one.click("button.btn-primary")
        await look("form")
        for name, value in ({"issuer": upstream.base} | TYPED).items():
            await one.page.fill(f"#{name}", value)
        await one.click("button.btn-primary")
        assert one.page.url.startswith(f"{upstream.base}/authorize?"), "the policy lets it leave"
        response = urlencode(upstream.grant(one.page.url))
        back = upstream.codes[response.partition("code=")[2].partition("&")[0]]["redirect_uri"]
        await one.open(f"{back}?{response}")
        assert await one.text("h1") == "The sign-in worked"
        await look("tested")
        await one.page.select_option("#family_name", "surname")
        await one.click("button.btn-primary")
        assert await one.text("h1") == "It is done"
        await look("done")
        one.check({origin, upstream.base})
    (live,) = (await runtime.storage.everywhere.connections.find_each([home.id]))[home.id]
    assert live.claim_mapping["family_name"] == "surname"
