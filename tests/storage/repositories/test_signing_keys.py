"""Signing keys: every ring in one list, in the order they are activated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from storage.errors import AlreadyExists, StorageError
from storage.models.signing_keys import SigningKey
from storage.postgres.driver import Postgres
from storage.repositories.signing_keys import SigningKeys
from storage.repositories.system_config import SystemConfig
from tests.factories import new_id
from tests.world.rows import World


@pytest_asyncio.fixture
async def keys(pg: Postgres) -> AsyncIterator[SigningKeys]:
    yield SigningKeys(pg)
    await pg.execute("DELETE FROM signing_keys; DELETE FROM ring_keys")


def _key(activated_at: float = 100.0, **changes: object) -> SigningKey:
    id = new_id()
    key = SigningKey(
        id=id,
        kid=id[:16],
        algorithm="ES256",
        public_key="public",
        private_key="00ff",
        private_key_iv="0" * 24,
        private_key_tag="1" * 32,
        encrypted=True,
        created_at=50.25,
        activated_at=activated_at,
    )
    return msgspec.structs.replace(key, **changes)


async def test_keys_are_read_as_they_were_inserted(keys: SigningKeys, world: World) -> None:
    later, own = _key(300.5), _key(200.0, organization_id=world.organization.id, algorithm="EdDSA")
    plain = _key(
        100.0, encrypted=False, private_key_iv=None, private_key_tag=None, status="retired"
    )
    for key in (later, own, plain):
        await keys.insert(key)
    assert await keys.list() == (plain, own, later)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "EdDSA"])
async def test_succession_A1_what_1x_cannot_load_is_kept_from_its_table(
    pg: Postgres, keys: SigningKeys, world: World, algorithm: str
) -> None:
    others = (
        _key(algorithm=algorithm),
        _key(organization_id=world.organization.id),
        _key(private_key="bound:00ff"),
    )
    for key in (shared := _key(), *others):
        await keys.insert(key)
    assert await pg.fetch("SELECT kid FROM signing_keys") == [(shared.kid,)]
    assert len(await keys.list()) == 4
    for key in others:
        with pytest.raises(StorageError, match="signing_keys_way_back"):
            await pg.execute(
                "INSERT INTO signing_keys SELECT * FROM ring_keys WHERE kid = %(kid)s",
                {"kid": key.kid},
            )
        assert await keys.set_status(key.kid, "revoked")
    assert {key.status for key in await keys.list()} == {"active", "revoked"}


async def test_succession_A1_a_key_that_was_sealed_anew_changes_its_table(
    pg: Postgres, keys: SigningKeys
) -> None:
    key, revoked = _key(private_key="bound:00ff"), _key(private_key="bound:00ff")
    for each in (key, revoked):
        await keys.insert(each)
    await keys.set_status(revoked.kid, "revoked")
    for each in (key, revoked):
        await keys.replace(msgspec.structs.replace(each, private_key="00ff"))
    assert await pg.fetch("SELECT kid, private_key FROM signing_keys") == [(key.kid, "00ff")]
    assert await pg.fetch("SELECT kid, private_key FROM ring_keys") == [(revoked.kid, "")]


async def test_without_a_key_the_list_is_empty(keys: SigningKeys) -> None:
    assert await keys.list() == ()


async def test_a_kid_is_given_once(keys: SigningKeys) -> None:
    key = _key()
    await keys.insert(key)
    with pytest.raises(AlreadyExists) as caught:
        await keys.insert(_key(kid=key.kid))
    assert caught.value.constraint == "signing_keys_kid_key"


async def test_the_stations_of_a_key(keys: SigningKeys) -> None:
    key = _key(status="published")
    await keys.insert(key)
    assert await keys.set_status(key.kid, "active")
    assert await keys.set_status(key.kid, "retired")
    (retired,) = await keys.list()
    assert retired.retired_at is not None
    assert retired.private_key == key.private_key
    assert await keys.set_status(key.kid, "gone")
    assert await keys.list() == ()
    with pytest.raises(StorageError):
        await keys.set_status(key.kid, "lost")
    assert not await keys.set_status("unknown", "gone")


@pytest.mark.parametrize("status", ["gone", "revoked"])
async def test_a_private_key_is_erased_when_it_must_not_sign_again(
    pg: Postgres, keys: SigningKeys, status: str
) -> None:
    key = _key()
    await keys.insert(key)
    await keys.set_status(key.kid, status)
    assert await pg.fetch("SELECT private_key FROM signing_keys") == [("",)]


async def test_the_ring_of_an_organization_goes_with_it(
    pg: Postgres, keys: SigningKeys, world: World
) -> None:
    await keys.insert(_key(organization_id=world.organization.id))
    await pg.execute("DELETE FROM organizations WHERE id = %(id)s", {"id": world.organization.id})
    assert await keys.list() == ()


async def test_one_process_at_a_time_adds_keys(pg: Postgres, keys: SigningKeys) -> None:
    async def ensure() -> None:
        async with pg.transaction() as tx:
            ours = SigningKeys(tx)
            await ours.lock()
            if not await ours.list():
                await asyncio.sleep(0.05)  # long enough for the others to look as well
                await ours.insert(_key())

    await asyncio.gather(*(ensure() for _ in range(5)))
    assert len(await keys.list()) == 1


async def test_readers_do_not_wait_for_whoever_adds_keys(pg: Postgres, keys: SigningKeys) -> None:
    async with pg.transaction() as tx:
        await SigningKeys(tx).lock()
        async with asyncio.timeout(30):
            assert await keys.list() == ()


async def test_config_and_keys_are_read_together(pg: Postgres, keys: SigningKeys) -> None:
    key = _key()
    await keys.insert(key)
    config = SystemConfig(pg)
    before = pg.round_trips
    values, listed = await config.with_signing_keys()
    assert pg.round_trips == before + 1
    assert values == await config.all()
    assert listed == (key,)
