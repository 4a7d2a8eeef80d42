"""The audit log."""

from __future__ import annotations

import asyncio

from storage.models.events import Event
from storage.postgres.driver import Postgres
from storage.repositories.events import Events
from tests.factories import new_id
from tests.world.rows import World


async def test_an_event_is_written_down_whole(pg: Postgres, world: World) -> None:
    request_id = new_id()
    await Events(pg).record(
        Event(
            event_type="user.login.password",
            event_category="authentication",
            organization_id=world.organization.id,
            user_id=world.user.id,
            actor_id=world.user.id,
            description="Signed in",
            metadata='{"client_id": "x", "n": 1}',
            ip_address="2001:db8::1",
            user_agent="A browser'; --",
            request_id=request_id,
        )
    )
    row = await pg.fetchrow(
        "SELECT event_type, event_category, organization_id, user_id, actor_id, description,"
        " metadata ->> 'client_id', host(ip_address), user_agent, mac FROM audit_log"
        " WHERE request_id = %(id)s",
        {"id": request_id},
    )
    assert row == (
        "user.login.password",
        "authentication",
        world.organization.id,
        world.user.id,
        world.user.id,
        "Signed in",
        "x",
        "2001:db8::1",
        "A browser'; --",
        None,
    )


async def test_the_least_an_event_can_say(pg: Postgres) -> None:
    before = pg.round_trips
    await Events(pg).record(Event(event_type="key.rotated", event_category="admin"))
    assert pg.round_trips == before + 1


async def test_every_event_has_a_place_of_its_own(pg: Postgres) -> None:
    each = [Event(event_type="test.order", event_category="admin") for _ in range(20)]
    await asyncio.gather(*(Events(pg).record(event) for event in each))
    rows = await pg.fetch("SELECT sequence FROM audit_log WHERE event_type = 'test.order'")
    assert len(set(rows)) == 20


async def test_an_event_outlives_whom_it_names(pg: Postgres, world: World) -> None:
    event = Event(
        event_type="test.gone",
        event_category="admin",
        organization_id=world.organization.id,
        user_id=world.user.id,
    )
    await Events(pg).record(event)
    await pg.execute("DELETE FROM organizations WHERE id = %(id)s", {"id": world.organization.id})
    rows = await pg.fetch(
        "SELECT organization_id, user_id FROM audit_log WHERE event_type = 'test.gone'"
    )
    assert rows == [(world.organization.id, world.user.id)]
