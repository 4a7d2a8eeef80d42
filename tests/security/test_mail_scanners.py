"""Mail scanners open every link before its reader does: nothing of it may be used up (G.5, G.8)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from handlers.links.base import LinkHandler
from handlers.routes import ROUTES
from porta.audit.actors import Actor
from porta.protocol import endpoints
from porta.services import administration, setup_links
from porta.services.permissions import PERMISSIONS
from porta.services.setup_links import NewSetupLink
from storage.postgres.driver import Postgres
from tests.flows.chromium import chromium, needs_chromium, window
from tests.handlers.account import visits
from tests.handlers.flow import begin, csrf
from tests.porta.pages.page_documents import TEMPLATES
from tests.world.administrators import SUPER
from tests.world.guests import invited
from tests.world.house import furnish
from tests.world.links import mailed_links, person, post, take_magic_links
from tests.world.mail import letters_for
from tests.world.registrations import CHOSEN as JOINING
from tests.world.registrations import ask, mailed_link, new_address, open_home, register_path
from tests.world.served import Served, settings_at, unseeded

pytestmark = needs_chromium
NEW = "seven green bottles on a wall"
CHOSEN = {"password": NEW, "confirmPassword": NEW}
FORGOT = "/acme/auth/forgot-password"
EMAILS = TEMPLATES / "emails"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(database_url: str, redis_url: str) -> AsyncIterator[Served]:
    """Return a server that mails."""
    settings = settings_at(database_url, redis_url, smtp_host="mail.example")
    async with unseeded(settings, furnish) as running:
        await take_magic_links(running.runtime, "web")
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def http(house: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=house.base_url, timeout=20) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def elsewhere(house: Served) -> AsyncIterator[httpx.AsyncClient]:
    """Another browser."""
    async with httpx.AsyncClient(base_url=house.base_url, timeout=20) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@dataclass(slots=True)
class Mailed:
    """A link that was mailed, and what its person does with it in the end."""

    link: str
    form: dict[str, str]
    done: Callable[[httpx.Response], bool]
    later: int = 400
    """The status of whoever comes after that: once, and they are told so."""


async def _magic_link(house: Served, http: httpx.AsyncClient, pg: Postgres) -> Mailed:
    user, path = await person(house.runtime), await begin(http)
    form = {"_csrf": await csrf(http, path), "email": user.email}
    await http.post(f"{path}/magic-link", data=form)
    (link,) = await mailed_links(house.runtime, pg, user)
    return Mailed(link, {}, _is_signed_in)


def _is_signed_in(answer: httpx.Response) -> bool:
    return any(each.name == "session_acme" for each in answer.cookies.jar)


async def _password_reset(house: Served, http: httpx.AsyncClient, pg: Postgres) -> Mailed:
    user = await person(house.runtime)
    form = {"_csrf": await csrf(http, FORGOT), "email": user.email}
    await http.post(FORGOT, data=form)
    (link,) = await mailed_links(house.runtime, pg, user)
    return Mailed(link, CHOSEN, lambda answer: "Your password is changed" in answer.text)


async def _invitation(house: Served, http: httpx.AsyncClient, pg: Postgres) -> Mailed:
    home = await house.runtime.storage.everywhere.organizations.find_by_slug("acme")
    assert home is not None
    guest = await invited(house.runtime, pg, home)
    return Mailed(guest.link, CHOSEN, lambda answer: "Your account is ready" in answer.text)


async def _another_address(house: Served, http: httpx.AsyncClient, pg: Postgres) -> tuple[str, str]:
    """Ask for another address; return the link that went there, and the one to that of before."""
    user, page = await person(house.runtime), "/acme/account/email"
    new = f"new-{user.email}"
    await visits.arrive(http, user, page)
    await visits.send(http, page, email=new)
    links = []
    for address in (new, user.email):
        (letter, *_) = await letters_for(house.runtime, pg, address)
        links += re.findall(r"/acme/auth/[a-z-]*email-change/\S+", letter.text)
    return links[0], links[1]


async def _email_change(house: Served, http: httpx.AsyncClient, pg: Postgres) -> Mailed:
    link, _ = await _another_address(house, http, pg)
    return Mailed(link, {}, lambda answer: "The new address is yours" in answer.text)


async def _email_refusal(house: Served, http: httpx.AsyncClient, pg: Postgres) -> Mailed:
    _, link = await _another_address(house, http, pg)
    return Mailed(link, {}, lambda answer: "The change is off" in answer.text)


async def _email_undo(house: Served, http: httpx.AsyncClient, pg: Postgres) -> Mailed:
    """The same link, once the change was made."""
    link, refusal = await _another_address(house, http, pg)
    assert (await post(http, link)).status_code == 200
    return Mailed(refusal, {}, lambda answer: "The address is yours again" in answer.text)


async def _registration(house: Served, http: httpx.AsyncClient, pg: Postgres) -> Mailed:
    home, email = await open_home(house.runtime), new_address()
    await ask(http, register_path(home), email, works=False)
    link = await mailed_link(house.runtime, pg, email)
    return Mailed(link, JOINING, lambda answer: "Your account is ready" in answer.text)


async def _setup(house: Served, http: httpx.AsyncClient, pg: Postgres) -> Mailed:
    """It is begun by its first press, and then that browser's alone."""
    email = new_address()
    asked = {"provider": "openid", "name": f"Workforce {email[:8]}", "email": email}
    runtime = house.runtime
    made = await administration.initialize(runtime.storage.everywhere, SUPER, runtime.passwords)
    admin = Actor(user_id=made.user.id, permissions=frozenset(PERMISSIONS))
    async with runtime.storage.everywhere.transaction() as tx:
        wanted = NewSetupLink.parse(asked)
        await setup_links.create(tx, admin, "acme", wanted, post=runtime.post)
    (letter,) = await letters_for(house.runtime, pg, email)
    link = re.search(r"/acme/auth/setup/\S+", letter.text)
    assert link
    return Mailed(link[0], {"step": "begin"}, lambda answer: answer.is_redirect, later=409)


Kind = Callable[[Served, httpx.AsyncClient, Postgres], Awaitable[Mailed]]
LINKS: dict[str, tuple[str, Kind]] = {
    "magic link": (endpoints.MAGIC_LINK, _magic_link),
    "password reset": (endpoints.RESET_PASSWORD, _password_reset),
    "invitation": (endpoints.ACCEPT_INVITATION, _invitation),
    "registration": (endpoints.REGISTRATION_LINK, _registration),
    "set-up": (endpoints.SETUP, _setup),
    "email change": (endpoints.EMAIL_CHANGE, _email_change),
    "email refusal": (endpoints.EMAIL_CHANGE_REFUSAL, _email_refusal),
    "email undo": (endpoints.EMAIL_CHANGE_REFUSAL, _email_undo),
}
"""Each link that is mailed: where it leads, and how somebody gets one."""
MAILS: dict[str, str | None] = {
    "magic_link": "magic link",
    "password_reset": "password reset",
    "invitation": "invitation",
    "registration": "registration",
    "email_change": "email change",
    "email_change_asked": "email refusal",
    "email_changed": "email undo",
    "setup_link": "set-up",
    "account_changed": None,
    "account_exists": None,
    "authenticator_added": None,
    "password_changed": None,
    "welcome": None,
}
"""Each mail that leads somewhere, with its link of LINKS; None where the address is no secret: a
scanner finds there what everybody does.
"""


def test_every_link_that_is_mailed_is_scanned() -> None:
    """By the addresses that there are, the pages that are served at them, and the mails."""
    scanned = {endpoint for endpoint, _ in LINKS.values()}
    named = {each for each in vars(endpoints).values() if "{token}" in str(each)}
    # Where a provider leads back to; no mail does.
    assert named - {endpoints.SETUP_CALLBACK} == scanned
    served = [
        spec.regex.pattern
        for spec in ROUTES
        if issubclass(spec.handler_class, LinkHandler) and spec.regex.pattern.endswith("/[^/]+$")
    ]
    paths = ["/acme" + each.format(token="t") for each in scanned]
    left = [each for each in served if not any(re.match(each, path) for path in paths)]
    assert not left, "served by a mailed link, and not scanned"
    letters = {path.stem for path in EMAILS.glob("*.txt") if "url }}" in path.read_text()}
    assert letters - {"layout"} == set(MAILS), "a mail that leads somewhere needs its line of MAILS"
    assert {each for each in MAILS.values() if each is not None} == set(LINKS)


@pytest.mark.parametrize("kind", LINKS)
async def test_no_scanner_uses_a_link_up(
    house: Served, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, browser: Browser,
    pg: Postgres, kind: str,
) -> None:  # fmt: skip
    """Neither by GET nor HEAD, nor as a browser that runs scripts and presses nothing; nor by a
    form that is posted as it was found there, from where it was not shown.
    """
    mailed = await LINKS[kind][1](house, http, pg)
    for scanner in (elsewhere, http):
        for _ in range(2):
            assert (await scanner.get(mailed.link)).status_code == 200
            assert (await scanner.head(mailed.link)).status_code == 200
    for scripts in (True, False):
        async with window(browser, java_script_enabled=scripts) as opened:
            answer = await opened.open(house.base_url + mailed.link)
            assert answer.status == 200
            await opened.page.wait_for_load_state("networkidle")
            opened.check({house.base_url})
            assert "Referer" not in await opened.requests[-1].all_headers()
    assert (await elsewhere.post(mailed.link)).status_code == 403
    assert mailed.done(await post(http, mailed.link, **mailed.form))
    late = http if mailed.later == 400 else elsewhere
    assert (await late.get(mailed.link)).status_code == mailed.later
