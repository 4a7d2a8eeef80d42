"""The policy of pages in Chromium, which holds `form-action` against every redirect of a form."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from handlers.http.server import Server
from porta.runtime import Runtime
from tests.flows.chromium import Window, chromium, needs_chromium, window
from tests.handlers.flow import parameters
from tests.world.certificates import write_certificate
from tests.world.house import EMAIL, PASSWORD

pytestmark = needs_chromium
SCHEME = "claude://settings/connectors"


@dataclass(slots=True)
class Places:
    """Where the clients of these tests are: at three hosts, one with a scheme of its own."""

    port: int
    tls_port: int
    seen: list[HTTPServerRequest] = field(default_factory=list)

    @property
    def starts(self) -> dict[str, str]:
        return {
            "https": f"https://client.test:{self.tls_port}",
            "loopback": f"http://127.0.0.1:{self.port}",
        }

    @property
    def ends(self) -> dict[str, str]:
        return {
            "https": f"https://elsewhere.test:{self.tls_port}/home",
            "loopback": f"http://localhost:{self.port}/home",
            "scheme": SCHEME,
        }


class _OnwardHandler(RequestHandler):
    """A client that sends the browser on, to where its path says."""

    def initialize(self, places: Places) -> None:
        self._places = places

    def get(self, end: str) -> None:
        self._places.seen.append(self.request)
        self.redirect(self._places.ends[end])

    post = get


class _HomeHandler(RequestHandler):
    def get(self) -> None:
        self.finish("<!doctype html><title>Home</title><link rel=icon href=data:,>")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A certificate that nobody vouches for."""
    certificate, key = write_certificate(tmp_path_factory.mktemp("tls"), "client.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@asynccontextmanager
async def _listening(certificate: ssl.SSLContext) -> AsyncIterator[Places]:
    sockets = [bind_sockets(0, "127.0.0.1")[0] for _ in range(2)]
    places = Places(*(each.getsockname()[1] for each in sockets))
    application = Application(
        [("/on/(.*)", _OnwardHandler, {"places": places}), ("/home", _HomeHandler)],
        log_function=lambda _: None,
    )
    servers = [HTTPServer(application), HTTPServer(application, ssl_options=certificate)]
    for server, socket in zip(servers, sockets, strict=True):
        server.add_socket(socket)
    yield places
    for server in servers:
        server.stop()
        await server.close_all_connections()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def places(certificate: ssl.SSLContext, runtime: Runtime) -> AsyncIterator[Places]:
    """Three clients of acme, which are sent to and send on."""
    async with _listening(certificate) as listening:
        acme = await runtime.storage.everywhere.organizations.find_by_slug("acme")
        assert acme is not None
        for like in ("web", "third"):
            client = await runtime.storage.everywhere.clients.find(like, acme.id)
            assert client is not None
            uris = tuple(
                f"{start}/on/{end}" for start in listening.starts.values() for end in listening.ends
            )
            await runtime.storage.everywhere.clients.insert(
                msgspec.structs.replace(
                    client, id=str(uuid4()), client_id=f"{like}-on", secrets=(),
                    redirect_uris=uris, post_logout_redirect_uris=uris,
                )
            )  # fmt: skip
        yield listening


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running() -> AsyncIterator[Browser]:
    rules = "MAP *.test 127.0.0.1"
    async with chromium([f"--host-resolver-rules={rules}", "--ignore-certificate-errors"]) as one:
        yield one


async def _sign_in(opened: Window, server: Server, client_id: str, uri: str, **more: str) -> None:
    query = urlencode(parameters(client_id=client_id, redirect_uri=uri, **more))
    await opened.open(f"http://127.0.0.1:{server.port}/acme/auth?{query}")
    await opened.page.fill("#email", EMAIL)
    await opened.page.fill("#password", PASSWORD)
    await opened.page.click("button[type=submit]", no_wait_after=True)


async def _arrives(opened: Window, end: str, places: Places) -> None:
    """Wait until the browser is where the client sent it, past all redirects."""
    if end == "scheme":
        await opened.redirect_to(SCHEME)
        # Nothing opens such an address here; what was refused before has been told after this.
        await opened.open(places.ends["loopback"])
    else:
        await opened.page.wait_for_url(places.ends[end])
    assert await opened.page.title() == "Home"
    assert not [told for told in opened.complaints if "Security Policy" in told]


CHAINS = [
    (start, end) for start in ("https", "loopback") for end in ("https", "loopback", "scheme")
]


@pytest.mark.parametrize(("start", "end"), CHAINS)
async def test_K1_a_client_may_send_the_browser_on_after_a_sign_in(
    server: Server, running: Browser, places: Places, start: str, end: str
) -> None:
    async with window(running, ignore_https_errors=True) as opened:
        await _sign_in(opened, server, "web-on", f"{places.starts[start]}/on/{end}")
        await _arrives(opened, end, places)


@pytest.mark.parametrize(("start", "end"), CHAINS)
async def test_K1_and_after_consent(
    server: Server, running: Browser, places: Places, start: str, end: str
) -> None:
    async with window(running, ignore_https_errors=True) as opened:
        await _sign_in(opened, server, "third-on", f"{places.starts[start]}/on/{end}")
        await opened.page.click("button[value=approve]", no_wait_after=True)
        await _arrives(opened, end, places)


@pytest.mark.parametrize(("start", "end"), CHAINS)
async def test_K1_and_after_a_logout(
    server: Server, running: Browser, places: Places, start: str, end: str
) -> None:
    async with window(running, ignore_https_errors=True) as opened:
        await _sign_in(opened, server, "web-on", f"{places.starts['loopback']}/on/loopback")
        await _arrives(opened, "loopback", places)
        uri = f"{places.starts[start]}/on/{end}"
        query = urlencode({"client_id": "web-on", "post_logout_redirect_uri": uri})
        await opened.open(f"http://127.0.0.1:{server.port}/acme/session/end?{query}")
        await opened.page.click("button.btn-primary", no_wait_after=True)
        await _arrives(opened, end, places)


@pytest.mark.parametrize("start", ["https", "loopback"])
@pytest.mark.parametrize("script", [True, False])
async def test_K12_a_response_that_is_posted_has_an_origin(
    server: Server, running: Browser, places: Places, start: str, script: bool
) -> None:
    """Frameworks that look for forgery trust an origin, and never `null`."""
    options = {"ignore_https_errors": True, "java_script_enabled": script}
    async with window(running, **options) as opened:
        places.seen.clear()
        uri = f"{places.starts[start]}/on/loopback"
        await _sign_in(opened, server, "web-on", uri, response_mode="form_post")
        if not script:
            await opened.page.click("text=Continue", no_wait_after=True)
        await _arrives(opened, "loopback", places)
        (posted,) = places.seen
        issuer = f"http://127.0.0.1:{server.port}"
        assert posted.method == "POST"
        assert posted.headers["Origin"] == issuer
        assert posted.headers.get("Referer", issuer + "/") == issuer + "/", "no path is told"
        own = next(each for each in opened.requests if each.url.endswith("/login"))
        assert (await own.all_headers())["origin"] == issuer
