"""What a page of another origin may read, judged by Chromium (K6)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import msgspec
import pytest_asyncio
from playwright.async_api import Page
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from handlers.http.server import Server
from porta.runtime import Runtime
from tests.flows.chromium import chromium, needs_chromium, window

pytestmark = needs_chromium

_FETCH = """async ([url, init]) => {
    try { return (await fetch(url, init)).status } catch (fault) { return String(fault) }
}"""
_HARMLESS = {"sentry-trace": "1", "X-Requested-With": "x", "DPoP": "x", "traceparent": "00-0-0-00"}


class _PageHandler(RequestHandler):
    def get(self) -> None:
        self.finish("<!doctype html><title>A client</title><link rel=icon href=data:,>")


@pytest_asyncio.fixture(loop_scope="session")
async def page(runtime: Runtime, server: Server) -> AsyncIterator[Page]:
    """A page of a client that registered its origin at acme, and at no other organization."""
    assert server
    (listening,) = bind_sockets(0, "127.0.0.1")
    origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
    acme = await runtime.storage.everywhere.organizations.find_by_slug("acme")
    assert acme is not None
    spa = await runtime.storage.everywhere.clients.find("spa", acme.id)
    assert spa is not None
    names: dict[str, Any] = {"id": str(uuid4()), "client_id": f"spa-{uuid4()}"}
    await runtime.storage.everywhere.clients.insert(
        msgspec.structs.replace(spa, **names, allowed_origins=(origin,))
    )
    application = HTTPServer(Application([("/", _PageHandler)], log_function=lambda _: None))
    application.add_socket(listening)
    async with chromium() as browser, window(browser) as opened:
        await opened.open(origin)
        yield opened.page
    application.stop()
    await application.close_all_connections()


async def test_K6_a_page_reads_documents_and_answers_whatever_headers_it_sends(
    page: Page, server: Server
) -> None:
    issuer = f"http://127.0.0.1:{server.port}/acme"
    for path in ("/.well-known/openid-configuration", "/jwks"):
        for headers in ({"Content-Type": "application/json"}, {"Cache-Control": "no-cache"}):
            told = await page.evaluate(_FETCH, [issuer + path, {"headers": headers}])
            assert (path, told) == (path, 200)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    posted = {"method": "POST", "body": "grant_type=x", "headers": _HARMLESS | form}
    assert await page.evaluate(_FETCH, [f"{issuer}/token", posted]) == 401
    elsewhere = issuer.replace("/acme", "/globex")
    assert "TypeError" in await page.evaluate(_FETCH, [f"{elsewhere}/token", posted])


async def test_K6_and_never_with_credentials(page: Page, server: Server) -> None:
    url = f"http://127.0.0.1:{server.port}/acme/me"
    asked = {"credentials": "include", "headers": _HARMLESS}
    assert "TypeError" in await page.evaluate(_FETCH, [url, asked])
