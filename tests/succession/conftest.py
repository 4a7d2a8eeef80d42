"""A database of Porta 1.6.1, taken over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from porta.security.encryption import encrypt
from storage.postgres import migrate
from storage.postgres.driver import Postgres
from tests.succession import porta_1x
from tests.succession.sign_in import serving
from tests.world.databases import run_apart


@pytest.fixture(scope="session")
def template_adopted(create_database: Callable[..., str]) -> str:
    """The name of a database of 1.6.1 that was migrated, to be copied."""
    url = porta_1x.build(create_database)
    take_over(url)
    return porta_1x.name_of(url)


@pytest.fixture
def of_1x(request: pytest.FixtureRequest, create_database: Callable[..., str]) -> str:
    """The URL of a database as 1.6.1 left it, or where `adopted` is asked for, of that one."""
    if "adopted" in request.fixturenames:
        return create_database(request.getfixturevalue("template_adopted"))
    return porta_1x.build(create_database)


@pytest.fixture
def adopted(of_1x: str) -> str:
    """The URL of a database of 1.6.1 that was migrated."""
    return of_1x


@pytest_asyncio.fixture(loop_scope="session")
async def database(of_1x: str) -> AsyncIterator[Postgres]:
    """A pool at this test's database."""
    pg = await Postgres.open(of_1x, 4)
    yield pg
    await pg.close()


def take_over(url: str) -> list[str]:
    """Migrate as `porta migrate up` does."""
    return run_apart(migrate.up(url, seal=_seal))


def _seal(kid: str, private_key: str) -> Any:
    return encrypt(private_key, bytes.fromhex(porta_1x.KEY))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served_on(create_database: Callable[..., str]) -> AsyncIterator[Postgres]:
    """A database of 1.6.1 that was migrated, and that a server of ours has started on."""
    url = porta_1x.build(create_database)
    take_over(url)
    async with serving(url):
        pass
    pg = await Postgres.open(url, 2)
    yield pg
    await pg.close()
