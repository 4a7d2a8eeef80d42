"""The audit trail followed over the Admin API: every entry once, in the order of its commit."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio

from handlers.http import open_streams
from handlers.http.server import Server
from handlers.http.timeouts import Phase
from porta.audit import events
from porta.jobs import process
from porta.runtime import Runtime
from porta.services import audit_sealing, audit_trail
from storage.router import Storage
from tests.factories import new_id
from tests.handlers.admin_api.streams import Watched, none_open, watch
from tests.world.administrators import Installation, bearer
from tests.world.waiting import stopwatch

_PATH = "/audit/events"
WITHIN = 1.0


async def _happen(where: Storage, *users: str, organization_id: str | None = None) -> None:
    for user in users:
        await events.record(where, "user.created", organization_id=organization_id, user_id=user)


async def _seal(installation: Installation) -> None:
    runtime = installation.runtime
    while (await audit_sealing.seal(runtime.storage.everywhere, runtime.audit_keys)).entries:
        pass


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def nothing_waits(installation: Installation) -> None:
    """What happened in another test is sealed before this one follows."""
    await _seal(installation)


@asynccontextmanager
async def _followed(
    api: httpx.AsyncClient, token: str | None = None, after: str | None = None, **params: str
) -> AsyncIterator[Watched]:
    """Open a stream that is at the end of the trail, or goes on after an event."""
    headers = {"Last-Event-ID": after} if after else None
    async with watch(api, _PATH, token, params=params, headers=headers) as watched:
        if after is None:
            mark = await watched.event()
            assert mark is not None
            assert mark.keys() == {"retry", "id"}
        yield watched


async def _next(watched: Watched) -> dict[str, Any]:
    """Return the next event that has happened."""
    while True:
        event = await watched.event()
        assert event is not None
        if "data" in event:
            return event


async def _users(watched: Watched, count: int) -> list[str]:
    return [(await _next(watched))["data"]["userId"] for _ in range(count)]


def _ids(count: int) -> list[str]:
    return [new_id() for _ in range(count)]


async def test_an_entry_is_told_as_the_list_tells_it(
    api: httpx.AsyncClient, installation: Installation, server: Server
) -> None:
    user = new_id()
    async with _followed(api) as watched:
        assert watched.answer.headers["Content-Type"] == "text/event-stream"
        await _happen(installation.runtime.storage.everywhere, user)
        await _seal(installation)
        event = await _next(watched)
    listed = (await api.get("/audit", params={"user": user})).json()["data"]
    assert (event["event"], event["data"]) == ("entry", listed[0])
    await none_open(server)


async def test_whoever_comes_back_meets_no_gap_and_no_repeat(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    storage, users = installation.runtime.storage.everywhere, _ids(5)
    async with _followed(api) as watched:
        await _happen(storage, *users)
        await _seal(installation)
        first = [await _next(watched) for _ in range(2)]
    more = _ids(2)
    await _happen(storage, *more)
    await _seal(installation)
    async with _followed(api, after=first[-1]["id"]) as watched:
        rest = await _users(watched, 5)
    assert [*(each["data"]["userId"] for each in first), *rest] == [*users, *more]


async def test_whoever_saw_nothing_comes_back_to_what_came_since(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    """What a filter leaves out moves the place on, and what comes while nobody listens is told."""
    storage, user = installation.runtime.storage.everywhere, new_id()
    async with watch(api, _PATH, params={"user": user}) as watched:
        mark = await watched.event()
    await _happen(storage, *_ids(3), user)
    await _seal(installation)
    assert mark is not None
    async with _followed(api, after=mark["id"], user=user) as watched:
        assert await _users(watched, 1) == [user]


async def test_what_is_committed_late_is_told_late_and_not_passed_over(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    """Its number is lower than that of an entry which everybody has seen by then."""
    storage, (early, late) = installation.runtime.storage.everywhere, _ids(2)
    async with _followed(api) as watched:
        async with storage.transaction() as tx:
            await _happen(tx, late)
            await _happen(storage, early)  # of another connection, with a higher number
            await _seal(installation)
            seen = await _next(watched)
        await _seal(installation)
        assert [seen["data"]["userId"], *await _users(watched, 1)] == [early, late]
    rows = await installation.fetch(
        "SELECT user_id::text FROM audit_log WHERE user_id = ANY(%(ids)s::uuid[])"
        " ORDER BY sequence",
        ids=[early, late],
    )
    assert [user for (user,) in rows] == [late, early], "the numbers are the other way about"
    async with _followed(api, after=seen["id"]) as watched:
        assert await _users(watched, 1) == [late]


@pytest.mark.parametrize("name", ["event", "org", "user", "actor"])
async def test_a_filter_lets_through_what_the_list_has(
    api: httpx.AsyncClient, installation: Installation, name: str
) -> None:
    storage, organization = (
        installation.runtime.storage.everywhere,
        await installation.organization(),
    )
    user, actor = new_id(), installation.made.user.id
    wanted = {"event": "org.suspended", "org": organization.id, "user": user, "actor": actor}
    async with _followed(api, **{name: wanted[name]}) as watched:
        await _happen(storage, *_ids(2))
        await api.patch(f"/organizations/{organization.id}", json={"name": "by the actor"})
        await _happen(storage, user)
        await events.record(storage, "org.suspended", organization_id=organization.id)
        await _happen(storage, *_ids(2))
        await _seal(installation)
        event = await _next(watched)
    listed = (await api.get("/audit", params={name: wanted[name]})).json()["data"]
    assert event["data"] in listed
    assert event["data"]["createdAt"] >= listed[-1]["createdAt"]


async def test_a_delegated_administrator_is_told_of_one_organization(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    storage = installation.runtime.storage.everywhere
    own, other = await installation.organization(), await installation.organization()
    person = await installation.person_with()
    await installation.delegate(own.id, "porta-super-admin", user=person)
    token = await installation.token(person)
    mine, theirs = new_id(), new_id()
    async with (
        _followed(api, token) as watched,
        _followed(api, token, org=other.id) as elsewhere,
        _followed(api) as everything,
    ):
        await _happen(storage, theirs, organization_id=other.id)
        await _happen(storage, new_id())
        await _happen(storage, mine, organization_id=own.id)
        await _seal(installation)
        assert await _users(watched, 1) == [mine]
        id = (await _next(everything))["id"]
        heard = asyncio.create_task(_next(elsewhere))
        await asyncio.wait([heard], timeout=0.5)
        assert not heard.done()
        heard.cancel()
        await asyncio.gather(heard, return_exceptions=True)
    async with _followed(api, token, after=id) as watched:  # a place that another was told of
        assert await _users(watched, 1) == [mine]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("DELETE FROM user_roles WHERE user_id = %(user)s", "forbidden"),
        (
            "UPDATE token_families SET revoked_at = now() WHERE account_id = %(user)s",
            "invalid_token",
        ),
    ],
)
async def test_whoever_may_not_read_any_more_is_told_nothing_more(
    api: httpx.AsyncClient,
    installation: Installation,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    sql: str,
    code: str,
) -> None:
    """At the next event, and without one within the time of a mark."""
    monkeypatch.setattr(audit_trail, "MARK", 1.1)
    person = await installation.person_with("admin:audit:read")
    async with _followed(api, await installation.token(person), user=new_id()) as watched:
        await installation.execute(sql, user=person.id)
        last = await _next(watched)
        assert (last["event"], last["data"]["code"]) == ("error", code)
        assert await watched.event() is None
    await none_open(server)


async def test_a_caller_has_so_many_streams_of_all_kinds(
    api: httpx.AsyncClient, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_streams, "MOST_OF_ONE", 1)
    async with _followed(api):
        answer = await api.get(_PATH)
        assert (answer.status_code, "Retry-After" in answer.headers) == (429, True)
    await none_open(server)


async def test_a_reader_who_does_not_read_is_dropped(
    api: httpx.AsyncClient,
    installation: Installation,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it was not told, it may ask for; the server keeps nothing of it meanwhile."""
    monkeypatch.setitem(server.connections.patience, Phase.ANSWER, 3.0)
    monkeypatch.setattr(audit_trail, "MARK", 0.5)  # whoever reads is never silent for long
    token = await installation.token()
    async with _followed(api) as watched:
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect(("127.0.0.1", server.port))
            asked = {"Host": "x", **bearer(token)}
            lines = "".join(f"{name}: {value}\r\n" for name, value in asked.items())
            slow.sendall(f"GET /api/admin{_PATH} HTTP/1.1\r\n{lines}\r\n".encode())
            while len(server.application.streams) < 2:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)
            await installation.execute(
                "INSERT INTO audit_log (event_type, event_category, description)"
                " SELECT 'user.created', 'admin', repeat('x', 20000) FROM generate_series(1, 400)"
            )
            await _seal(installation)
            for _ in range(400):
                await _next(watched)
            async with asyncio.timeout(60):
                while len(server.application.streams) > 1:
                    assert await watched.event()
        assert await watched.event(), "whoever reads is still told"
    await none_open(server)


@pytest.mark.parametrize("value", ["none", "A" * 48, "é".encode().decode("latin-1")])
async def test_an_id_that_nobody_was_told_is_refused(api: httpx.AsyncClient, value: str) -> None:
    answer = await api.get(_PATH, headers={b"Last-Event-ID": value.encode("latin-1")})
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/json")


async def test_an_id_of_a_trail_that_was_longer_is_refused(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    """After a database was brought back from a copy, nobody waits for places that are to come."""
    await _happen(installation.runtime.storage.everywhere, new_id())
    await _seal(installation)
    async with watch(api, _PATH) as watched:
        mark = await watched.event()
    assert mark is not None
    await installation.execute("UPDATE audit_state SET place = place - 1")
    try:
        answer = await api.get(_PATH, headers={"Last-Event-ID": mark["id"]})
    finally:
        await installation.execute("UPDATE audit_state SET place = place + 1")
    assert answer.status_code == 400


async def test_an_entry_of_another_process_is_told_within_a_second(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    """It is recorded at one, sealed by its worker, and told by the other."""
    other = await Runtime.open(installation.runtime.settings)
    took = []
    async with AsyncExitStack() as stack:
        stack.push_async_callback(other.close)
        work = await stack.enter_async_context(process.at_work(other, jobs=True))
        watched = await stack.enter_async_context(_followed(api))
        try:
            await asyncio.sleep(2.0)  # its tickers begin one after the other
            for user in _ids(5):
                async with stopwatch() as seconds:
                    async with other.storage.everywhere.transaction() as tx:
                        await _happen(tx, user)
                    while (await _next(watched))["data"]["userId"] != user:
                        pass
                    took.append(seconds())
        finally:
            work.stop(5.0)
    assert sorted(took)[2] < WITHIN, took
