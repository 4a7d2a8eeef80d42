"""The audit trail, as it is handled: what is personal goes, and what happened stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest_asyncio

from porta.audit import events
from porta.audit.actors import SYSTEM, Actor
from porta.limits.origin import Origin
from porta.services import audit_trail
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.world.rows import build_world

_LEFT = """
    SELECT event_type, user_id::text, actor_id::text, description, metadata::text,
        host(ip_address), user_agent, request_id
    FROM audit_log WHERE organization_id = %(id)s ORDER BY sequence
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def storage(database_url: str) -> AsyncIterator[Storage]:
    opened = await Storage.open(database_url)
    yield opened.everywhere
    await opened.close()


async def test_what_is_personal_goes_and_who_did_what_when_stays(
    storage: Storage, pg: Postgres
) -> None:
    world = await build_world(pg)
    person, place = world.user.id, world.organization.id
    ((other,),) = await pg.fetch(
        "INSERT INTO users (organization_id, email) VALUES (%(id)s, 'o@x.test') RETURNING id::text",
        {"id": place},
    )
    here = Origin("192.0.2.9", "a browser", "request-1")

    async def happened(event_type: str, met: str | None, actor: Actor) -> None:
        await events.record(
            storage,
            event_type,
            organization_id=place,
            user_id=met,
            description="told",
            metadata={"reason": "told"},
            actor=actor,
            origin=here,
        )

    await happened("user.login.password", person, SYSTEM)
    await happened("user.suspended", person, Actor(user_id=other))
    await happened("user.suspended", other, Actor(user_id=person))
    await happened("user.suspended", other, Actor(user_id=other))
    async with storage.transaction() as tx:
        assert await audit_trail.erase_person(tx, SYSTEM, person, place) == 3
    rows = await pg.fetch(_LEFT, {"id": place})
    told, gone = ("told", '{"reason": "told"}'), (None, "{}")
    origin, nowhere = ("192.0.2.9", "a browser"), (None, None)
    assert rows == [
        ("user.login.password", person, person, *gone, *nowhere, "request-1"),
        ("user.suspended", person, other, *gone, *origin, "request-1"),
        ("user.suspended", other, person, *told, *nowhere, "request-1"),
        ("user.suspended", other, other, *told, *origin, "request-1"),
        ("audit.person.erased", person, None, None, '{"entries": 3}', None, None, None),
    ]
    async with storage.transaction() as tx:
        assert await audit_trail.erase_person(tx, SYSTEM, str(uuid4()), place) == 0
