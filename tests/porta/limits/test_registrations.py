"""Limits of registrations: a flood at some organizations closes no other one."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from porta.limits import mailed_links
from porta.limits.origin import Origin
from porta.limits.rate_limits import Throttled
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from tests import factories
from tests.world.runtime import opened

MOST = 40


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtime(database_url: str) -> AsyncIterator[Runtime]:
    async with opened(database_url, None) as made:
        yield made


async def _tenant(runtime: Runtime) -> Tenant:
    """Return an organization of its own, where everybody together registers so often."""
    real = await resolve.resolve(runtime, "acme")
    config = msgspec.structs.replace(
        real.config,
        rate_limit_registration_installation_max=MOST,
        rate_limit_registration_window=3600,
    )
    organization = msgspec.structs.replace(real.organization, id=factories.new_id())
    return Tenant(organization, real.issuer, config, real.keys)


async def _ask(runtime: Runtime, tenant: Tenant, *, proven: bool) -> bool:
    """Ask from anywhere, for an address of nobody's."""
    origin = Origin(".".join(["10", *(str(secrets.randbelow(256)) for _ in range(3))]))
    proof = opaque.new_value() if proven else None
    email = f"{opaque.new_value()}@x.test".lower()
    try:
        await mailed_links.count_registration(runtime, tenant, email, origin, proof)
    except Throttled:
        return False
    return True


@pytest.mark.parametrize("proven", [True, False], ids=["proven", "unproven"])
async def test_floods_at_some_organizations_close_no_other_one(
    runtime: Runtime, proven: bool
) -> None:
    everybody = MOST if proven else MOST // 5
    own = max(1, everybody // 20)
    flooded = [await _tenant(runtime) for _ in range(3)]
    got = []
    for each in flooded:
        asked = [await _ask(runtime, each, proven=proven) for _ in range(everybody)]
        got.append(asked.count(True))
    half = everybody // 2
    assert got == [own + half, own + half, own], "half of what all have, and what is its own"
    quiet = await _tenant(runtime)
    asked = [await _ask(runtime, quiet, proven=proven) for _ in range(own + 1)]
    assert asked == [True] * own + [False]
