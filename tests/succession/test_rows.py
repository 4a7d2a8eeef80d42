"""What our server must not do to the rows of 1.x by itself (succession A9, A18)."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from porta.jobs import purge_expired
from porta.services import audit_sealing
from storage.postgres.driver import Postgres
from tests.succession import porta_1x
from tests.succession.sign_in import serving, tokens
from tests.world.served import Served
from tests.world.waiting import eventually

_COUNT = "SELECT count(*) FROM audit_log WHERE created_at < now() - interval '90 days'"


async def _configured(served: Served, key: str, value: int) -> None:
    await served.runtime.storage.everywhere.system_config.put(key, value, "number")

    async def heard() -> bool:
        return getattr((await served.runtime.snapshot()).config, key, None) in (value, None)

    await eventually(heard)


async def test_succession_A9_no_entry_is_deleted_until_our_own_setting_says_so(
    adopted: str, database: Postgres
) -> None:
    old = (await database.fetch(_COUNT))[0][0]
    assert old > 300
    async with serving(adopted) as served:
        for days in (90, 1):
            await database.execute(
                f"UPDATE system_config SET value = '{days}' WHERE key = 'audit_retention_days'"
            )
            await purge_expired.purge(served.runtime)
        assert (await database.fetch(_COUNT))[0][0] == old
        await _configured(served, "audit_log_retention_days", 90)
        async with served.runtime.storage.everywhere.transaction() as tx:
            await audit_sealing.seal_all(tx, served.runtime.audit_keys, 100)
        await purge_expired.purge(served.runtime)
        assert (await database.fetch(_COUNT))[0][0] == 0, "when an operator has decided so"


@pytest.mark.parametrize("typed", [porta_1x.PASSWORD, "a sturdy bru\u0308cke over the river"])
async def test_succession_A18_a_hash_of_1x_stays_one_that_1x_verifies(
    adopted: str, database: Postgres, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    """The second was typed decomposed, and hashed so: 1.x knows no other spelling."""
    monkeypatch.setattr(porta_1x, "PASSWORD", typed)
    hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)
    await database.execute(
        "UPDATE users SET password_hash = %(hash)s WHERE id = %(id)s",
        {"hash": hasher.hash(typed), "id": porta_1x.CLEO},
    )
    sql = f"SELECT password_hash, updated_at FROM users WHERE id = '{porta_1x.CLEO}'"
    before = await database.fetch(sql)
    async with serving(adopted) as served:
        await tokens(served)
    after = await database.fetch(sql)
    assert after == before
    assert hasher.verify(after[0][0], typed)


async def test_succession_A18_a_weaker_hash_gets_stronger_and_dates_nothing(
    adopted: str, database: Postgres
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(porta_1x.PASSWORD)
    await database.execute(
        "UPDATE users SET password_hash = %(hash)s WHERE id = %(id)s",
        {"hash": weak, "id": porta_1x.CLEO},
    )
    sql = f"SELECT password_hash, updated_at FROM users WHERE id = '{porta_1x.CLEO}'"
    ((_, dated),) = await database.fetch(sql)
    async with serving(adopted) as served:
        await tokens(served)
    ((stored, still_dated),) = await database.fetch(sql)
    assert stored != weak
    assert PasswordHasher().verify(stored, porta_1x.PASSWORD), "any Argon2id reads it"
    assert still_dated == dated, "the claim updated_at tells of the person, not of a hash"


async def test_succession_A18_with_the_way_back_closed_the_normal_form_is_hashed(
    adopted: str, database: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = "a sturdy bru\u0308cke over the river"
    monkeypatch.setattr(porta_1x, "PASSWORD", typed)
    hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)
    await database.execute(
        "UPDATE users SET password_hash = %(hash)s WHERE id = %(id)s;"
        " UPDATE system_config SET value = 'false' WHERE key = 'way_back'",
        {"hash": hasher.hash(typed), "id": porta_1x.CLEO},
    )
    async with serving(adopted) as served:
        await tokens(served)
    ((stored,),) = await database.fetch(
        f"SELECT password_hash FROM users WHERE id = '{porta_1x.CLEO}'"
    )
    assert hasher.verify(stored, typed.replace("u\u0308", "\u00fc"))
