"""From a slug to a tenant: one spelling, and no tenant that is not in order."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from porta.errors import Forbidden, NotFound
from porta.runtime import Runtime
from porta.tenants import resolve
from storage.postgres.driver import Postgres
from tests.world.runtime import opened
from tests.world.waiting import eventually


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtime(database_url: str) -> AsyncIterator[Runtime]:
    async with opened(database_url, None, issuer_base_url="https://id.example.test/base") as made:
        yield made


async def test_a_tenant_is_of_one_moment(runtime: Runtime) -> None:
    tenant = await resolve.resolve(runtime, "acme")
    snapshot = await runtime.snapshot()
    assert (tenant.slug, tenant.id) == ("acme", tenant.organization.id)
    assert tenant.issuer == "https://id.example.test/base/acme"
    assert tenant.config is snapshot.config
    assert tenant.keys is snapshot.keys.of(tenant.id, runtime.clock())


@pytest.mark.parametrize(
    "slug",
    ["", "ac", "ACME", "Acme", " acme", "acme ", "acme\n", "acme/", "acme\x00", "acme;", "..",
     "-acme", "acme-", "a" * 101, "ａcme", "acmé", "%61cme", "nobody", "archived"],
)  # fmt: skip
async def test_everything_else_is_the_same_nothing(runtime: Runtime, slug: str) -> None:
    with pytest.raises(NotFound) as caught:
        await resolve.resolve(runtime, slug)
    assert caught.value.message == "Organization not found"


@pytest.mark.parametrize("slug", ["ACME", "x" * 200, "acme\x00", "%61cme"])
async def test_what_cannot_be_a_slug_reaches_no_store(runtime: Runtime, slug: str) -> None:
    await resolve.resolve(runtime, "acme")
    before = runtime.storage.round_trips
    with pytest.raises(NotFound):
        await resolve.resolve(runtime, slug)
    assert runtime.storage.round_trips == before


async def test_a_suspended_organization_says_so(runtime: Runtime) -> None:
    with pytest.raises(Forbidden):
        await resolve.resolve(runtime, "suspended")


async def test_a_client_is_found_at_its_organization_only(runtime: Runtime) -> None:
    acme = await resolve.resolve(runtime, "acme")
    globex = await resolve.resolve(runtime, "globex")
    found = await resolve.find_client(runtime, acme, "web")
    assert found is not None
    assert found.client_id == "web"
    for tenant, name in ((globex, "web"), (acme, "WEB"), (acme, "nobody"), (acme, "web ")):
        assert await resolve.find_client(runtime, tenant, name) is None


@pytest.mark.parametrize("status", ["inactive", "revoked"])
async def test_a_client_that_is_not_active_is_unknown(
    runtime: Runtime, pg: Postgres, status: str
) -> None:
    """Whoever authenticates a client relies on it: security requirement D.2."""
    await _unknown_while(runtime, pg, f"UPDATE clients SET status = '{status}'")


async def test_a_client_of_an_application_that_is_not_active_is_unknown(
    runtime: Runtime, pg: Postgres
) -> None:
    await _unknown_while(runtime, pg, "UPDATE applications SET status = 'inactive'")


async def _unknown_while(runtime: Runtime, pg: Postgres, change: str) -> None:
    """Expect `acme` to know its clients, but not between `change` and its undoing."""
    acme = await resolve.resolve(runtime, "acme")

    async def known() -> bool:
        return await resolve.find_client(runtime, acme, "web") is not None

    async def unknown() -> bool:
        return not await known()

    assert await known()
    await pg.execute(change)
    await eventually(unknown)
    await pg.execute(change.partition("=")[0] + "= 'active'")
    await eventually(known)
