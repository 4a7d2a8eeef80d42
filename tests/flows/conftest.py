"""One installation with two server processes, for all conversations of a test run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.flows import arrivals
from tests.flows.arrivals import Arrivals
from tests.flows.chromium import Window, chromium, origin_of, window
from tests.flows.party import VERIFIER, Party
from tests.world.person import Person
from tests.world.processes import SEEDS, Installation, running


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    """Return `porta dev --instances 2` with the example seed and a second organization."""
    with running(instances=2, seeds=SEEDS) as started:
        yield started


@pytest.fixture
def alice(installation: Installation) -> Iterator[Person]:
    """Return a person of the organization `acme` with a browser of her own."""
    with Person(*installation.person("acme")) as person:
        yield person


@pytest.fixture
def account(installation: Installation) -> tuple[str, str]:
    """Return e-mail address and password of a person of acme."""
    return installation.person("acme")


@pytest.fixture
def party(installation: Installation) -> Party:
    """Return a client of acme's own, which needs no consent."""
    return Party(installation, "acme", "acme-web-basic")


@pytest.fixture(scope="session")
def at_client() -> Iterator[Arrivals]:
    """Return what browsers of this run bring to the clients of the seed."""
    with arrivals.arrivals() as seen:
        yield seen


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(at_client: Arrivals) -> AsyncIterator[Browser]:
    """Return Chromium; where clients are registered, it finds `at_client`."""
    async with chromium([at_client.flag]) as running:
        yield running


OpenWindow = Callable[..., Awaitable[Window]]


@pytest_asyncio.fixture
async def open_window(installation: Installation, browser: Browser) -> AsyncIterator[OpenWindow]:
    """Return what opens windows, each a browser of its own to the server.

    At the end none of them may have complained, or asked anybody but Porta and the clients.
    """
    base_url, link = installation.facts["base_url"], installation.link
    allowed = {origin_of(base_url), origin_of(link), *arrivals.ORIGINS, "https://app.acme.test"}
    opened: list[Window] = []
    async with AsyncExitStack() as stack:

        async def open_one(**options: Any) -> Window:
            opened.append(await stack.enter_async_context(window(browser, **options)))
            return opened[-1]

        yield open_one
    for one in opened:
        one.check(allowed)


@pytest_asyncio.fixture
async def signed_in(
    request: pytest.FixtureRequest, open_window: OpenWindow, party: Party, account: tuple[str, str]
) -> Window:
    """Return the window of somebody who signed in to `party`, at the client with the code.

    Its options may be given as the fixture's parameter.
    """
    window = await open_window(**getattr(request, "param", {}))
    await window.open(party.authorization_url(VERIFIER))
    await window.submit(*account)
    assert "code" in window.answer
    return window
