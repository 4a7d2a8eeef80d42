"""One reader follows the trail for all: what it tells, what it keeps, and what that costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import pytest_asyncio

from porta.audit import events, tail
from porta.audit.actors import SYSTEM
from porta.audit.tail import AuditTail, Step
from porta.security.audit_keys import AuditKeys
from porta.services import audit_sealing, audit_trail
from storage.models.audit import AuditEntry
from storage.router import Storage
from tests.factories import new_id

KEYS = AuditKeys((b"k" * 32,))


@pytest_asyncio.fixture(loop_scope="session")
async def writer(database_url: str) -> AsyncIterator[Storage]:
    opened = await Storage.open(database_url, pool_size=3, stamp=KEYS.stamp)
    yield opened.everywhere
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def reader(database_url: str) -> AsyncIterator[Storage]:
    opened = await Storage.open(database_url, pool_size=3)
    yield opened.everywhere
    await opened.close()


async def _happen(storage: Storage, *users: str) -> None:
    for user in users:
        await events.record(storage, "user.created", user_id=user, description=f"about {user}")
    await _seal(storage)


async def _seal(storage: Storage) -> None:
    while (await audit_sealing.seal(storage, KEYS)).entries:
        pass


def _ids(count: int) -> list[str]:
    return [new_id() for _ in range(count)]


def _any(entry: AuditEntry) -> bool:
    return entry.event_type == "user.created"


async def _taken(steps: AsyncIterator[Step], count: int) -> list[AuditEntry]:
    found: list[AuditEntry] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            found += [entry for _, entry in (await anext(steps)).entries]
    return found


async def _users(steps: AsyncIterator[Step], count: int) -> list[str | None]:
    return [entry.user_id for entry in await _taken(steps, count)]


async def test_many_follow_and_one_reads(writer: Storage, reader: Storage) -> None:
    followed, end = AuditTail(reader), await reader.audit.last_place()
    streams = [followed.follow(end, end, _any, 60.0) for _ in range(30)]
    for each in streams:
        assert (await anext(each)).entries == []
    async with asyncio.timeout(30):
        while not reader.listening:  # who listens proves it from time to time, and says so
            await asyncio.sleep(0.01)
    users = _ids(3)
    before = reader.round_trips.postgres
    waiting = [asyncio.create_task(_users(each, 3)) for each in streams]
    await _happen(writer, *users)
    assert await asyncio.gather(*waiting) == [users] * 30
    assert reader.round_trips.postgres - before < 10
    for each in streams:
        await each.aclose()


async def test_while_nothing_happens_nothing_is_said(writer: Storage, reader: Storage) -> None:
    """Nobody polls; and nobody reads once nobody follows."""
    followed, end = AuditTail(reader), await reader.audit.last_place()
    async with aclosing(followed.follow(end, end, _any, 60.0)) as steps:
        await anext(steps)
        coming = asyncio.create_task(anext(steps))
        await asyncio.sleep(0.5)
        before = reader.round_trips.postgres
        await asyncio.sleep(2.0)
        assert reader.round_trips.postgres == before
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
    before = reader.round_trips.postgres
    await _happen(writer, new_id())
    await asyncio.sleep(0.5)
    assert reader.round_trips.postgres == before


async def test_who_is_slower_than_what_is_kept_misses_nothing(
    writer: Storage, reader: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "KEPT", 4)
    monkeypatch.setattr(tail, "PAGE", 3)
    followed, end = AuditTail(reader), await reader.audit.last_place()
    users = _ids(25)
    slow = followed.follow(end, end, _any, 60.0)
    quick = followed.follow(end, end, _any, 60.0)
    async with aclosing(slow), aclosing(quick):
        await anext(slow)
        for at in range(0, 20, 5):
            await _happen(writer, *users[at : at + 5])
            assert await _users(quick, 5) == users[at : at + 5]
        assert len(followed._kept) == 4
        assert await _users(slow, 20) == users[:20]
        await _happen(writer, *users[20:])
        assert await _users(slow, 5) == await _users(quick, 5) == users[20:]


async def test_who_begins_in_the_past_is_told_all_since_then(
    writer: Storage, reader: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "PAGE", 3)
    begin = await reader.audit.last_place()
    users = _ids(8)
    await _happen(writer, *users)
    end = await reader.audit.last_place()
    async with aclosing(AuditTail(reader).follow(begin, end, _any, 60.0)) as steps:
        assert await _users(steps, 8) == users


async def test_what_was_erased_is_not_told_from_memory(writer: Storage, reader: Storage) -> None:
    followed, begin = AuditTail(reader), await reader.audit.last_place()
    user, organization = new_id(), new_id()
    async with aclosing(followed.follow(begin, begin, _any, 60.0)) as steps:
        await anext(steps)
        await _happen(writer, user)
        (before,) = await _taken(steps, 1)
        assert before.description == f"about {user}"
        async with writer.transaction() as tx:
            await audit_trail.erase_person(tx, SYSTEM, user, organization)
        await _happen(writer, new_id())
        await _taken(steps, 1)
        end = await reader.audit.last_place()
        async with aclosing(followed.follow(begin, end, _any, 60.0)) as again:
            (after, _) = await _taken(again, 2)
    assert (after.id, after.description) == (before.id, None)


async def test_silence_is_broken_by_a_place_to_go_on_after(
    writer: Storage, reader: Storage
) -> None:
    end = await reader.audit.last_place()
    follow = AuditTail(reader).follow(end, end, lambda entry: False, 0.5)
    async with aclosing(follow) as steps:
        assert await anext(steps) == Step(end, [])
        await _happen(writer, *_ids(2))
        async with asyncio.timeout(30):
            while (step := await anext(steps)).place < end + 2:
                assert step.entries == []
        assert step == Step(end + 2, [])


async def test_entries_from_before_the_chain_are_no_news(writer: Storage, reader: Storage) -> None:
    """They are sealed one day, long after they happened."""
    end, users = await reader.audit.last_place(), _ids(2)
    await events.record(writer, "user.created", user_id=users[0])
    async with writer.transaction() as tx:
        await tx._executor.execute(
            "UPDATE audit_state SET backlog_last = (SELECT max(sequence) FROM audit_log)"
        )
    await _happen(writer, users[1])
    async with aclosing(AuditTail(reader).follow(end, end, _any, 60.0)) as steps:
        assert await _users(steps, 1) == [users[1]]
