from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from porta.errors import Conflict, NotFound
from porta.security.key_schedule import MARGIN, State
from porta.security.keyring import KeyRing, KeyRings
from porta.security.keys import ALGORITHMS
from porta.services import key_listing, signing_keys
from storage.errors import StorageError
from storage.models.signing_keys import SigningKey
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests import factories
from tests.porta.security import rows as made_rows
from tests.world.waiting import eventually

KEY = bytes.fromhex("5a" * 32)
ACME = "0b6b0f4e-3c1a-4d5c-9c3e-9b1b3b4b5c6d"
NOW = 1_800_000_000.123457
LEAD = 120
TTL = 3600
DAY = 86_400
WRONG = bytes.fromhex("ef" * 32)
FAST = ("ES256", "EdDSA")


@pytest_asyncio.fixture(loop_scope="session")
async def storage(fresh_database_url: str) -> AsyncIterator[Storage]:
    opened = await Storage.open(fresh_database_url)
    await opened.everywhere.organizations.insert(
        factories.organization(id=ACME, name="Acme", slug="acme")
    )
    yield opened.everywhere
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def database(fresh_database_url: str) -> AsyncIterator[Postgres]:
    opened = await Postgres.open(fresh_database_url, 1)
    yield opened
    await opened.close()


def stored(algorithm: str, *, plain: bool = False, **more: Any) -> SigningKey:
    """A key that another process stored, encrypted under `key` or not at all."""
    make = made_rows.plain_row if plain else made_rows.row
    return make(algorithm, id=str(uuid.uuid4()), **more)


async def ensure(storage: Storage, *algorithms: str, now: float = NOW, **more: Any) -> list[str]:
    made = await signing_keys.ensure(
        storage, (KEY,), algorithms or FAST, now=now, lead=LEAD, **more
    )
    return [row.kid for row in made]


async def rotate(storage: Storage, now: float = NOW, **more: Any) -> list[str]:
    made = await signing_keys.rotate(storage, (KEY,), now=now, lead=LEAD, **more)
    return [row.kid for row in made]


async def revoke(storage: Storage, kid: str, now: float = NOW, **more: Any) -> SigningKey:
    return await signing_keys.revoke(storage, (KEY,), kid, now=now, **more)


async def ring(storage: Storage, now: float, organization_id: str = ACME) -> KeyRing:
    rows = await storage.signing_keys.list()
    return KeyRings.build(rows, (KEY,), longest_token_ttl=TTL).of(organization_id, now)


async def states(storage: Storage, now: float) -> dict[str, str]:
    listed = await key_listing.listing(storage, (KEY,), now=now)
    return {key.kid: str(key.state) for key in listed}


async def test_the_first_keys_of_the_global_ring_sign_at_once(storage: Storage) -> None:
    made = await ensure(storage, *ALGORITHMS)
    found = await ring(storage, NOW)
    assert found.algorithms == ALGORITHMS
    assert [found.signer(algorithm).kid for algorithm in ALGORITHMS] == made


async def test_private_keys_are_encrypted_at_rest(storage: Storage) -> None:
    await ensure(storage)
    for row in await storage.signing_keys.list():
        assert row.encrypted
        assert bytes.fromhex(row.private_key.removeprefix("bound:"))
        assert (len(row.private_key_iv or ""), len(row.private_key_tag or "")) == (24, 32)


async def test_ensuring_again_makes_only_what_is_missing(storage: Storage) -> None:
    assert len(await ensure(storage, "ES256")) == 1
    assert await ensure(storage, "ES256", now=NOW + 5) == []
    assert len(await ensure(storage, "ES256", "EdDSA", now=NOW + 5)) == 1
    assert len(await storage.signing_keys.list()) == 2


async def test_a_ring_whose_only_key_was_revoked_gets_one_at_once(storage: Storage) -> None:
    (revoked,) = await ensure(storage, "ES256")
    await storage.signing_keys.set_status(revoked, "revoked")
    (made,) = await ensure(storage, "ES256", now=NOW + 9)
    assert (await ring(storage, NOW + 9)).signer("ES256").kid == made
    assert (await states(storage, NOW + 9))[revoked] == "revoked"


async def test_a_first_key_of_an_organization_is_published_before_it_takes_over(
    storage: Storage,
) -> None:
    (shared,) = await ensure(storage, "ES256")
    (own,) = await ensure(storage, "ES256", now=NOW + 10, organization_id=ACME)
    before, after = await ring(storage, NOW + 129), await ring(storage, NOW + 131)
    assert before.signer("ES256").kid == shared
    assert before.verifier(own) is not None
    assert after.signer("ES256").kid == own
    other = await ring(storage, NOW + 131, "another")
    assert other.signer("ES256").kid == shared
    assert other.verifier(own) is None


async def test_a_rotation_publishes_now_and_signs_later(storage: Storage) -> None:
    old = await ensure(storage)
    new = await rotate(storage, NOW + DAY)
    moment = NOW + DAY + LEAD
    before, after = await ring(storage, moment - 1), await ring(storage, moment + 1)
    assert [before.signer(name).kid for name in FAST] == old
    assert all(before.verifier(kid) for kid in new)
    assert [after.signer(name).kid for name in FAST] == new
    assert all(after.verifier(kid) for kid in old)
    gone = await ring(storage, moment + TTL + MARGIN + 1)
    assert not any(gone.verifier(kid) for kid in old)


async def test_one_algorithm_can_be_rotated_alone(storage: Storage) -> None:
    es256, eddsa = await ensure(storage)
    (new,) = await rotate(storage, algorithm="EdDSA")
    assert await states(storage, NOW + 1) == {es256: "active", eddsa: "active", new: "published"}


async def test_a_second_rotation_waits_for_the_first(storage: Storage) -> None:
    await ensure(storage)
    (pending,) = await rotate(storage, algorithm="EdDSA")
    with pytest.raises(Conflict, match=f"{pending} is published and will sign in 60 seconds"):
        await rotate(storage, NOW + 60)
    assert len(await storage.signing_keys.list()) == 3
    assert len(await rotate(storage, NOW + 60, algorithm="ES256")) == 1
    assert len(await rotate(storage, NOW + 121, algorithm="EdDSA")) == 1


async def test_what_is_not_there_cannot_be_rotated(storage: Storage) -> None:
    with pytest.raises(NotFound, match="no signing key to rotate"):
        await rotate(storage)
    await ensure(storage, "ES256")
    with pytest.raises(NotFound, match="no EdDSA key to rotate"):
        await rotate(storage, algorithm="EdDSA")
    with pytest.raises(NotFound):
        await rotate(storage, organization_id=ACME)


async def test_rings_rotate_apart(storage: Storage) -> None:
    (shared,) = await ensure(storage, "ES256")
    (own,) = await ensure(storage, "ES256", organization_id=ACME)
    (new,) = await rotate(storage, NOW + DAY, organization_id=ACME)
    found = await states(storage, NOW + DAY + LEAD + 1)
    assert found == {shared: "active", own: "retired", new: "active"}


async def test_many_processes_make_each_key_once(storage: Storage, fresh_database_url: str) -> None:
    async with AsyncExitStack() as stack:
        others = [
            (await Storage.open(fresh_database_url, pool_size=2)).everywhere for _ in range(4)
        ]
        for other in others:
            stack.push_async_callback(other.close)
        made = await asyncio.gather(*(ensure(other) for other in others for _ in range(3)))
        assert sum(map(len, made)) == len(FAST)
        results = await asyncio.gather(
            *(rotate(other, NOW + 1) for other in others for _ in range(3)), return_exceptions=True
        )
    assert sum(isinstance(result, list) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 11
    assert len(await storage.signing_keys.list()) == 2 * len(FAST)


async def test_each_new_key_is_told_of(storage: Storage, database: Postgres) -> None:
    (first,) = await ensure(storage, "ES256")
    (second,) = await rotate(storage, NOW + DAY)
    rows = await database.fetch(
        "SELECT event_type, metadata->>'kid' FROM audit_log WHERE event_type LIKE 'key.%%'"
        " ORDER BY event_type"
    )
    assert [tuple(row) for row in rows] == [("key.generated", first), ("key.rotated", second)]


async def test_a_rotation_that_fails_leaves_nothing(storage: Storage, database: Postgres) -> None:
    await ensure(storage)
    before = await storage.signing_keys.list()
    await database.execute("ALTER TABLE audit_log ADD CHECK (event_type <> 'key.rotated')")
    with pytest.raises(StorageError):
        await rotate(storage, NOW + DAY)
    assert await storage.signing_keys.list() == before


async def test_keys_long_gone_are_put_away_by_a_rotation(storage: Storage) -> None:
    (first,) = await ensure(storage, "ES256")
    (second,) = await rotate(storage, NOW + DAY)
    (third,) = await rotate(storage, NOW + 20 * DAY)
    assert (await states(storage, NOW + 20 * DAY))[first] == "gone"
    (fourth,) = await rotate(storage, NOW + 40 * DAY)
    remaining = {row.kid for row in await storage.signing_keys.list()}
    assert remaining == {second, third, fourth}


async def test_a_key_stays_for_hints_as_long_as_a_session_may_last(storage: Storage) -> None:
    (first,) = await ensure(storage, "ES256")
    await storage.system_config.put("session_ttl", str(60 * DAY), "duration")
    await rotate(storage, NOW + DAY)
    for days, kept in ((40, True), (63, False)):
        await rotate(storage, NOW + days * DAY)
        remaining = {row.kid for row in await storage.signing_keys.list()}
        assert (first in remaining) is kept


async def test_under_another_encryption_key_nothing_is_added(storage: Storage) -> None:
    await ensure(storage, "ES256")
    before = await storage.signing_keys.list()
    wrong: dict[str, Any] = {"now": NOW + DAY, "lead": LEAD}
    for work in (
        signing_keys.rotate(storage, (WRONG,), **wrong),
        signing_keys.ensure(storage, (WRONG,), FAST, **wrong),
        signing_keys.ensure(storage, (WRONG,), ("ES256",), organization_id=ACME, **wrong),
    ):
        with pytest.raises(Conflict, match="SIGNING_KEY_ENCRYPTION_KEY") as refused:
            await work
        assert before[0].kid in refused.value.message
    assert await storage.signing_keys.list() == before


async def _waits_for_the_keys(database: Postgres) -> bool:
    sql = "SELECT 1 FROM pg_locks WHERE relation = 'signing_keys'::regclass AND NOT granted"
    return bool(await database.fetch(sql))


async def test_whoever_made_the_first_key_meanwhile_decides_the_encryption_key(
    storage: Storage, database: Postgres, fresh_database_url: str
) -> None:
    """Two that begin at once on nothing: the second looks again under the lock."""
    other = (await Storage.open(fresh_database_url, pool_size=2)).everywhere
    async with storage.transaction() as tx:
        await tx.signing_keys.lock()
        late = asyncio.create_task(
            signing_keys.ensure(other, (WRONG,), ("ES256", "PS256"), now=NOW, lead=LEAD)
        )
        await eventually(lambda: _waits_for_the_keys(database), 60)
        await signing_keys.ensure(tx, (KEY,), ("ES256",), now=NOW, lead=LEAD)
    with pytest.raises(Conflict, match="SIGNING_KEY_ENCRYPTION_KEY"):
        await late
    assert len(await storage.signing_keys.list()) == 1
    await other.close()


async def test_one_key_that_can_be_read_is_proof_enough(storage: Storage) -> None:
    await ensure(storage, "ES256")
    await storage.signing_keys.insert(stored("EdDSA", key=WRONG))
    assert len(await rotate(storage, NOW + DAY)) == 2


@pytest.mark.parametrize("work", [rotate, ensure])
async def test_succession_A1_keys_of_before_the_way_back_get_the_form_of_1x(
    storage: Storage, database: Postgres, work: Callable[..., Awaitable[list[str]]]
) -> None:
    old = made_rows.bound_row(id=str(uuid.uuid4()))
    foreign = made_rows.bound_row(number=1, key=WRONG, id=str(uuid.uuid4()), activated_at=5.0)
    eddsa = stored("EdDSA")
    for row in (old, foreign, eddsa):
        await storage.signing_keys.insert(row)
    signer = (await ring(storage, NOW)).signer("ES256")
    await work(storage)
    rows = {row.kid: row for row in await storage.signing_keys.list()}
    assert {row.kid for row in rows.values() if row.is_shared and row.is_bound} == {foreign.kid}
    assert (await ring(storage, NOW)).signer("ES256").kid == signer.kid
    assert rows[foreign.kid] == foreign
    assert rows[eddsa.kid] == eddsa
    shared = await database.fetch("SELECT kid FROM signing_keys")
    assert old.kid in {kid for (kid,) in shared}
    assert foreign.kid not in {kid for (kid,) in shared}


async def test_security_13_a_refused_key_is_listed_as_such_and_displaces_nobody(
    storage: Storage,
) -> None:
    (ours,) = await ensure(storage, "ES256")
    planted = stored("ES256", plain=True, activated_at=NOW - 1)
    foreign = stored("ES256", number=1, key=WRONG, activated_at=NOW - 2)
    for row in (planted, foreign):
        await storage.signing_keys.insert(row)
    assert await states(storage, NOW) == {
        ours: "active",
        planted.kid: "refused",
        foreign.kid: "refused",
    }


async def test_security_13_a_revoked_key_is_bound_to_nothing(storage: Storage) -> None:
    old = msgspec.structs.replace(made_rows.unbound_row(), id=str(uuid.uuid4()))
    await storage.signing_keys.insert(old)
    await revoke(storage, old.kid, force=True)
    assert [row.private_key for row in await storage.signing_keys.list()] == [""]


async def test_what_is_not_encrypted_or_was_given_up_proves_nothing(storage: Storage) -> None:
    await storage.signing_keys.insert(stored("ES256", plain=True))
    await storage.signing_keys.insert(stored("EdDSA", key=WRONG, status="revoked"))
    assert len(await rotate(storage)) == 1
    assert len(await ensure(storage, "EdDSA")) == 1


async def test_a_revoked_key_is_shown_to_nobody_and_the_one_before_signs_again(
    storage: Storage, database: Postgres
) -> None:
    (old,) = await ensure(storage, "ES256")
    (new,) = await rotate(storage, NOW + DAY)
    now = NOW + DAY + LEAD + 1
    assert (await revoke(storage, new, now)).kid == new
    found = await ring(storage, now)
    assert found.signer("ES256").kid == old
    assert found.verifier(new) is None
    assert (await states(storage, now))[new] == "revoked"
    erased = await database.fetch(
        "SELECT private_key FROM signing_keys WHERE kid = %(kid)s", {"kid": new}
    )
    assert [tuple(row) for row in erased] == [("",)]
    rows = await database.fetch(
        "SELECT metadata->>'kid' FROM audit_log WHERE event_type = 'key.revoked'"
    )
    assert [tuple(row) for row in rows] == [(new,)]


async def test_the_last_key_that_can_sign_is_revoked_by_force_alone(storage: Storage) -> None:
    (kid, _) = await ensure(storage)
    before = await storage.signing_keys.list()
    with pytest.raises(Conflict, match="no other ES256 key"):
        await revoke(storage, kid)
    assert before == await storage.signing_keys.list()
    await revoke(storage, kid, force=True)
    assert (await states(storage, NOW))[kid] == "revoked"


async def test_security_7_the_published_key_takes_over_from_a_revoked_one(storage: Storage) -> None:
    (old,) = await ensure(storage, "ES256")
    (new,) = await rotate(storage)
    assert (await ring(storage, NOW)).signer("ES256").kid == old
    await revoke(storage, old)
    found = await ring(storage, NOW)
    assert found.signer("ES256").kid == new
    assert found.has_revoked(old)
    assert not found.has_revoked(new)
    listed = {key.kid: key for key in await key_listing.listing(storage, (KEY,), now=NOW)}
    assert (listed[new].state, listed[new].signs_from) == (State.ACTIVE, NOW)
    assert len(await rotate(storage, NOW + 1)) == 1, "it does not wait for its time any more"


async def test_a_key_of_another_encryption_key_does_not_count_as_one_that_signs(
    storage: Storage,
) -> None:
    (kid,) = await ensure(storage, "ES256")
    foreign = stored("ES256", key=WRONG, activated_at=NOW - 5)
    await storage.signing_keys.insert(foreign)
    with pytest.raises(Conflict):
        await revoke(storage, kid)
    await revoke(storage, foreign.kid)
    assert (await ring(storage, NOW)).signer("ES256").kid == kid


async def test_what_was_encrypted_under_a_lost_key_can_be_given_up(storage: Storage) -> None:
    lost = stored("ES256", key=WRONG)
    await storage.signing_keys.insert(lost)
    with pytest.raises(Conflict):
        await ensure(storage)
    with pytest.raises(Conflict):
        await revoke(storage, lost.kid)
    await revoke(storage, lost.kid, force=True)
    assert len(await ensure(storage)) == len(FAST)


async def test_an_organizations_last_own_key_gives_way_to_the_global_ring(
    storage: Storage,
) -> None:
    (shared,) = await ensure(storage, "ES256")
    (own,) = await ensure(storage, "ES256", organization_id=ACME)
    await revoke(storage, own, NOW + DAY)
    assert (await ring(storage, NOW + DAY)).signer("ES256").kid == shared


async def test_what_is_unknown_or_revoked_cannot_be_revoked(storage: Storage) -> None:
    (kid,) = await ensure(storage, "ES256")
    with pytest.raises(NotFound, match="0123456789abcdef"):
        await revoke(storage, "0123456789abcdef")
    await revoke(storage, kid, force=True)
    with pytest.raises(Conflict, match="revoked already"):
        await revoke(storage, kid, force=True)


async def test_the_listing_tells_states_and_dates(storage: Storage) -> None:
    (old,) = await ensure(storage, "ES256")
    (own,) = await ensure(storage, "ES256", organization_id=ACME)
    (new,) = await rotate(storage, NOW + DAY)
    await storage.signing_keys.set_status(own, "revoked")
    listed = await key_listing.listing(storage, (KEY,), now=NOW + DAY)
    assert [key.kid for key in listed] == [new, old, own]
    assert [key.organization_id for key in listed] == [None, None, ACME]
    assert [str(key.state) for key in listed] == ["published", "active", "revoked"]
    signs_from = NOW + DAY + LEAD
    assert listed[0].signs_from == pytest.approx(signs_from, abs=1e-3)
    assert [key.leaves for key in listed] == [
        None,
        pytest.approx(signs_from + TTL + MARGIN, abs=1e-3),
        None,
    ]


async def test_the_longest_token_life_of_the_configuration_counts(storage: Storage) -> None:
    (old,) = await ensure(storage, "ES256")
    await rotate(storage, NOW + DAY)
    await storage.system_config.put("id_token_ttl", "7200", "duration")
    listed = {key.kid: key for key in await key_listing.listing(storage, (KEY,), now=NOW + DAY)}
    assert listed[old].leaves == pytest.approx(NOW + DAY + LEAD + 7200 + MARGIN, abs=1e-3)
