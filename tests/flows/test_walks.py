"""Every way in and every refusal, walked in Chromium as people meet them, and seen by axe-core.

Each walk has a look of its own: a size, a scheme, a language, with scripts or without. Together
they meet each value of each; all of them in every look are marked `long`. Pictures of every page
are left in `tests/screenshots/walks`.
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

from porta.services.organizations import OrganizationPatch
from storage.models.organizations import Organization
from storage.postgres.driver import Postgres
from tests.flows.chromium import Window, needs_chromium, window
from tests.handlers.flow import parameters
from tests.porta.pages.page_documents import ROOT
from tests.porta.pages.test_brands_in_browser import needs_axe, violations
from tests.porta.pages.test_in_browser import STICKING_OUT
from tests.world.answers import query_in
from tests.world.guests import invited
from tests.world.house import PASSWORD, furnish
from tests.world.links import mailed_links, person, take_magic_links
from tests.world.mail import mailed_codes
from tests.world.ports import free_port
from tests.world.registrations import mailed_link, new_address
from tests.world.second_factors import choose, person_with_totp
from tests.world.served import CALLBACK, Served, settings_for, unseeded
from tests.world.upstream import Provider, connect, disconnect, provider

pytestmark = [*needs_chromium, needs_axe]
PICTURES = ROOT / "tests" / "screenshots" / "walks"
SIZES = {"phone": (360, 740), "desktop": (1280, 800)}
RECOVERY = "ABCD-EFGH-2345"
NEW = "seven green bottles on a wall"
WEAK = "short"


class Look(NamedTuple):
    """How somebody meets the pages."""

    size: str
    scheme: str
    language: str
    scripts: bool


LOOKS = [
    Look(*each) for each in product(SIZES, ("light", "dark"), ("en", "de", "ar"), (True, False))
]


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
        if self.look.scripts:  # axe is one
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
        script = "script" if self.look.scripts else "plain"
        return "-".join((self.look.size, self.look.scheme, self.look.language, script))


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


async def _totp(walk: Walk) -> None:
    user, totp = await person_with_totp(walk.house.runtime, walk.pg, RECOVERY)
    await _first_factor(walk, user.email)
    await walk.see("asked", CODE)
    await walk.fill(code="000000")
    await walk.press()
    await walk.see("refused", REFUSED)
    await walk.press("a[href*=recovery_code]")
    await walk.see("recovery asked", CODE)
    await walk.fill(code="AAAA-AAAA-AAAA")
    await walk.press()
    await walk.see("recovery refused", REFUSED)
    await walk.fill(code=RECOVERY)
    await walk.press()
    await walk.arrive()
    await walk.opened.page.context.clear_cookies()
    await _first_factor(walk, user.email)
    await walk.fill(code=totp.now())
    await walk.press()
    await walk.arrive()


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


async def _magic_link(walk: Walk) -> None:
    user = await person(walk.house.runtime)
    await walk.begin()
    await walk.press("#magic-link-btn")
    await walk.see("no address", REFUSED)
    await walk.fill(email=user.email)
    await walk.press("#magic-link-btn")
    await walk.see("sent", "main")
    (link,) = await mailed_links(walk.house.runtime, walk.pg, user)
    await walk.open(link)
    await walk.see("opened", "main .btn-primary")
    await walk.press()
    await walk.arrive()
    await walk.open(link)
    await walk.see("over", "main .btn-primary")


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


async def _forgotten(walk: Walk) -> None:
    user = await person(walk.house.runtime)
    await walk.begin()
    await walk.press("a[href*=forgot-password]")
    await walk.see("asked", FIELD)
    await walk.fill(email=user.email)
    await walk.press()
    await walk.see("sent", "main .btn-primary")
    (link,) = await mailed_links(walk.house.runtime, walk.pg, user)
    await walk.open(link)
    await walk.see("opened", "#password")
    await _choose_password(walk, WEAK)
    await walk.see("refused", REFUSED)
    await _choose_password(walk, NEW)
    await walk.see("done", "main .btn-primary")
    await walk.open(link)
    await walk.see("over", "main .btn-primary")


async def _choose_password(walk: Walk, password: str) -> None:
    await walk.fill(password=password)
    if await walk.opened.page.locator("[name=confirmPassword]").is_visible():
        await walk.fill(confirmPassword=password)
    await walk.press()


async def _invitation(walk: Walk) -> None:
    home = await _home(walk.house)
    guest = await invited(walk.house.runtime, walk.pg, home)
    await walk.open(guest.link)
    await walk.see("opened", "#password")
    await _choose_password(walk, WEAK)
    await walk.see("refused", REFUSED)
    if await walk.opened.page.locator("[name=given_name]").count():
        await walk.fill(given_name="Ada", family_name="Lovelace")
    await _choose_password(walk, NEW)
    await walk.see("done", "main .btn-primary")
    await walk.open(guest.link)
    await walk.see("over", "main .btn-primary")


async def _registration(walk: Walk) -> None:
    email = new_address()
    await walk.begin(prompt="create")
    await walk.see("asked", FIELD)
    await walk.fill(email="nobody")
    await walk.press()
    await walk.see("refused", REFUSED)
    await walk.fill(email=email)
    await walk.press()
    await walk.see("sent", "main .btn-primary")
    await walk.open(await mailed_link(walk.house.runtime, walk.pg, email))
    await walk.see("opened", "#password")
    await walk.fill(given_name="Ada", family_name="Lovelace")
    await _choose_password(walk, WEAK)
    await walk.see("weak", REFUSED)
    await _choose_password(walk, NEW)
    await walk.see("done", "main .btn-primary")


async def _account(walk: Walk) -> None:
    user = await person(walk.house.runtime, given_name="Ada", family_name="Lovelace")
    await walk.open("/acme/account")
    await walk.fill(email=user.email, password=PASSWORD)
    await walk.press()
    await walk.see("overview", "main h1")
    sections = await walk.opened.page.locator("main nav a[href*='/account']").evaluate_all(
        "all => all.map((each) => each.pathname)"
    )
    for path in dict.fromkeys(sections):
        await walk.open(path)
        await walk.see(f"section {path.rpartition('/')[2]}", "main h1")


async def _errors(walk: Walk) -> None:
    """What no form leads to: a stranger's page, a client's mistake, a place that is not there."""
    await walk.begin()
    place = urlsplit(walk.opened.page.url).path
    await walk.opened.page.context.clear_cookies()
    for name, path in (
        ("elsewhere", place),
        ("unknown organization", "/nobody/auth"),
        ("suspended", "/suspended/auth?client_id=web"),
        ("not registered", "/acme/auth?client_id=web&redirect_uri=https://evil.example/"),
        ("no client", "/acme/auth?client_id=nobody"),
    ):
        await walk.open(path)
        await walk.see(name, "main h1", "main .btn-primary")


WALKS: dict[str, Callable[[Walk], Awaitable[None]]] = {
    "password": _password,
    "authenticator app": _totp,
    "mailed code": _mailed_code,
    "magic link": _magic_link,
    "other provider": _other_provider,
    "forgotten password": _forgotten,
    "invitation": _invitation,
    "registration": _registration,
    "account": _account,
    "errors": _errors,
}
"""Passkeys, which no page of 127.0.0.1 can have, are walked in `test_passkeys.py`."""
PAIRED = [(name, LOOKS[(7 * number) % len(LOOKS)]) for number, name in enumerate(WALKS)]


def test_the_walks_meet_every_size_scheme_language_and_both_with_scripts_and_without() -> None:
    for place, values in enumerate(zip(*LOOKS, strict=True)):
        assert {look[place] for _, look in PAIRED} == set(values)


async def _home(house: Served) -> Organization:
    home = await house.runtime.storage.everywhere.organizations.find_by_slug("acme")
    assert home is not None
    return home


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(database_url: str, redis_url: str) -> AsyncIterator[Served]:
    """Return a server that mails, takes registrations, and may call the loopback."""
    port = free_port()
    settings = settings_for(
        database_url, redis_url, smtp_host="mail.example", port=port,
        issuer_base_url=f"http://127.0.0.1:{port}", outbound_private_addresses=True,
    )  # fmt: skip
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
        "java_script_enabled": look.scripts,
        "reduced_motion": "reduce",
    }
    async with window(browser, **options) as opened:
        walk = Walk(name.replace(" ", "-"), look, opened, house, pg)
        yield walk
        assert opened.complaints == []
        assert walk.wrong == {}


@pytest.mark.parametrize(("name", "look"), PAIRED, ids=list(WALKS))
async def test_each_way_is_walked(
    browser: Browser, house: Served, pg: Postgres, name: str, look: Look
) -> None:
    async with _walking(browser, house, pg, name, look) as walk:
        await WALKS[name](walk)


@pytest.mark.long
@pytest.mark.parametrize("name", WALKS)
@pytest.mark.parametrize("look", LOOKS, ids=["-".join(map(str, each)) for each in LOOKS])
async def test_each_way_is_walked_in_every_look(
    browser: Browser, house: Served, pg: Postgres, name: str, look: Look
) -> None:
    async with _walking(browser, house, pg, name, look) as walk:
        await WALKS[name](walk)
