"""What an id_token_hint says, and which tokens are none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from porta import tenancy
from porta.protocol.errors import InvalidRequest
from porta.provider import hints
from porta.runtime import Runtime
from porta.security import jwt
from porta.tenant import Tenant
from tests.porta.opened import opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtime(database_url: str) -> AsyncIterator[Runtime]:
    async with opened(database_url, None) as made:
        yield made


@pytest_asyncio.fixture
async def tenant(runtime: Runtime) -> Tenant:
    return await tenancy.resolve(runtime, "acme")


def _token(runtime: Runtime, tenant: Tenant, typ: str = "JWT", **changes: Any) -> str:
    now = int(runtime.clock())
    claims = {"iss": tenant.issuer, "sub": "somebody", "aud": "web", "iat": now, "exp": now + 60}
    return jwt.sign(tenant.keys.signer("ES256"), claims | changes, typ)


async def test_an_id_token_of_this_issuer_names_its_subject(
    runtime: Runtime, tenant: Tenant
) -> None:
    assert hints.subject(runtime, tenant, _token(runtime, tenant)) == "somebody"
    assert hints.subject(runtime, tenant, None) is None


async def test_an_expired_one_is_a_hint_as_well(runtime: Runtime, tenant: Tenant) -> None:
    """Core §3.1.2.1: an ID token whose time is up may still say who it was."""
    assert hints.subject(runtime, tenant, _token(runtime, tenant, exp=1)) == "somebody"


async def test_what_is_none_is_refused(runtime: Runtime, tenant: Tenant) -> None:
    neighbour = await tenancy.resolve(runtime, "globex")
    good = _token(runtime, tenant)
    head, payload, signature = good.split(".")
    for value in (
        _token(runtime, neighbour),
        _token(runtime, tenant, typ="at+jwt"),
        _token(runtime, tenant, iss=tenant.issuer + "/"),
        _token(runtime, tenant, sub=5),
        _token(runtime, tenant, sub=None),
        f"{head}.{payload}.{signature[::-1]}",
        f"{head}.{payload}.",
        f"{head}.{payload}",
        "x",
        "",
        "é.é.é",
        good * 40,
    ):
        with pytest.raises(InvalidRequest):
            hints.subject(runtime, tenant, value)


async def test_reading_alone_refuses_nothing(runtime: Runtime, tenant: Tenant) -> None:
    """At a logout a bad hint is no hint: the person is asked."""
    assert hints.read(runtime, tenant, "x") is None
    assert hints.read(runtime, tenant, None) is None
    found = hints.read(runtime, tenant, _token(runtime, tenant))
    assert found is not None
    assert found["sub"] == "somebody"
