"""What a person decides at an open interaction: about what they were shown, for themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import pytest_asyncio

from porta.browser import interactions, open_interactions
from porta.browser.interactions import InteractionExpired
from porta.browser.open_interactions import OpenInteraction
from porta.limits.origin import Origin
from porta.runtime import Runtime
from porta.tenants import resolve
from storage.models.artifact import artifact_id
from storage.models.interactions import Consent, Interaction
from storage.postgres.driver import Postgres
from tests.world.runtime import opened

ORIGIN = Origin(address="192.0.2.7")
SHOWN = Consent(scope=("openid", "email"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtime(database_url: str, redis_url: str) -> AsyncIterator[Runtime]:
    async with opened(database_url, redis_url) as made:
        yield made


@asynccontextmanager
async def _two(runtime: Runtime, has_redis: bool) -> AsyncIterator[tuple[Runtime, Runtime]]:
    """Open two runtimes, of which each serves one tab."""
    settings = runtime.settings.model_copy(update={} if has_redis else {"redis_url": None})
    here, there = await Runtime.open(settings), await Runtime.open(settings)
    try:
        yield here, there
    finally:
        await here.close()
        await there.close()


async def _shown(runtime: Runtime) -> OpenInteraction:
    """Return an interaction that asks somebody who is signed in for their consent, as read."""
    tenant = await resolve.resolve(runtime, "acme")
    client = await resolve.find_client(runtime, tenant, "web")
    assert client is not None
    make = partial(
        Interaction, organization_id=tenant.id, slug=tenant.slug, client_id="web", parameters={},
        prompt="consent", shown=SHOWN, browser=artifact_id("b"), csrf="c",
        created_at=int(runtime.clock()), session_uid="alice", previous_session="alice",
    )  # fmt: skip
    uid = await runtime.storage.artifacts.create(make, tenant.config.interaction_ttl)
    return OpenInteraction(uid, await _found(runtime, uid), tenant, client)


async def _found(runtime: Runtime, uid: str) -> Interaction:
    found = await interactions.find(runtime, uid)
    assert found is not None
    return found


async def _decisions(pg: Postgres) -> int:
    rows = await pg.fetch("SELECT 1 FROM audit_log WHERE event_type LIKE 'user.consent.%'")
    return len(rows)


@pytest.mark.parametrize("has_redis", [True, False], ids=["redis", "postgres"])
@pytest.mark.parametrize("approve", [True, False], ids=["approved", "denied"])
@pytest.mark.parametrize(
    "meanwhile",
    [
        {"session_uid": "bob", "previous_session": "bob", "consented": None},
        {"prompt": "login"},
        {"shown": Consent(scope=("openid", "email", "phone"))},
    ],
    ids=["somebody else", "another prompt", "another list"],
)
async def test_a_decision_is_nobody_elses_who_signed_in_meanwhile(
    runtime: Runtime, pg: Postgres, meanwhile: dict[str, Any], approve: bool, has_redis: bool
) -> None:
    """One tab sends the form; what it was shown for changes in another before it is kept."""
    async with _two(runtime, has_redis) as (here, there):
        read, before = await _shown(here), await _decisions(pg)
        await interactions.save(there, read.tenant, read.interaction, **meanwhile)
        standing = await _found(there, read.uid)
        with pytest.raises(InteractionExpired):
            await open_interactions.consent(here, read, approve, ORIGIN)
        assert await _found(there, read.uid) == standing
    assert await _decisions(pg) == before


@pytest.mark.parametrize("has_redis", [True, False], ids=["redis", "postgres"])
async def test_a_decision_is_kept_whatever_else_was_noted_meanwhile(
    runtime: Runtime, pg: Postgres, has_redis: bool
) -> None:
    async with _two(runtime, has_redis) as (here, there):
        read, before = await _shown(here), await _decisions(pg)
        await interactions.save(there, read.tenant, read.interaction, resumptions=2)
        await open_interactions.consent(here, read, True, ORIGIN)
        found = await _found(there, read.uid)
        assert (found.consented, found.resumptions) == (SHOWN, 2)
    assert await _decisions(pg) == before + 1
