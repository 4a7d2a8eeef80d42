"""The audit trail: events by name and category, written where the change is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from porta.audit import events
from porta.audit.actors import Actor
from porta.audit.events import EVENTS
from porta.limits.origin import Origin
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.world.rows import build_world


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def storage(database_url: str) -> AsyncIterator[Storage]:
    opened = await Storage.open(database_url)
    yield opened
    await opened.close()


def test_every_name_stands_once_with_a_known_category() -> None:
    assert set(EVENTS.values()) == {"admin", "gdpr", "authentication", "security", "auth"}
    listed = [name for names in events._BY_CATEGORY.values() for name in names]
    assert len(listed) == len(set(listed)) == len(EVENTS)
    for names in events._BY_CATEGORY.values():
        assert list(names) == sorted(names)


@pytest.mark.parametrize(
    ("event_type", "category"),
    [
        ("user.login.password", "authentication"),
        ("user.login.password.failed", "security"),
        ("user.consent.granted", "authentication"),
        ("user.auto_locked", "security"),
        ("rate_limit.login", "security"),
        ("org.suspended", "admin"),
        ("client.secret.generated", "admin"),
        ("user.purged", "gdpr"),
        ("2fa.recovery.used", "auth"),
    ],
)
def test_the_names_of_porta_1_keep_their_category(event_type: str, category: str) -> None:
    assert EVENTS[event_type] == category


async def test_who_and_from_where(storage: Storage, pg: Postgres) -> None:
    world, marker = await build_world(pg), str(uuid4())
    actor = Actor(world.user.id, Origin("192.0.2.1", "curl/8", "request-1"))
    await events.record(
        storage,
        "org.updated",
        organization_id=world.organization.id,
        description=marker,
        actor=actor,
    )
    elsewhere = Origin("192.0.2.2")
    await events.record(storage, "org.updated", description=marker, actor=actor, origin=elsewhere)
    rows = await pg.fetch(
        """
        SELECT organization_id, user_id, actor_id, host(ip_address), user_agent, request_id
        FROM audit_log WHERE description = %(marker)s ORDER BY sequence
        """,
        {"marker": marker},
    )
    assert rows == [
        (world.organization.id, None, world.user.id, "192.0.2.1", "curl/8", "request-1"),
        (None, None, world.user.id, "192.0.2.2", None, None),
    ]


async def test_what_is_recorded(storage: Storage, pg: Postgres) -> None:
    marker = str(uuid4())
    await events.record(
        storage,
        "user.login.password",
        description=marker,
        metadata={"client_id": "web"},
        origin=Origin("2001:db8::1", "Mozilla/5.0"),
    )
    row = await pg.fetchrow(
        """
        SELECT event_type, event_category, host(ip_address), user_agent, metadata ->> 'client_id'
        FROM audit_log WHERE description = %(marker)s
        """,
        {"marker": marker},
    )
    assert row == ("user.login.password", "authentication", "2001:db8::1", "Mozilla/5.0", "web")


async def test_what_is_not_in_the_table_is_not_recorded(storage: Storage, pg: Postgres) -> None:
    marker = str(uuid4())
    with pytest.raises(ValueError, match=r"user\.exploded is no event"):
        await events.record(storage, "user.exploded", description=marker)
    found = await pg.fetch(
        "SELECT 1 FROM audit_log WHERE description = %(marker)s", {"marker": marker}
    )
    assert found == []


async def test_a_rolled_back_change_leaves_no_event(storage: Storage, pg: Postgres) -> None:
    marker = str(uuid4())

    async def change() -> None:
        async with storage.transaction() as tx:
            await events.record(tx, "org.created", description=marker)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await change()
    found = await pg.fetch(
        "SELECT 1 FROM audit_log WHERE description = %(marker)s", {"marker": marker}
    )
    assert found == []
