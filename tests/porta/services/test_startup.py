"""What a server refuses to serve with."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import click
import pytest

from porta.cli.commands import report_errors
from porta.errors import Conflict
from porta.runtime import Runtime
from porta.security.keys import ALGORITHMS, KeyUnusable
from porta.services import signing_keys, startup
from porta.services.startup import NotIsolated, SchemaOutdated
from storage.postgres.driver import Postgres
from tests.porta.security.rows import row
from tests.world.log import logged
from tests.world.served import settings_for


async def test_a_database_without_our_schema(create_database: Callable[..., str]) -> None:
    runtime = await Runtime.open(settings_for(create_database(), None))
    with pytest.raises(SchemaOutdated, match="from 0001_extensions on"):
        await startup.prepare(runtime)
    await runtime.close()


async def test_production_is_not_served_where_organizations_see_each_other(
    fresh_database_url: str,
) -> None:
    """One table without row-level security is enough; and whoever allows it is warned."""

    async def prepared(**more: Any) -> None:
        runtime = await Runtime.open(settings_for(fresh_database_url, None, **more))
        try:
            await startup.prepare(runtime)
        finally:
            await runtime.close()

    postgres = await Postgres.open(fresh_database_url, 1)
    try:
        await prepared(environment="production")
        await postgres.execute("ALTER TABLE users DISABLE ROW LEVEL SECURITY")
        with pytest.raises(NotIsolated, match="porta migrate up") as refused:
            await prepared(environment="production")
        assert "DATABASE_WITHOUT_ISOLATION=true" in str(refused.value)
        with pytest.raises(click.ClickException, match="hides no organization"), report_errors():
            raise refused.value
        with logged() as log:
            await prepared(environment="production", database_without_isolation=True)
            await prepared()
        assert log.text().count("postgres.not_isolated") == 2
        await postgres.execute("ALTER TABLE users ENABLE ROW LEVEL SECURITY")
        await prepared(environment="production")
    finally:
        await postgres.close()


async def test_every_algorithm_has_a_key_and_twice_is_once(fresh_database_url: str) -> None:
    runtime = await Runtime.open(settings_for(fresh_database_url, None))
    await startup.prepare(runtime)
    made = await runtime.storage.everywhere.signing_keys.list()
    await startup.prepare(runtime)
    assert sorted(key.algorithm for key in made) == sorted(ALGORITHMS)
    assert await runtime.storage.everywhere.signing_keys.list() == made
    await runtime.close()


async def test_a_key_that_was_encrypted_otherwise(fresh_database_url: str) -> None:
    """An operator who set another SIGNING_KEY_ENCRYPTION_KEY is told so, and nothing is lost."""
    first = await Runtime.open(settings_for(fresh_database_url, None))
    await startup.prepare(first)
    await first.close()
    other = settings_for(fresh_database_url, None, signing_key_encryption_key="ef" * 32)
    second = await Runtime.open(other)
    with pytest.raises(KeyUnusable) as caught:
        await startup.prepare(second)
    stored = await second.storage.everywhere.signing_keys.list()
    assert len(stored) == len(ALGORITHMS)
    await second.close()
    with (
        pytest.raises(click.ClickException, match="SIGNING_KEY_ENCRYPTION_KEY") as told,
        report_errors(),
    ):
        raise caught.value
    assert all(key.kid in told.value.message for key in stored)


async def test_another_encryption_key_adds_no_key_that_is_missing(fresh_database_url: str) -> None:
    first = await Runtime.open(settings_for(fresh_database_url, None))
    key = first.settings.signing_key_encryption_keys
    await signing_keys.ensure(first.storage.everywhere, key, ("EdDSA",), now=first.clock(), lead=0)
    await first.close()
    other = settings_for(fresh_database_url, None, signing_key_encryption_key="ef" * 32)
    second = await Runtime.open(other)
    with pytest.raises(Conflict, match="SIGNING_KEY_ENCRYPTION_KEY"):
        await startup.prepare(second)
    assert len(await second.storage.everywhere.signing_keys.list()) == 1
    await second.close()


async def test_one_key_of_another_encryption_key_stops_no_start(fresh_database_url: str) -> None:
    """A rotation with a wrong key, as earlier versions let it happen."""
    first = await Runtime.open(settings_for(fresh_database_url, None))
    await startup.prepare(first)
    good = (await first.snapshot()).keys.of("", first.clock()).signer("EdDSA")
    foreign = row("EdDSA", key=bytes(32), id=str(uuid.uuid4()), activated_at=first.clock() - 1)
    await first.storage.everywhere.signing_keys.insert(foreign)
    await first.close()
    second = await Runtime.open(first.settings)
    await startup.prepare(second)
    ring = (await second.snapshot()).keys.of("", second.clock())
    assert ring.signer("EdDSA").kid == good.kid
    assert ring.verifier(foreign.kid) is None
    await second.close()
