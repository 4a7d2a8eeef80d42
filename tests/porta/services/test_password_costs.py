"""What the stored hashes cost: known from the start, so that no failure tells them apart."""

from __future__ import annotations

from uuid import uuid4

import pytest
from argon2 import PasswordHasher

from porta.jobs import TICKERS, expect_costs
from porta.limits.fair_queue import Asker
from porta.runtime import Runtime
from porta.services import startup
from storage.postgres.driver import Postgres
from tests import factories
from tests.world.administered import make_organization
from tests.world.served import settings_for


async def test_what_the_stored_hashes_cost_is_known_from_the_start(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requirement F.4: the first failure at an unknown address costs what it costs at another."""
    runtime = await Runtime.open(settings_for(fresh_database_url, None))
    home = await make_organization(runtime.storage.everywhere, "acme")
    old = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4).hash("of old")
    for number, stored in enumerate((old, await runtime.passwords.hash("of today"), None)):
        email = f"{number}@acme.test"
        await runtime.storage.everywhere.users.insert(
            factories.user(
                id=str(uuid4()), organization_id=home.id, email=email, password_hash=stored
            )
        )
    await startup.prepare(runtime)
    costs: list[int] = []
    hash = PasswordHasher.hash

    def hashed(self: PasswordHasher, text: bytes) -> str:
        costs.append(self.memory_cost)
        return hash(self, text)

    monkeypatch.setattr(PasswordHasher, "hash", hashed)
    for organization, expected in ((home.id, [8192, 65_536]), ("another", [8192])):
        costs.clear()
        await runtime.passwords.verify(None, "anything", Asker(organization))
        assert sorted(costs) == expected
    await runtime.close()


async def test_security_8_what_is_gone_is_paid_for_no_more_and_what_is_too_dear_is_told(
    fresh_database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = await Runtime.open(settings_for(fresh_database_url, None))
    home = await make_organization(runtime.storage.everywhere, "acme")
    for number, cost in enumerate(("m=65536,t=3,p=4", "m=262144,t=4,p=1", "m=1048576,t=16,p=1")):
        stored = f"$argon2id$v=19${cost}$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"
        email = f"{number}@acme.test"
        await runtime.storage.everywhere.users.insert(
            factories.user(
                id=str(uuid4()), organization_id=home.id, email=email, password_hash=stored
            )
        )
    await expect_costs.refresh(runtime)
    (told,) = [each for each in caplog.records if each.message == "passwords.need_reset"]
    assert vars(told)["people"] == 2
    assert runtime.passwords._others == {home.id: ((65_536, 3, 4),)}
    pg = await Postgres.open(fresh_database_url, 1)
    await pg.execute("DELETE FROM users")
    await pg.close()
    await expect_costs.TICKER.run(runtime)
    assert runtime.passwords._others == {}
    assert expect_costs.TICKER in TICKERS
    await runtime.close()


async def test_a_server_starts_also_when_it_cannot_learn_the_costs(
    fresh_database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = await Runtime.open(settings_for(fresh_database_url, None))
    pg = await Postgres.open(fresh_database_url, 1)
    await pg.execute("ALTER TABLE users RENAME COLUMN password_hash TO elsewhere")
    await pg.close()
    await startup.prepare(runtime)
    assert "passwords.costs_unknown" in caplog.messages
    await runtime.close()
