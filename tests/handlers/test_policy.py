"""The policy of pages in Chromium, which holds `form-action` against every redirect of a form."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from handlers.server import Server
from tests.flows.chromium import chromium, needs_chromium, window
from tests.handlers.flow import parameters
from tests.handlers.house import EMAIL, PASSWORD

pytestmark = needs_chromium


class _CallbackHandler(RequestHandler):
    """A client that sends the browser on to another host of its own."""

    def initialize(self, home: str) -> None:
        self._home = home

    def get(self) -> None:
        self.redirect(self._home)

    post = get


class _HomeHandler(RequestHandler):
    def get(self) -> None:
        self.finish("<!doctype html><title>Home</title>")


@asynccontextmanager
async def _client() -> AsyncIterator[tuple[str, str]]:
    """Yield the redirect URI of a client, and the page it leads to."""
    (socket,) = bind_sockets(0, "127.0.0.1")
    port = socket.getsockname()[1]
    home = f"http://localhost:{port}/home"
    application = Application(
        [("/callback", _CallbackHandler, {"home": home}), ("/home", _HomeHandler)],
        log_function=lambda _: None,
    )
    server = HTTPServer(application)
    server.add_socket(socket)
    yield f"http://127.0.0.1:{port}/callback", home
    server.stop()
    await server.close_all_connections()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.mark.parametrize("mode", ["query", "form_post"])
async def test_a_client_may_send_the_browser_on_to_another_host(
    server: Server, running: Browser, mode: str
) -> None:
    async with _client() as (redirect_uri, home), window(running) as opened:
        query = urlencode(
            parameters(client_id="desk", redirect_uri=redirect_uri, response_mode=mode)
        )
        await opened.open(f"http://127.0.0.1:{server.port}/acme/auth?{query}")
        await opened.page.fill("#email", EMAIL)
        await opened.page.fill("#password", PASSWORD)
        await opened.page.press("#password", "Enter")
        await opened.page.wait_for_url(home)
        assert await opened.page.title() == "Home"
        assert not [told for told in opened.complaints if "Security Policy" in told]
