"""The audit trail: events by name and category, written where the change is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio

from porta import events
from porta.events import EVENTS, Actor, event
from porta.origin import Origin
from storage.postgres import Postgres
from storage.router import Storage


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
    assert event(event_type).event_category == category


def test_an_unknown_event_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no event"):
        event("user.exploded")


def test_who_and_from_where() -> None:
    actor = Actor("the-admin", Origin("192.0.2.1", "curl/8", "request-1"))
    happened = event("org.created", organization_id="o", metadata={"a": 1}, actor=actor)
    assert happened.actor_id == "the-admin"
    assert happened.user_id is None
    assert (happened.ip_address, happened.user_agent) == ("192.0.2.1", "curl/8")
    assert happened.request_id == "request-1"
    elsewhere = event("org.created", actor=actor, origin=Origin("192.0.2.2"))
    assert (elsewhere.ip_address, elsewhere.user_agent) == ("192.0.2.2", None)


async def test_what_is_recorded(storage: Storage, pg: Postgres) -> None:
    marker = str(uuid4())
    happened = event(
        "user.login.password",
        description=marker,
        metadata={"client_id": "web"},
        origin=Origin("2001:db8::1", "Mozilla/5.0"),
    )
    await events.record(storage, happened)
    row = await pg.fetchrow(
        """
        SELECT event_type, event_category, host(ip_address), user_agent, metadata ->> 'client_id'
        FROM audit_log WHERE description = %(marker)s
        """,
        {"marker": marker},
    )
    assert row == ("user.login.password", "authentication", "2001:db8::1", "Mozilla/5.0", "web")


@pytest.mark.parametrize("wrong", [{"event_category": "admin"}, {"event_type": "user.exploded"}])
async def test_what_is_not_in_the_table_is_not_recorded(
    storage: Storage, pg: Postgres, wrong: dict[str, str]
) -> None:
    marker = str(uuid4())
    happened = msgspec.structs.replace(event("user.logout", description=marker), **wrong)
    with pytest.raises(ValueError, match="user"):
        await events.record(storage, happened)
    found = await pg.fetch(
        "SELECT 1 FROM audit_log WHERE description = %(marker)s", {"marker": marker}
    )
    assert found == []


async def test_a_rolled_back_change_leaves_no_event(storage: Storage, pg: Postgres) -> None:
    marker = str(uuid4())

    async def change() -> None:
        async with storage.transaction() as tx:
            await events.record(tx, event("org.created", description=marker))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await change()
    found = await pg.fetch(
        "SELECT 1 FROM audit_log WHERE description = %(marker)s", {"marker": marker}
    )
    assert found == []
