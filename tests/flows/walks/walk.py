"""Somebody on their way: a browser in one look, and what was wrong with the pages they met."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from playwright.async_api import Browser

from tests.flows.chromium import Window, window
from tests.flows.walks.look import SCRIPTS, SIZES, Look
from tests.flows.walks.looking import faults_of
from tests.flows.walks.world import ADA, World
from tests.handlers.flow import parameters
from tests.world.browser import new_address
from tests.world.house import PASSWORD
from tests.world.passkeys import Home
from tests.world.served import CALLBACK

AT_CLIENT = urljoin(CALLBACK, "/")
"""The client's own page."""
PICTURES = Path(__file__).parents[3] / "build" / "walks"
PRIMARY = "main form[method=post] .btn-primary"
REFUSED = "[role=alert]"
"""What says that something did not work."""
TOLD = "[role=status]"
"""What says that something did."""
CODE, FIELD = "main #code", "main #email"
WAY_ON = "main a.btn-primary"
SAVE = "main .stays .btn-primary"
"""What changes an account, and leads back to the same page of it."""
DONE, OVER = "main .badge-success", "main .badge-error"
"""What heads a page of its own that says so."""


@dataclass(slots=True)
class Record:
    """What one walk met in one look: pictures in their order, and what was wrong with each page."""

    name: str
    look: Look
    thorough: bool
    """Whether axe-core looks too, and pictures are of whole pages."""
    pages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return PICTURES / self.name.replace(" ", "-").replace(",", "") / self.look.name

    @property
    def wrong(self) -> dict[str, list[str]]:
        return {page["state"]: page["wrong"] for page in self.pages if page["wrong"]}

    def close(self) -> None:
        """Leave what was found beside the pictures."""
        told = json.dumps(self.pages, indent=1, ensure_ascii=False)
        (self.folder / "pages.json").write_text(told + "\n")


@dataclass(slots=True)
class Walk:
    """Somebody at a browser of theirs. Where they are at home is settled by `settle`."""

    browser: Browser
    opened: Window
    world: World
    record: Record
    home: Home | None = None

    @property
    def look(self) -> Look:
        return self.record.look

    @property
    def has_scripts(self) -> bool:
        return self.look.scripts == SCRIPTS

    @property
    def here(self) -> Home:
        assert self.home is not None
        return self.home

    async def settle(self, *methods: str, **more: Any) -> Home:
        """Be of an organization of one's own: see `World.settle`."""
        self.home = await self.world.settle(*methods, **more)
        return self.home

    async def begin(self, **asked: Any) -> None:
        """Come from the client to the sign-in."""
        home = self.here
        known = {"client_id": home.client_id, "redirect_uri": CALLBACK, **asked}
        await self.open(f"/{home.slug}/auth?{urlencode(parameters(**known))}")

    async def open(self, path: str) -> None:
        await self.opened.open(f"{self.world.origin}{path}")

    async def fill(self, **typed: str) -> None:
        for name, value in typed.items():
            await self.opened.page.fill(f"main [name={name}]:visible", value)

    async def choose_password(self, password: str, repeated: str | None = None) -> None:
        """Type a new password, as often as the page asks for it."""
        await self.fill(password=password)
        if await self.opened.page.locator("#confirm").count():
            await self.opened.page.fill("#confirm", repeated or password)

    async def choose_too_weak(self) -> None:
        """Type a password that is refused; one that is repeated wrong where that is asked for."""
        await self.choose_password("short", "different")
        await self.press()
        await self.see("too weak", REFUSED, "#password")
        problems = await self.opened.page.locator("#flash-error p").count()
        assert problems == (1 if self.has_scripts else 2)

    async def press(self, selector: str = PRIMARY) -> None:
        """Press what leads on, and wait for the page that it leads to."""
        async with self.opened.page.expect_navigation():
            await self.opened.page.locator(selector).first.click()

    async def sign_in(self, email: str = ADA, password: str = PASSWORD, **asked: Any) -> None:
        """Come from the client, and show the password."""
        await self.begin(**asked)
        await self.fill(email=email, password=password)
        await self.press()

    async def forget(self) -> None:
        """Be as in a browser that was never here."""
        await self.opened.page.context.clear_cookies()

    async def arrive(self, error: str | None = None) -> None:
        """Be at the client: with a code, or an error."""
        await self.opened.page.wait_for_url(re.compile("^" + re.escape(CALLBACK)))
        answer = self.opened.answer
        assert answer.get("error") == error, answer
        assert ("code" in answer) is (error is None), answer

    async def be_at_client(self, path: str = "") -> None:
        """Be at a page of the client's own, which nobody brings a code to."""
        await self.opened.page.wait_for_url(
            re.compile("^" + re.escape(AT_CLIENT + path) + r"(\?|$)")
        )
        assert not {"code", "error"} & self.opened.answer.keys(), self.opened.answer

    async def spoil(self, name: str) -> None:
        """Have forms carry what is no longer good, as an old page does."""
        spoiled = '(fields) => fields.forEach((field) => (field.value += "x"))'
        await self.opened.page.locator(f"[name={name}]").evaluate_all(spoiled)

    async def see(self, state: str, *expected: str) -> None:
        """Look at a page that shows what is `expected` (selectors)."""
        page, record = self.opened.page, self.record
        missing = [each for each in expected if not await _shows(self.opened, each)]
        facts, wrong = await faults_of(page, self.look, with_axe=record.thorough)
        wrong += [f"has no {each}" for each in missing]
        picture = f"{len(record.pages) + 1:02}-{state.replace(' ', '-').replace(',', '')}.png"
        record.pages.append({
            "state": state, "path": urlsplit(page.url).path, "title": facts["title"],
            "focus": facts["focus"], "wrong": wrong,
        })  # fmt: skip
        await page.screenshot(path=record.folder / picture, full_page=record.thorough)
        assert not missing, f"{state}: {missing} at {page.url}\n{facts['words']}"

    @asynccontextmanager
    async def elsewhere(self) -> AsyncIterator[Walk]:
        """Be at another browser, which looks the same."""
        async with _at_browser(self.browser, self.world, self.record) as other:
            other.home = self.home
            yield other


async def _shows(opened: Window, selector: str) -> bool:
    return await opened.page.locator(selector).first.is_visible()


@asynccontextmanager
async def walking(
    browser: Browser, world: World, name: str, look: Look, *, thorough: bool
) -> AsyncIterator[Walk]:
    """Be on the way; at the end nothing may have been wrong with any page."""
    record = Record(name, look, thorough)
    record.folder.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        stack.callback(record.close)
        yield await stack.enter_async_context(_at_browser(browser, world, record))
    assert record.wrong == {}


@asynccontextmanager
async def _at_browser(browser: Browser, world: World, record: Record) -> AsyncIterator[Walk]:
    look = record.look
    width, height = SIZES[look.size]
    options: dict[str, Any] = {
        "viewport": {"width": width, "height": height},
        "color_scheme": look.scheme,
        "locale": look.language,
        "timezone_id": "UTC",
        "reduced_motion": "reduce",
        "java_script_enabled": look.scripts == SCRIPTS,
        "extra_http_headers": {"X-Forwarded-For": new_address()},
    }
    async with window(browser, **options) as opened:
        yield Walk(browser, opened, world, record)
        assert not opened.complaints, opened.complaints
