"""Ways in and their refusals, walked in Chromium as people meet them, and seen by axe-core.

Each walk has a look of its own: a size, a scheme, a language. All of them in every look are marked
`long`. Pictures of every page are left in `tests/screenshots/walks`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from porta.services.organization_fields import OrganizationPatch
from storage.models.organizations import Organization
from storage.postgres.driver import Postgres
from tests.flows.chromium import Window, needs_chromium, window
from tests.handlers.flow import parameters
from tests.porta.pages.page_documents import ROOT
from tests.porta.pages.test_brands_in_browser import needs_axe, violations
from tests.porta.pages.test_in_browser import STICKING_OUT
from tests.world.answers import query_in
from tests.world.house import PASSWORD, furnish
from tests.world.links import person, take_magic_links
from tests.world.mail import mailed_codes
from tests.world.registrations import new_address
from tests.world.second_factors import choose
from tests.world.served import CALLBACK, Served, settings_at, unseeded
from tests.world.upstream import Provider, connect, disconnect, provider

pytestmark = [*needs_chromium, needs_axe]
PICTURES = ROOT / "tests" / "screenshots" / "walks"
SIZES = {"phone": (360, 740), "desktop": (1280, 800)}


class Look(NamedTuple):
    """How somebody meets the pages."""

    size: str
    scheme: str
    language: str


LOOKS = [Look(*each) for each in product(SIZES, ("light", "dark"), ("en", "de", "ar"))]


@dataclass(slots=True)
class Walk:
    """Somebody on their way: a window, and what was wrong with the pages that they met."""

    name: str
    look: Look
    opened: Window
    house: Served
    pg: Postgres
    wrong: dict[str, list[str]] = field(default_factory=dict)

    async def begin(self, **asked: Any) -> None:
        """Come from the client to the sign-in."""
        query = urlencode(parameters(ui_locales=self.look.language, redirect_uri=CALLBACK, **asked))
        await self.opened.open(f"{self.house.base_url}/acme/auth?{query}")

    async def open(self, path: str) -> None:
        joint = "&" if "?" in path else "?"
        await self.opened.open(f"{self.house.base_url}{path}{joint}lang={self.look.language}")

    async def fill(self, **typed: str) -> None:
        for name, value in typed.items():
            await self.opened.page.fill(f"main [name={name}]", value)

    async def press(self, selector: str = "main form[method=post] .btn-primary") -> None:
        """Press what leads on, and wait for the page that it leads to."""
        async with self.opened.page.expect_navigation():
            await self.opened.page.locator(selector).first.click()

    async def see(self, step: str, *expected: str) -> None:
        """Look at a page that shows what is `expected` (selectors)."""
        page, seen = self.opened.page, []
        for selector in expected:
            if not await page.locator(selector).first.is_visible():
                seen.append(f"there is no {selector} at {urlsplit(page.url).path}")
        direction = "rtl" if self.look.language == "ar" else "ltr"
        shown = await page.evaluate("[document.documentElement.lang, document.dir]")
        if shown != [self.look.language, direction]:
            seen.append(f"is in {shown}")
        if await page.evaluate("document.documentElement.scrollWidth") > SIZES[self.look.size][0]:
            seen.append("is wider than the screen")
        seen += await page.evaluate(STICKING_OUT)
        seen += await violations(page)
        words = await page.inner_text("body")
        seen += re.findall(r"\b[a-z_]+\.[a-z_]+\.?[a-z_]*_[a-z_]+\b", words)[:3]  # a raw key
        await page.screenshot(
            path=PICTURES / f"{self.name}-{step}-{self._tag()}.png", full_page=True
        )
        if seen:
            self.wrong[step] = seen

    async def arrive(self) -> None:
        """Be at the client, with a code."""
        await self.opened.page.wait_for_url(re.compile("^" + re.escape(CALLBACK)))
        assert "code" in self.opened.answer, self.opened.answer

    def _tag(self) -> str:
        return "-".join(self.look)


REFUSED, FIELD, CODE = "#flash-error", "main #email", "main #code"


async def _password(walk: Walk) -> None:
    user = await person(walk.house.runtime)
    await walk.begin()
    await walk.see("asked", FIELD, "#remember")
    await walk.fill(email=user.email, password="wrong")
    await walk.press()
    await walk.see("refused", REFUSED)
    await walk.opened.page.check("#remember")
    await walk.fill(email=user.email, password=PASSWORD)
    await walk.press()
    await walk.arrive()
    await walk.begin(prompt="select_account")
    await walk.see("accounts, signed in", ".choices button.btn-primary")
    await walk.press(".choices .btn-primary")
    await walk.arrive()
    await _sign_out(walk)
    await walk.begin()
    await walk.see("accounts", ".choices a.btn-primary")
    await walk.press(".choices a.btn-primary")
    await walk.see("chosen", FIELD)
    await walk.begin()
    await walk.press(".choices .btn-inline")
    await walk.see("forgotten", FIELD, "#remember")


async def _sign_out(walk: Walk) -> None:
    await walk.open("/acme/session/end")
    await walk.see("signing out", "main .btn-primary")
    await walk.press()
    await walk.see("signed out", "main")


async def _first_factor(walk: Walk, email: str) -> None:
    await walk.begin()
    await walk.fill(email=email, password=PASSWORD)
    await walk.press()


async def _mailed_code(walk: Walk) -> None:
    user = await person(walk.house.runtime)
    await choose(walk.pg, user, "email")
    await _first_factor(walk, user.email)
    await walk.see("asked", CODE)
    await walk.fill(code="x")
    await walk.press()
    await walk.see("refused", REFUSED)
    (code,) = await mailed_codes(walk.house.runtime, walk.pg, user.id)
    await walk.fill(code=code)
    await walk.press()
    await walk.arrive()


async def _other_provider(walk: Walk) -> None:
    async with provider() as there:
        await connect(walk.house, there, name="The Other House", creates_accounts=True)
        there.answers["/authorize"] = (200, _THERE)
        there.claims |= {"email": new_address(), "email_verified": True}
        await walk.begin()
        await walk.see("offered", "form.connections button")
        await walk.press("form.connections button")
        await _come_back(walk, there, error="access_denied")
        await walk.see("denied", REFUSED)
        await walk.press("form.connections button")
        await _come_back(walk, there)
        await walk.arrive()
    await disconnect(walk.house)


_THERE = b"<!doctype html><title>The Other House</title><link rel=icon href='data:,'><h1>You?</h1>"


async def _come_back(walk: Walk, there: Provider, **refused: str) -> None:
    """Say yes at the other house, or no."""
    asked = walk.opened.page.url
    told = there.grant(asked)
    back = {"state": told["state"], **refused} if refused else told
    await walk.opened.open(f"{query_in(asked)['redirect_uri']}?{urlencode(back)}")


WALKS: dict[str, Callable[[Walk], Awaitable[None]]] = {
    "password": _password,
    "mailed code": _mailed_code,
    "other provider": _other_provider,
}
PAIRED = {
    "password": Look("phone", "light", "en"),
    "mailed code": Look("desktop", "dark", "de"),
    "other provider": Look("phone", "dark", "ar"),
}


async def _home(house: Served) -> Organization:
    home = await house.runtime.storage.everywhere.organizations.find_by_slug("acme")
    assert home is not None
    return home


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(database_url: str, redis_url: str) -> AsyncIterator[Served]:
    """Return a server that mails, takes registrations, and may call the loopback."""
    settings = settings_at(
        database_url, redis_url, smtp_host="mail.example", outbound_private_addresses=True
    )
    PICTURES.mkdir(parents=True, exist_ok=True)
    async with unseeded(settings, furnish) as running:
        home = await _home(running)
        changes = OrganizationPatch(registration="open").said()
        await running.runtime.storage.everywhere.organizations.update(home.id, changes)
        await take_magic_links(running.runtime, "web")
        client = await running.runtime.storage.everywhere.clients.find("web", home.id)
        assert client is not None
        uris = {"redirect_uris": (CALLBACK,)}
        await running.runtime.storage.everywhere.clients.update(client.id, home.id, uris)
        yield running


@asynccontextmanager
async def _walking(
    browser: Browser, house: Served, pg: Postgres, name: str, look: Look
) -> AsyncIterator[Walk]:
    width, height = SIZES[look.size]
    options: dict[str, Any] = {
        "viewport": {"width": width, "height": height},
        "color_scheme": look.scheme,
        "reduced_motion": "reduce",
    }
    async with window(browser, **options) as opened:
        walk = Walk(name.replace(" ", "-"), look, opened, house, pg)
        yield walk
        assert not opened.complaints, opened.complaints
        assert walk.wrong == {}


@pytest.mark.parametrize("name", WALKS)
async def test_each_way_is_walked(browser: Browser, house: Served, pg: Postgres, name: str) -> None:
    async with _walking(browser, house, pg, name, PAIRED[name]) as walk:
        await WALKS[name](walk)


@pytest.mark.long
@pytest.mark.parametrize("name", WALKS)
@pytest.mark.parametrize("look", LOOKS, ids=["-".join(each) for each in LOOKS])
async def test_each_way_is_walked_in_every_look(
    browser: Browser, house: Served, pg: Postgres, name: str, look: Look
) -> None:
    async with _walking(browser, house, pg, name, look) as walk:
        await WALKS[name](walk)
