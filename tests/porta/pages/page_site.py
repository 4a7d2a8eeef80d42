"""Every page at an address of its own, under the policy it is served with, for a browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs

from playwright.async_api import Browser, Page

from handlers.headers import page_policy
from porta.pages import branding
from porta.pages.render import Pages
from porta.pages.values import PAGES
from storage.models.organizations import Organization
from tests.porta.pages.brands import PICTURES
from tests.porta.pages.page_documents import VALUES
from tests.porta.pages.page_states import STATES


class Site(ThreadingHTTPServer):
    """Serves every page at /{name}, and remembers what was posted."""

    pages = Pages.load()
    organization: Organization | None = None
    locale = "de"
    shown: Mapping[str, Any] = MappingProxyType({})
    posted: list[dict[str, list[str]]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, path: str) -> tuple[bytes, str]:
        name = path.rpartition("/")[2]
        if path.startswith("/static/"):
            found = self.pages.static(name)
            return (found.content.identity, found.content_type) if found else (b"", "text/plain")
        if path.startswith("/pictures/"):
            return PICTURES.get(name, "").encode(), "image/svg+xml"
        if self.organization and name == "branding.css":
            return branding.stylesheet(self.organization).encode(), "text/css"
        values: dict[str, Any] = {**VALUES[name], **self.shown} if name in PAGES else {}
        if name == "form_post":
            values = values | {"redirect_uri": f"{self.url}/callback"}
        page = name if name in PAGES else "root"
        html = self.pages.render(
            page, organization=self.organization, locale=self.locale, menu="", **values
        )
        return html.encode(), "text/html; charset=utf-8"


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        content, content_type = self.server.answer(self.path.partition("?")[0])
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Security-Policy", page_policy(leaves=False))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.posted.append(parse_qs(body))
        self.do_GET()


@contextmanager
def serving() -> Iterator[Site]:
    """Serve until the context ends."""
    with Site(("127.0.0.1", 0), _Handler) as server:
        server.posted = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def open_page(
    browser: Browser, site: Site, name: str, **options: Any
) -> tuple[Page, list[str]]:
    """Open a page in a browser of its own; return it, and what it will complain of."""
    context = await browser.new_context(**options)
    page, complaints = await context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(f"{site.url}/{name}")
    return page, complaints


async def keep_still(page: Page) -> None:
    """Have the page of a posted response stay where it is, as one whose script is late."""
    await page.route(
        "**/static/form_post.*.js",
        lambda route: route.fulfill(content_type="text/javascript", body=""),
    )


async def show_state(page: Page, site: Site, name: str, organization: Organization | None) -> None:
    """Go to a page of STATES, in the brand of `organization` if it is a page of one."""
    state = STATES[name]
    site.shown, site.organization = state.values, organization if state.branded else None
    await page.goto(f"{site.url}/{state.page}")
    if state.page == "form_post":
        await page.locator("button").wait_for()
