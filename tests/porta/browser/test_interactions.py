"""Interactions: one browser's, kept to their time, finished once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import msgspec
import pytest
import pytest_asyncio
import redis

from porta.browser import interactions
from porta.browser.binding import Browser
from porta.browser.interactions import InteractionExpired
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from storage.models.interactions import Interaction
from storage.models.sign_ins import SignIn
from tests.world.runtime import opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtime(database_url: str, redis_url: str) -> AsyncIterator[Runtime]:
    async with opened(database_url, redis_url) as made:
        yield made


@pytest_asyncio.fixture
async def tenant(runtime: Runtime) -> Tenant:
    return await resolve.resolve(runtime, "acme")


async def _begin(runtime: Runtime, tenant: Tenant) -> tuple[str, Browser, Interaction]:
    browser = Browser(opaque.new_value())
    make = partial(
        Interaction,
        organization_id=tenant.id,
        slug=tenant.slug,
        client_id="web",
        parameters={},
        prompt="login",
        browser=browser.digest or "",
        csrf=opaque.new_value(),
        created_at=int(runtime.clock()),
    )
    uid = await runtime.storage.artifacts.create(make, tenant.config.interaction_ttl)
    interaction = await interactions.find(runtime, uid)
    assert interaction is not None
    return uid, browser, interaction


async def test_it_is_of_the_browser_that_began_it(runtime: Runtime, tenant: Tenant) -> None:
    uid, browser, interaction = await _begin(runtime, tenant)
    assert await interactions.find(runtime, uid) == interaction
    assert interactions.is_of(interaction, browser)


async def test_it_is_of_no_other_browser(runtime: Runtime, tenant: Tenant) -> None:
    uid, _, interaction = await _begin(runtime, tenant)
    _, another, _ = await _begin(runtime, tenant)
    for wrong in (another, Browser(), Browser(interaction.browser), Browser(uid)):
        assert not interactions.is_of(interaction, wrong)
    for wrong_uid in ("", interaction.id, uid[:-1], uid.swapcase(), "x\x00", "\ud800" * 43):
        assert await interactions.find(runtime, wrong_uid) is None


async def test_what_cannot_be_one_reaches_no_store(runtime: Runtime) -> None:
    before = runtime.storage.round_trips
    for uid in ("x", "", "x" * 9000, "é" * 43):
        assert await interactions.find(runtime, uid) is None
    assert runtime.storage.round_trips == before


async def test_a_change_does_not_prolong_it(
    runtime: Runtime, tenant: Tenant, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid, _, interaction = await _begin(runtime, tenant)
    late = interaction.created_at + tenant.config.interaction_ttl - 20
    monkeypatch.setattr(runtime, "clock", lambda: late)
    changed = await interactions.save(runtime, tenant, interaction, prompt="consent")
    assert changed == msgspec.structs.replace(interaction, prompt="consent")
    assert await interactions.find(runtime, uid) == changed
    key = f"porta:Interaction:{interaction.id}"
    with redis.Redis.from_url(redis_url) as store:
        assert 0 < store.pttl(key) <= 20_000
        store.pexpire(key, 0)
    assert await interactions.find(runtime, uid) is None


async def test_what_is_late_lives_no_more_than_a_moment(
    runtime: Runtime, tenant: Tenant, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, interaction = await _begin(runtime, tenant)
    late = interaction.created_at + tenant.config.interaction_ttl - 0.2
    monkeypatch.setattr(runtime, "clock", lambda: late)
    await interactions.save(runtime, tenant, interaction, prompt="consent")
    with redis.Redis.from_url(redis_url) as store:
        assert store.pttl(f"porta:Interaction:{interaction.id}") <= 1000


async def test_of_many_one_finishes_it(runtime: Runtime, tenant: Tenant) -> None:
    uid, _, interaction = await _begin(runtime, tenant)
    finished = await asyncio.gather(
        *(interactions.finish(runtime, interaction, uid) for _ in range(20))
    )
    assert finished.count(True) == 1
    assert await interactions.find(runtime, uid) is None


async def test_what_is_finished_cannot_be_saved_to_life(runtime: Runtime, tenant: Tenant) -> None:
    uid, _, interaction = await _begin(runtime, tenant)
    assert await interactions.finish(runtime, interaction, uid)
    with pytest.raises(InteractionExpired) as caught:
        await interactions.save(runtime, tenant, interaction, prompt="login")
    assert (caught.value.status, caught.value.code) == (400, "interaction_expired")
    assert await interactions.find(runtime, uid) is None


@pytest.mark.parametrize("has_redis", [True, False])
async def test_what_another_tab_changed_meanwhile_stands(
    runtime: Runtime, tenant: Tenant, has_redis: bool
) -> None:
    """Each request saves what it changes, of a record that it read before."""
    settings = runtime.settings.model_copy(update={} if has_redis else {"redis_url": None})
    here, there = await Runtime.open(settings), await Runtime.open(settings)
    uid, _, read = await _begin(here, tenant)
    changes: list[dict[str, Any]] = [
        {"sign_in": SignIn(account_id=tenant.id)}, {"created_at": read.created_at + 9},
        {"error": "gone"}, {"resumptions": 3}, {"gesture": "here"}, {"prompt": "consent"},
    ]  # fmt: skip
    saves = (
        interactions.save(each, tenant, read, **change)
        for each, change in zip([here, there] * 3, changes, strict=True)
    )
    await asyncio.gather(*saves)
    found = await interactions.find(there, uid)
    await here.close()
    await there.close()
    wanted = {name: value for change in changes for name, value in change.items()}
    assert found == msgspec.structs.replace(read, **wanted)


async def test_what_is_gone_is_not_saved_to_life(
    runtime: Runtime, tenant: Tenant, redis_url: str
) -> None:
    uid, _, interaction = await _begin(runtime, tenant)
    with redis.Redis.from_url(redis_url) as store:
        store.delete(f"porta:Interaction:{interaction.id}")
    with pytest.raises(InteractionExpired):
        await interactions.save(runtime, tenant, interaction, prompt="consent")
    assert await interactions.find(runtime, uid) is None
