"""Sessions that nobody uses: a use is noted while they live, and revives none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from uuid import uuid4

import msgspec
import pytest

from storage.models.artifacts import Session
from storage.postgres import migrate
from storage.postgres.driver import Postgres
from storage.redis.lane import Redis
from storage.repositories.expired import Expired
from storage.router import Storage
from tests import factories
from tests.world import stores
from tests.world.waiting import eventually

A, B = str(uuid4()), str(uuid4())
LIMITS = {"idle_ttl": 600.0, "interval": 60.0}
_ROW = """
    SELECT id, EXTRACT(EPOCH FROM now() - used_at)::float8,
        EXTRACT(EPOCH FROM expires_at - now())::float8
    FROM sessions WHERE uid = %(uid)s
"""
BUSY = 60
"""Seconds that a busy machine may lose on its way."""


def _session(organization_id: str = A, *, lasts: int = 86_400) -> tuple[str, Session]:
    """Return a session that ends in `lasts` seconds, with the value it is presented by."""
    value, id = factories.presented()
    ends = int(time.time()) + lasts
    return value, factories.session(organization_id, id=id, browser=id, expires_at=ends)


async def _unused_for(pg: Postgres, session: Session, seconds: float) -> None:
    await pg.execute(
        "UPDATE sessions SET used_at = now() - make_interval(secs => %(seconds)s::float8)"
        " WHERE uid = %(uid)s",
        {"uid": session.uid, "seconds": seconds},
    )


async def _note(storage: Storage, session: Session, **changes: float) -> bool:
    return await storage.sessions.note_use(
        session.id, session.organization_id, **{**LIMITS, **changes}
    )


@pytest.mark.parametrize("unused", [61, 300, 599 - BUSY])
async def test_security_14_a_use_within_the_limit_is_noted(
    either: Storage, pg: Postgres, unused: int
) -> None:
    value, session = _session()
    await either.artifacts.save(session, 600)
    await _unused_for(pg, session, unused)
    assert await _note(either, session)
    ((_, since, left),) = await pg.fetch(_ROW, {"uid": session.uid})
    assert 0 <= since < BUSY
    assert 600 - BUSY < left <= 600
    assert await either.artifacts.find(Session, value, A) == session


@pytest.mark.parametrize(("unused", "noted"), [(0, False), (1, False), (61, True)])
async def test_security_14_a_use_is_noted_once_an_interval(
    alone: Storage, pg: Postgres, unused: int, noted: bool
) -> None:
    _, session = _session()
    await alone.artifacts.save(session, 600)
    await _unused_for(pg, session, unused)
    assert [await _note(alone, session) for _ in range(3)] == [noted, False, False]


@pytest.mark.parametrize("lasts", [5, 100, 599])
async def test_security_14_no_use_puts_the_end_of_a_session_off(
    alone: Storage, pg: Postgres, lasts: int
) -> None:
    _, session = _session(lasts=lasts)
    await alone.artifacts.save(session, lasts)
    for _ in range(3):
        await _unused_for(pg, session, 300)
        await _note(alone, session)
        ((_, _, left),) = await pg.fetch(_ROW, {"uid": session.uid})
        assert left <= lasts


@pytest.mark.parametrize("over", ["ended", "expired", "replaced", "idle", "elsewhere", "account"])
async def test_security_14_no_use_revives_what_is_over(
    either: Storage, pg: Postgres, over: str
) -> None:
    value, session = _session()
    await either.artifacts.save(session, 600)
    await _unused_for(pg, session, 300)
    used = session
    match over:
        case "ended":
            await either.end_session(session)
        case "account":
            await either.end_account(session.account_id, A, "password_changed")
        case "expired":
            sql = "UPDATE sessions SET expires_at = now() WHERE id = %(id)s"
            await pg.execute(sql, {"id": session.id})
        case "replaced":
            new = msgspec.structs.replace(session, id=factories.presented()[1])
            async with either.transaction() as tx:
                await tx.replace_session(session, new, 600)
            await _unused_for(pg, session, 300)
        case "idle":
            await _unused_for(pg, session, 601)
        case "elsewhere":
            used = msgspec.structs.replace(session, organization_id=B)
    before = await pg.fetch("SELECT * FROM sessions WHERE uid = %(uid)s", {"uid": session.uid})
    assert not await _note(either, used)
    after = await pg.fetch("SELECT * FROM sessions WHERE uid = %(uid)s", {"uid": session.uid})
    assert list(map(str, after)) == list(map(str, before))
    if over in ("ended", "account", "replaced"):
        assert await either.artifacts.find(Session, value, A) is None


@pytest.mark.parametrize("change", ["ended", "replaced"])
async def test_security_14_a_use_that_races_the_end_of_its_session_loses(
    alone: Storage, pg: Postgres, change: str
) -> None:
    """It waits for the row, and then judges what stands there."""
    value, session = _session()
    await alone.artifacts.save(session, 600)
    await _unused_for(pg, session, 300)
    async with alone.transaction() as tx:
        assert session.browser is not None
        await tx.sessions.find_for_update(session.browser, A)
        noting = asyncio.create_task(_note(alone, session))
        await eventually(lambda: _waits_for_a_row(pg))
        if change == "ended":
            await tx.end_session(session)
        else:
            new = msgspec.structs.replace(session, id=factories.presented()[1])
            await tx.replace_session(session, new, 600)
    assert not await noting
    assert await alone.artifacts.find(Session, value, A) is None


async def _waits_for_a_row(pg: Postgres) -> bool:
    sql = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
    """
    return bool((await pg.fetch(sql))[0][0])


async def test_security_14_a_sign_in_is_a_use(alone: Storage, pg: Postgres) -> None:
    _, session = _session()
    await alone.artifacts.save(session, 600)
    await _unused_for(pg, session, 599)
    new = msgspec.structs.replace(session, id=factories.presented()[1])
    async with alone.transaction() as tx:
        await tx.replace_session(session, new, 600)
    ((id, since, _),) = await pg.fetch(_ROW, {"uid": session.uid})
    assert id == new.id
    assert since < BUSY


async def test_security_14_a_copy_dies_with_the_limit_it_knew_and_the_row_decides(
    storage: Storage, redis: Redis
) -> None:
    """The use was noted after the copy was made: with it goes what it knew, not the session."""
    value, session = _session()
    await storage.artifacts.save(session, 3)
    assert 0 < await redis.command("PTTL", stores.key(session)) <= 3000
    assert await _note(storage, session, interval=0)

    async def copy_is_gone() -> bool:
        return await redis.command("GET", stores.key(session)) is None

    await eventually(copy_is_gone, 30)
    assert await storage.artifacts.find(Session, value, A) == session


async def test_security_14_what_nobody_used_is_purged(alone: Storage, pg: Postgres) -> None:
    (_, idle), (_, used) = _session(), _session()
    for session in (idle, used):
        await alone.artifacts.save(session, 600)
        await _unused_for(pg, session, 300)
    assert await _note(alone, used, idle_ttl=7200)
    for session in (idle, used):  # as much time goes by
        await pg.execute(
            "UPDATE sessions SET expires_at = expires_at - interval '4300 s' WHERE id = %(id)s",
            {"id": session.id},
        )
    while await Expired(pg).purge():
        pass
    assert await pg.fetch(_ROW, {"uid": idle.uid}) == []
    assert len(await pg.fetch(_ROW, {"uid": used.uid})) == 1


async def test_security_14_a_migration_signs_nobody_out_and_rewrites_nothing(
    create_database: Callable[..., str],
) -> None:
    url = create_database()
    number = next(m.version for m in migrate.migrations() if m.name == "session_use")
    await migrate.up(url, [m for m in migrate.migrations() if m.version < number])
    pg = await Postgres.open(url, 1)
    await pg.execute("""
        INSERT INTO sessions (id, kind, organization_id, payload, expires_at, created_at)
        VALUES ('s', 'Session', gen_random_uuid(), '{}', now() + interval '1 day',
            now() - interval '13 days')
    """)
    seen = """
        SELECT pg_relation_filenode('sessions'), expires_at::text, payload::text FROM sessions
    """
    before = await pg.fetch(seen)
    await migrate.up(url)
    assert await pg.fetch(seen) == before
    used = "SELECT EXTRACT(EPOCH FROM now() - used_at)::float8 FROM sessions"
    assert 0 <= (await pg.fetch(used))[0][0] < BUSY
    # As the version before goes on to write them.
    await pg.execute("""
        INSERT INTO sessions (id, kind, organization_id, payload, expires_at)
        VALUES ('t', 'Session', gen_random_uuid(), '{}', now() + interval '1 day')
    """)
    assert all(0 <= row[0] < BUSY for row in await pg.fetch(used))
    await pg.close()
