"""The discovery document says what this organization offers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest_asyncio

from porta.provider import discovery
from porta.runtime import Runtime
from porta.tenants import resolve
from tests import factories
from tests.world.runtime import opened
from tests.world.waiting import eventually

STANDARD = ["openid", "profile", "email", "address", "phone", "offline_access"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtime(database_url: str) -> AsyncIterator[Runtime]:
    async with opened(database_url, None) as made:
        yield made


async def _scopes(runtime: Runtime, slug: str) -> list[str]:
    document = await discovery.document(runtime, await resolve.resolve(runtime, slug))
    scopes: list[str] = document["scopes_supported"]
    return scopes


async def test_the_scopes_of_api_resources_are_told(runtime: Runtime) -> None:
    assert await _scopes(runtime, "acme") == STANDARD
    acme = await resolve.resolve(runtime, "acme")
    for identifier, scopes in (("urn:a", ("b:read", "a:read")), ("urn:b", ("a:read", "email"))):
        api = factories.api(
            id=str(uuid4()), organization_id=acme.id, identifier=identifier, name="x", scopes=scopes
        )
        await runtime.storage.everywhere.api_resources.insert(api)

    async def told() -> bool:
        return await _scopes(runtime, "acme") == [*STANDARD, "b:read", "a:read"]

    await eventually(told)
    assert await _scopes(runtime, "globex") == STANDARD, "another organization's are its own"
