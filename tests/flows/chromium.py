"""Chromium as Debian installs it, watched: what a page complains of, and whom it asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request, Response, async_playwright

from tests.world.machine import browser_fault, find_chromium, skip_without

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
needs_chromium = [
    pytest.mark.browser,
    skip_without(browser_fault() is None, browser_fault() or ""),
]
_FAILED = "Failed to load resource:"
_HASTE = "Autofocus processing was blocked because a document already has a focused element."
"""Who types before a browser gets to the field that a page begins at: tests, where it is slow."""
PATIENCE = 45_000
"""Milliseconds for whatever a person would wait for, on a machine that is slow."""


@asynccontextmanager
async def chromium(flags: Sequence[str] = ()) -> AsyncIterator[Browser]:
    """Run Chromium until the context ends."""
    assert browser_fault() is None, browser_fault()
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=find_chromium(), args=[*FLAGS, *flags], timeout=60_000
        )
        yield running
        await running.close()


@dataclass(slots=True)
class Window:
    """Somebody's own browser with one page in it."""

    page: Page
    told: list[tuple[str, str]] = field(default_factory=list)
    """What the browser said of a page, and of which URL."""
    requests: list[Request] = field(default_factory=list)
    documents: list[Response] = field(default_factory=list)

    @property
    def complaints(self) -> list[str]:
        """What was wrong with a page.

        Not what the network did, nor the status of a page, which tests see for themselves. Asked
        for at the end: a browser may tell of an answer before the answer.
        """
        shown = {each.url for each in self.documents}
        return [
            f"{text} ({url})"
            for text, url in self.told
            if not text.startswith((f"{_FAILED} net::", _HASTE))
            and not (
                text.startswith(f"{_FAILED} the server responded with a status") and url in shown
            )
        ]

    @property
    def origins(self) -> set[str]:
        """Whom anything was asked from, by http(s)."""
        return {origin_of(r.url) for r in self.requests if r.url.startswith("http")}

    @property
    def pages(self) -> list[str]:
        """Paths of the pages that were shown, redirects left out."""
        return [urlsplit(d.url).path for d in self.documents if not 300 <= d.status < 400]

    @property
    def answer(self) -> dict[str, str]:
        """Parameters in the address that the page is at."""
        return dict(parse_qsl(urlsplit(self.page.url).query, keep_blank_values=True))

    async def open(self, url: str) -> Response:
        """Go to `url` and return the last response, past all redirects."""
        response = await self.page.goto(url)
        assert response is not None, url
        return response

    async def submit(self, email: str, password: str) -> None:
        """Fill in the login page and press Enter."""
        await self.page.fill("#email", email)
        await self.page.fill("#password", password)
        async with self.page.expect_navigation():
            await self.page.press("#password", "Enter")

    async def click(self, selector: str) -> None:
        """Click on what leads to another page, and wait for that."""
        async with self.page.expect_navigation():
            await self.page.click(selector)

    async def text(self, selector: str) -> str:
        return (await self.page.inner_text(selector)).strip()

    async def focus(self) -> str:
        """Return the id of the element that has the focus."""
        identifier: str = await self.page.evaluate("document.activeElement.id")
        return identifier

    async def redirect_to(self, prefix: str) -> Response:
        """Wait for a redirect whose Location begins with `prefix`."""
        async with asyncio.timeout(PATIENCE / 1000):
            while True:
                for response in self.documents:
                    if response.headers.get("location", "").startswith(prefix):
                        return response
                await asyncio.sleep(0.02)

    def check(self, allowed: Collection[str]) -> None:
        """Fail if a page complained, or asked anybody but the origins `allowed`."""
        assert not self.complaints, self.complaints
        assert self.origins <= set(allowed), self.origins


@asynccontextmanager
async def window(browser: Browser, **options: Any) -> AsyncIterator[Window]:
    """Open a browser of its own; `options` are those of a Playwright context."""
    context = await browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    opened = Window(await context.new_page())
    context.on("console", lambda message: _note(opened, message))
    context.on("weberror", lambda error: opened.told.append((str(error.error), opened.page.url)))
    context.on("request", lambda request: opened.requests.append(request))
    context.on("response", lambda response: _keep(opened, response))
    yield opened
    await context.close()


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _note(opened: Window, message: ConsoleMessage) -> None:
    opened.told.append((message.text, message.location["url"]))


def _keep(opened: Window, response: Response) -> None:
    if response.request.is_navigation_request():
        opened.documents.append(response)
