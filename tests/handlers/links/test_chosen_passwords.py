"""Passwords chosen by a mailed link: as long as an organization asks, and none that leaked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import httpx
import pytest
import pytest_asyncio

from porta.limits import mailed_links as mailed_links_limits
from porta.limits.rate_limits import Throttled
from porta.outbound.breached_passwords import BreachedPasswords
from porta.outbound.http import Outbound
from porta.runtime import Runtime
from porta.tenants import resolve
from storage.postgres.driver import Postgres
from tests.world.breaches import RangeApi, range_api
from tests.world.guests import invited
from tests.world.links import mailed_links, post
from tests.world.passkeys import Home
from tests.world.registrations import ask, mailed_link, new_address, open_home, register_path

LEAKED = "seven green bottles on a wall"
UNKNOWN = "eight green bottles on a wall"
SHORT = "nine green bottles"
LEAST = 20
NAMES = {"given_name": "Ann", "family_name": "Lee"}
Press = Callable[[str], Awaitable[httpx.Response]]
"""Chooses a password by a link."""


@pytest.fixture(autouse=True)
def _with_mail(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = runtime.settings.model_copy(update={"smtp_host": "mail.example"})
    monkeypatch.setattr(runtime, "settings", settings)


@pytest_asyncio.fixture
async def api(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RangeApi]:
    outbound = Outbound(private_addresses=True)
    async with range_api([LEAKED]) as running:
        monkeypatch.setattr(runtime, "breached_passwords", BreachedPasswords(outbound, running.url))
        yield running
    await outbound.close()


async def _home(runtime: Runtime, **changes: object) -> Home:
    home = await open_home(runtime)
    await runtime.storage.everywhere.organizations.update(home.id, changes)
    return home


async def _reset(http: httpx.AsyncClient, runtime: Runtime, pg: Postgres, home: Home) -> str:
    await post(http, f"/{home.slug}/auth/forgot-password", email=home.user.email)
    return (await mailed_links(runtime, pg, home.user))[0]


async def _invitation(http: httpx.AsyncClient, runtime: Runtime, pg: Postgres, home: Home) -> str:
    found = await runtime.storage.everywhere.organizations.find_by_id(home.id)
    assert found is not None
    return (await invited(runtime, pg, found)).link


async def _registration(http: httpx.AsyncClient, runtime: Runtime, pg: Postgres, home: Home) -> str:
    email = new_address()
    await ask(http, register_path(home), email)
    return await mailed_link(runtime, pg, email)


WAYS = {"reset": _reset, "invitation": _invitation, "registration": _registration}


def _presses(http: httpx.AsyncClient, link: str) -> Press:
    async def press(password: str) -> httpx.Response:
        return await post(http, link, **NAMES, password=password, confirmPassword=password)

    return press


@pytest.mark.parametrize("way", WAYS)
async def test_where_many_were_hashed_by_a_link_its_page_says_until_when(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, way: str
) -> None:
    home = await open_home(runtime)
    link = await WAYS[way](http, runtime, pg, home)
    token = link.partition("?")[0].rpartition("/")[2]
    tenant = await resolve.resolve(runtime, home.slug)
    with suppress(Throttled):
        for _ in range(100):
            async with mailed_links_limits.counting_password(runtime, tenant, token):
                pass
    refused = await _presses(http, link)(UNKNOWN)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert "There have been too many attempts." in refused.text
    assert "24 hours" in refused.text
    assert UNKNOWN not in refused.text
    if way == "registration":
        assert 'value="Ann"' in refused.text
    assert (await http.get(link)).status_code == 200, "it is good for later"


@pytest.mark.parametrize("way", WAYS)
async def test_none_that_leaked_is_chosen_and_the_link_stays_good(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, api: RangeApi, way: str
) -> None:
    home = await _home(runtime, refuse_breached_passwords=True)
    press = _presses(http, await WAYS[way](http, runtime, pg, home))
    refused = await press(LEAKED)
    assert (refused.status_code, "seen in a leak" in refused.text) == (200, True), refused.text
    assert LEAKED not in refused.text
    done = await press(UNKNOWN)
    assert ("password-problems" in done.text, 'type="password"' in done.text) == (False, False)


async def test_nobody_is_asked_where_the_organization_does_not_want_it(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, api: RangeApi
) -> None:
    home = await _home(runtime, refuse_breached_passwords=False)
    done = await _presses(http, await _reset(http, runtime, pg, home))(LEAKED)
    assert ("is changed" in done.text, api.asked) == (True, [])


async def test_nobody_is_asked_about_what_is_refused_already_nor_without_end(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, api: RangeApi
) -> None:
    home = await _home(runtime, refuse_breached_passwords=True)
    link = await _reset(http, runtime, pg, home)
    await _presses(http, link)("short")
    await post(http, link, password=LEAKED, confirmPassword=UNKNOWN)
    assert api.asked == []
    for number in range(12):
        api.leak(password := f"{number} green bottles on a wall")
        answer = await _presses(http, link)(password)
    assert (answer.status_code, len(api.asked)) == (429, 10)


async def test_who_does_not_answer_keeps_nobody_from_another_password(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, api: RangeApi
) -> None:
    api.status = "503 Unavailable"
    home = await _home(runtime, refuse_breached_passwords=True)
    done = await _presses(http, await _reset(http, runtime, pg, home))(LEAKED)
    assert ("is changed" in done.text, len(api.asked)) == (True, 1)


@pytest.mark.parametrize("way", WAYS)
async def test_an_organization_asks_for_more_characters(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, way: str
) -> None:
    home = await _home(runtime, password_min_length=LEAST)
    link = await WAYS[way](http, runtime, pg, home)
    assert str(LEAST) in (await http.get(link)).text
    refused = await _presses(http, link)(SHORT)
    assert f"at least {LEAST} characters" in refused.text
    assert 'type="password"' not in (await _presses(http, link)(UNKNOWN)).text


async def test_and_never_for_fewer(runtime: Runtime, http: httpx.AsyncClient, pg: Postgres) -> None:
    home = await _home(runtime, password_min_length=8)
    press = _presses(http, await _reset(http, runtime, pg, home))
    assert "at least 15 characters" in (await press("a short one")).text
