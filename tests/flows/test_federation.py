"""A second Porta as the identity provider of the first: the whole conversation, in Chromium."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.flows.chromium import needs_chromium, origin_of, window
from tests.world.answers import claims_of
from tests.world.browser import CHALLENGE, GOOD, code_form, organization_id, post
from tests.world.ports import free_port
from tests.world.served import CALLBACK, Served, serve
from tests.world.upstream import connect, disconnect

pytestmark = needs_chromium
EMAIL, PASSWORD = "alice@acme.test", "quiet-otter-paints-seven-lamps"
FIRST_OF_ALL = GOOD | {"code_challenge": CHALLENGE}


@pytest_asyncio.fixture
async def there(fresh_database_url: str) -> AsyncIterator[Served]:
    """Return the second one, which is a site of its own to a browser."""
    port = free_port()
    here = {"port": port, "issuer_base_url": f"http://localhost:{port}"}
    async with serve(fresh_database_url, None, **here) as running:
        yield running


@pytest_asyncio.fixture
async def here(database_url: str, redis_url: str) -> AsyncIterator[Served]:
    async with serve(database_url, redis_url, outbound_private_addresses=True) as running:
        yield running
        await disconnect(running)


@pytest.mark.parametrize("script", [True, False])
async def test_a_second_porta_says_who_it_is(
    here: Served, there: Served, browser: Browser, script: bool, tmp_path: Path
) -> None:
    issuer = f"{there.runtime.settings.issuer_base_url}/acme"
    connection = await connect(
        here, issuer, name="The Other House", client_id="acme-web-basic",
        client_secret="acme-web-basic-development-secret-0001",
        authoritative_domains=["acme.test"],
    )  # fmt: skip
    back = f"{here.issuer()}/federation/{connection.id}/callback"
    clients = there.runtime.storage.everywhere.clients
    client = await clients.find("acme-web-basic", await organization_id(there))
    assert client is not None
    await clients.update(client.id, client.organization_id, {"redirect_uris": (back,)})
    there.runtime._changed("clients", "acme-web-basic")

    size = {"width": 360, "height": 740}
    async with window(browser, java_script_enabled=script, viewport=size) as one:
        query = "&".join(f"{name}={value}" for name, value in FIRST_OF_ALL.items())
        await one.open(f"{here.issuer()}/auth?{query.replace(' ', '%20')}")
        for width, height in ((740, 360), (360, 740)):
            await one.page.set_viewport_size({"width": width, "height": height})
            await one.page.screenshot(path=tmp_path / f"login-{width}.png", full_page=True)
        assert await one.text("form.connections button") == "Continue with The Other House"
        await one.click("form.connections button")
        assert one.page.url.startswith(there.runtime.settings.issuer_base_url)
        assert await one.text("h1") == "Sign in to Acme Web"
        await one.page.fill("#email", EMAIL)
        await one.page.fill("#password", PASSWORD)
        await one.page.press("#password", "Enter")
        arrived = await one.redirect_to(CALLBACK)
        code = arrived.headers["location"].partition("code=")[2].partition("&")[0]
        tokens = (await post(here, "/token", code_form(code))).json()
        claims = claims_of(tokens["id_token"])
        assert (claims["iss"], claims["amr"]) == (here.issuer(), ["fed"])
        assert origin_of(issuer) in one.origins
