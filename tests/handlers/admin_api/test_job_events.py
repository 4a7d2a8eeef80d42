"""A job watched over the Admin API: what its stream tells, what ends it, and what it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from handlers import app, event_stream
from handlers.http import open_streams
from handlers.http.server import Server
from handlers.http.timeouts import Phase
from porta.outbox import queue
from porta.outbox.queue import Kind, Nothing
from tests.handlers.admin_api.streams import PATIENCE, Watched, none_open, watch
from tests.world.administrators import Installation, bearer
from tests.world.ports import free_port
from tests.world.waiting import eventually

_KIND = Kind("watched", Nothing)


@asynccontextmanager
async def _watch(
    api: httpx.AsyncClient, id: str, token: str | None = None, **headers: str
) -> AsyncIterator[Watched]:
    async with watch(api, f"/jobs/{id}/events", token, headers=headers) as watched:
        yield watched


async def _queued(installation: Installation, organization_id: str | None = None) -> str:
    async with installation.runtime.storage.everywhere.transaction() as tx:
        return str(await queue.enqueue(tx, _KIND, Nothing(), organization_id=organization_id))


async def _end(installation: Installation, id: str) -> None:
    await installation.execute(
        "UPDATE jobs SET ready = FALSE, done_at = now() WHERE id = %(id)s", id=int(id)
    )


async def test_a_stream_tells_each_state_and_ends_with_the_job(
    api: httpx.AsyncClient, installation: Installation, server: Server
) -> None:
    id = await _queued(installation)
    async with _watch(api, id) as watched:
        answer = watched.answer
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-store"
        first = await watched.event()
        assert first is not None
        assert (first["event"], first["data"]["state"]) == ("job", "ready")
        await _end(installation, id)
        last = await watched.event()
        assert last is not None
        assert last["data"]["state"] == "done"
        assert last["id"] != first["id"]
        assert await watched.event() is None
    await none_open(server)


async def test_who_comes_back_hears_nothing_twice(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    id = await _queued(installation)
    async with _watch(api, id) as watched:
        first = await watched.event()
    assert first is not None
    await _end(installation, id)
    async with _watch(api, id, **{"Last-Event-ID": first["id"]}) as watched:
        last = await watched.event()
        assert last is not None
        assert last["data"]["state"] == "done"
    answer = await api.get(f"/jobs/{id}/events", headers={"Last-Event-ID": last["id"]})
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("value", ["a b", "x" * 201, "é".encode().decode("latin-1"), "a\tb"])
async def test_a_last_event_that_is_none_is_refused(
    api: httpx.AsyncClient, installation: Installation, value: str
) -> None:
    id = await _queued(installation)
    headers = {b"Last-Event-ID": value.encode("latin-1")}
    answer = await api.get(f"/jobs/{id}/events", headers=headers)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/json"


async def test_a_reader_who_goes_away_leaves_nothing_behind(
    api: httpx.AsyncClient, installation: Installation, server: Server
) -> None:
    id = await _queued(installation)
    listening = len(installation.runtime.storage._databases.on_change)
    in_flight = server.application.life.in_flight
    async with _watch(api, id) as watched:
        assert await watched.event()
        assert len(server.application.streams) == 1
    await none_open(server)

    async def as_before() -> bool:
        heard_by = len(installation.runtime.storage._databases.on_change)
        return (heard_by, server.application.life.in_flight) == (listening, in_flight)

    await eventually(as_before)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (
            "UPDATE token_families SET revoked_at = now() WHERE account_id = %(user)s",
            "invalid_token",
        ),
        ("DELETE FROM user_roles WHERE user_id = %(user)s", "forbidden"),
    ],
)
async def test_a_stream_ends_with_what_let_it_be_read(
    api: httpx.AsyncClient, installation: Installation, server: Server, sql: str, code: str
) -> None:
    """No event is sent to whoever could not ask for it any more."""
    id = await _queued(installation)
    person = await installation.person_with("admin:audit:read")
    async with _watch(api, id, await installation.token(person)) as watched:
        assert await watched.event()
        await installation.execute(sql, user=person.id)
        await asyncio.sleep(1.1)  # longer than a permission is believed in
        await _end(installation, id)
        last = await watched.event()
        assert last is not None
        assert (last["event"], last["data"]["code"]) == ("error", code)
        assert "id" not in last
        assert await watched.event() is None
    await none_open(server)


async def test_silence_is_broken_by_heartbeats_which_ask_for_the_right_again(
    api: httpx.AsyncClient,
    installation: Installation,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT", 1.1)
    id = await _queued(installation)
    person = await installation.person_with("admin:audit:read")
    async with _watch(api, id, await installation.token(person)) as watched:
        assert await watched.event()
        await watched.comment()
        await installation.execute("DELETE FROM user_roles WHERE user_id = %(u)s", u=person.id)
        last = await watched.event()
        assert last is not None
        assert last["event"] == "error"
    await none_open(server)


async def test_no_stream_is_longer_than_it_may_be(
    api: httpx.AsyncClient,
    installation: Installation,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT", 0.1)
    monkeypatch.setattr(event_stream, "LONGEST", 0.5)
    async with _watch(api, await _queued(installation)) as watched:
        assert await watched.event()
        assert await watched.event() is None
    await none_open(server)


async def test_a_caller_has_so_many_streams_and_a_process_too(
    api: httpx.AsyncClient,
    installation: Installation,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(open_streams, "MOST_OF_ONE", 1)
    monkeypatch.setattr(open_streams, "MOST", 2)
    id = await _queued(installation)
    person = await installation.person_with("admin:audit:read")
    token = await installation.token(person)
    async with _watch(api, id) as watched, _watch(api, id, token) as other:
        assert await watched.event()
        assert await other.event()
        answer = await api.get(f"/jobs/{id}/events")
        assert (answer.status_code, "Retry-After" in answer.headers) == (429, True)
        third = await installation.person_with("admin:audit:read")
        headers = bearer(await installation.token(third))
        answer = await api.get(f"/jobs/{id}/events", headers=headers)
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    await none_open(server)
    async with _watch(api, id) as watched:
        assert await watched.event()
    await none_open(server)


async def test_a_process_that_stops_ends_its_streams(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    runtime = installation.runtime
    beside = await app.start(runtime, runtime.settings.model_copy(update={"port": free_port()}))
    url = f"http://127.0.0.1:{beside.port}/api/admin"
    async with httpx.AsyncClient(base_url=url, headers=api.headers, timeout=30) as http:
        async with _watch(http, await _queued(installation)) as watched:
            assert await watched.event()
            stopping = asyncio.create_task(beside.stop(limit=PATIENCE))
            assert await watched.event() is None  # ended whole: a cut one would raise
        await stopping
    assert len(beside.application.streams) == 0


async def test_a_stream_that_is_read_outlives_the_patience_for_an_answer(
    api: httpx.AsyncClient,
    installation: Installation,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT", 0.3)
    monkeypatch.setitem(server.connections.patience, Phase.ANSWER, 1.5)
    async with _watch(api, await _queued(installation)) as watched:
        for _ in range(10):
            await watched.comment()
    await none_open(server)


async def test_a_job_that_is_purged_ends_its_stream_with_an_error(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    id = await _queued(installation)
    async with _watch(api, id) as watched:
        assert await watched.event()
        await installation.execute("DELETE FROM jobs WHERE id = %(id)s", id=int(id))
        last = await watched.event()
        assert last is not None
        assert (last["event"], last["data"]["status"]) == ("error", 404)


async def test_a_head_request_begins_no_stream(
    api: httpx.AsyncClient, installation: Installation, server: Server
) -> None:
    answer = await api.head(f"/jobs/{await _queued(installation)}/events")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert len(server.application.streams) == 0
