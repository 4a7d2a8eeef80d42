"""What a server refuses to serve with."""

from __future__ import annotations

from collections.abc import Callable

import click
import pytest

from porta.cli.opened import faults_told
from porta.runtime import Runtime
from porta.security.keys import ALGORITHMS, KeyUnusable
from porta.services import startup
from porta.services.startup import SchemaOutdated
from tests.served import settings_for


async def test_a_database_without_our_schema(create_database: Callable[..., str]) -> None:
    runtime = await Runtime.open(settings_for(create_database(), None))
    with pytest.raises(SchemaOutdated, match="from 0001_extensions on"):
        await startup.prepare(runtime)
    await runtime.close()


async def test_every_algorithm_has_a_key_and_twice_is_once(fresh_database_url: str) -> None:
    runtime = await Runtime.open(settings_for(fresh_database_url, None))
    await startup.prepare(runtime)
    made = await runtime.storage.signing_keys.list()
    await startup.prepare(runtime)
    assert sorted(key.algorithm for key in made) == sorted(ALGORITHMS)
    assert await runtime.storage.signing_keys.list() == made
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
    assert len(await second.storage.signing_keys.list()) == len(ALGORITHMS)
    await second.close()
    with pytest.raises(click.ClickException, match="SIGNING_KEY_ENCRYPTION_KEY"), faults_told():
        raise caught.value
