"""The uses of sessions are noted behind the answers: bounded, and nothing hangs on them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from functools import partial
from uuid import uuid4

import pytest
import pytest_asyncio

from porta.browser.session_uses import SessionUses
from storage.models.artifacts import Session
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests import factories
from tests.world.waiting import eventually

A = str(uuid4())


@pytest_asyncio.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    storage = await Storage.open(database_url, None)
    yield storage
    await storage.close()


async def _unused(storage: Storage, pg: Postgres) -> Session:
    """Return a session that was last used five minutes ago."""
    session = factories.session(A, expires_at=int(time.time()) + 86_400)
    await storage.artifacts.save(session, 600)
    sql = "UPDATE sessions SET used_at = now() - interval '300 s' WHERE id = %(id)s"
    await pg.execute(sql, {"id": session.id})
    return session


async def _is_noted(pg: Postgres, session: Session) -> bool:
    sql = "SELECT used_at > now() - interval '200 s' FROM sessions WHERE id = %(id)s"
    return (await pg.fetch(sql, {"id": session.id})) == [(True,)]


def _note(uses: SessionUses, *sessions: Session) -> None:
    for session in sessions:
        uses.note(session, idle_ttl=600, interval=60)


async def test_security_14_what_is_used_is_noted_soon(storage: Storage, pg: Postgres) -> None:
    sessions = [await _unused(storage, pg) for _ in range(5)]
    uses = SessionUses(storage)
    _note(uses, *sessions)
    for session in sessions:
        await eventually(partial(_is_noted, pg, session))
    late = await _unused(storage, pg)
    _note(uses, late)
    await eventually(partial(_is_noted, pg, late))
    await uses.close()


async def test_security_14_a_use_at_the_very_end_of_a_write_is_noted(
    storage: Storage, pg: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the end of the writer and what the event loop tells of it."""
    first, last = [await _unused(storage, pg) for _ in range(2)]
    uses = SessionUses(storage)
    before = asyncio.all_tasks()
    _note(uses, first)
    (writer,) = asyncio.all_tasks() - before
    while not writer.done():
        await asyncio.sleep(0)  # in every turn of the loop, also the one before it is told
    _note(uses, last)
    await eventually(partial(_is_noted, pg, last))
    await uses.close()


async def test_security_14_no_more_wait_than_may_and_one_statement_is_under_way(
    storage: Storage, pg: Postgres
) -> None:
    first, *others = [await _unused(storage, pg) for _ in range(9)]
    uses = SessionUses(storage, most=3)
    async with pg.transaction() as held:
        await held.fetch("SELECT 1 FROM sessions WHERE id = %(id)s FOR UPDATE", {"id": first.id})
        before = storage.round_trips.postgres
        _note(uses, first)

        async def is_sent() -> bool:
            return storage.round_trips.postgres > before

        await eventually(is_sent)
        _note(uses, *others)
        assert not any([await _is_noted(pg, each) for each in others]), "one at a time"
    for session in (first, *others[:3]):
        await eventually(partial(_is_noted, pg, session))
    late = await _unused(storage, pg)
    _note(uses, late)  # whose turn comes after all that wait
    await eventually(partial(_is_noted, pg, late))
    assert not any([await _is_noted(pg, each) for each in others[3:]])
    _note(uses, others[3])
    await eventually(partial(_is_noted, pg, others[3]))
    await uses.close()


async def test_security_14_a_database_that_is_away_costs_one_line_in_the_log(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    storage = await Storage.open(database_url, None)
    await storage.close()
    uses = SessionUses(storage)
    with caplog.at_level(logging.WARNING):
        _note(uses, *(factories.session(A) for _ in range(50)))

        async def is_told() -> bool:
            return bool(caplog.records)

        await eventually(is_told, 30)
    told = [(record.message, getattr(record, "lost", None)) for record in caplog.records]
    assert told == [("session.uses_lost", 50)]
    await uses.close()


async def test_security_14_the_end_of_a_process_waits_for_no_lock(
    storage: Storage, pg: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    session = await _unused(storage, pg)
    uses = SessionUses(storage)
    async with pg.transaction() as held:
        await held.fetch("SELECT 1 FROM sessions WHERE id = %(id)s FOR UPDATE", {"id": session.id})
        before = storage.round_trips.postgres
        _note(uses, session)

        async def is_sent() -> bool:
            return storage.round_trips.postgres > before

        await eventually(is_sent)
        with caplog.at_level(logging.WARNING):
            await uses.close()
    assert caplog.records == [], "the statement was given up before its own time"
    await storage.now()
