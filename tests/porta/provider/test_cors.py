"""Which origins may read: those a client registered, and where its web redirect URIs are."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from porta.provider import cors
from porta.runtime import Runtime
from porta.tenants import resolve
from storage.postgres.driver import Postgres
from tests.world.house import SPA_ORIGIN
from tests.world.runtime import opened
from tests.world.waiting import eventually


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtime(database_url: str) -> AsyncIterator[Runtime]:
    async with opened(database_url, None) as made:
        yield made


async def test_an_origin_of_the_organization(runtime: Runtime) -> None:
    acme = await resolve.resolve(runtime, "acme")
    globex = await resolve.resolve(runtime, "globex")
    assert await cors.origin_allowed(runtime, acme, SPA_ORIGIN)
    assert await cors.origin_allowed(runtime, acme, "https://app.example")
    assert not await cors.origin_allowed(runtime, globex, SPA_ORIGIN)


async def test_a_named_client_is_judged_by_its_own(runtime: Runtime) -> None:
    acme = await resolve.resolve(runtime, "acme")
    judged = {
        client_id: await cors.origin_allowed(runtime, acme, SPA_ORIGIN, client_id)
        for client_id in ("spa", "web", "unheard-of")
    }
    assert judged == {"spa": True, "web": False, "unheard-of": False}


async def test_an_origin_is_spelled_as_browsers_do(runtime: Runtime, pg: Postgres) -> None:
    """Rows that a stricter registration would refuse now are no hindrance to the others."""
    acme = await resolve.resolve(runtime, "acme")
    await pg.execute(
        "UPDATE clients SET redirect_uris = redirect_uris || ARRAY['https://[:::]/cb',"
        " 'HTTPS://Desk.Example:443/cb'] WHERE client_id = 'desk'"
    )

    async def known() -> bool:
        return await cors.origin_allowed(runtime, acme, "https://desk.example")

    await eventually(known)
    assert await cors.origin_allowed(runtime, acme, "https://desk.example", "desk")
    assert not await cors.origin_allowed(runtime, acme, "https://[:::]", "desk")


@pytest.mark.parametrize(
    "origin",
    ["", "null", "*", f"{SPA_ORIGIN}/", SPA_ORIGIN.upper(), f"{SPA_ORIGIN}:443",
     "http://spa.example", "https://spa.example.evil.test", "https://evil.test", "spa.example"],
)  # fmt: skip
async def test_any_other_origin(runtime: Runtime, origin: str) -> None:
    acme = await resolve.resolve(runtime, "acme")
    assert not await cors.origin_allowed(runtime, acme, origin)
