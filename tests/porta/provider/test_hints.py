"""What an id_token_hint says, and which tokens are none."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from porta.protocol.errors import InvalidRequest
from porta.provider import hints
from porta.runtime import Runtime
from porta.security import jwt
from porta.security.keyring import KeyRings
from porta.services import signing_keys
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from storage.postgres.driver import Postgres
from tests.world.runtime import opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtime(database_url: str) -> AsyncIterator[Runtime]:
    async with opened(database_url, None) as made:
        yield made


@pytest_asyncio.fixture
async def tenant(runtime: Runtime) -> Tenant:
    return await resolve.resolve(runtime, "acme")


def _token(
    runtime: Runtime,
    tenant: Tenant,
    typ: str = "JWT",
    algorithm: str = "ES256",
    **changes: Any,
) -> str:
    now = int(runtime.clock())
    claims = {"iss": tenant.issuer, "sub": "somebody", "aud": "web", "iat": now, "exp": now + 60}
    return jwt.sign(tenant.keys.signer(algorithm), claims | changes, typ)


async def test_an_id_token_of_this_issuer_names_its_subject(
    runtime: Runtime, tenant: Tenant
) -> None:
    assert await hints.subject(runtime, tenant, _token(runtime, tenant)) == "somebody"
    assert await hints.subject(runtime, tenant, None) is None


async def test_an_expired_one_is_a_hint_as_well(runtime: Runtime, tenant: Tenant) -> None:
    """Core §3.1.2.1: an ID token whose time is up may still say who it was."""
    assert await hints.subject(runtime, tenant, _token(runtime, tenant, exp=1)) == "somebody"


async def test_one_whose_key_has_left_the_jwks_is_a_hint_until_it_is_revoked(
    runtime: Runtime, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RP-Initiated Logout §2: sessions outlive the keys that signed their ID tokens."""
    token, now = _token(runtime, tenant), runtime.clock()
    kid = tenant.keys.signer("ES256").kid
    secret = runtime.settings.signing_key_encryption_keys
    await signing_keys.rotate(
        runtime.storage.everywhere, secret, now=now, lead=0, algorithm="ES256"
    )
    monkeypatch.setattr(runtime, "clock", lambda: now + 86_400)

    async def later() -> Tenant:
        runtime._snapshots.clear()
        return await resolve.resolve(runtime, "acme")

    assert kid not in {jwk["kid"] for jwk in (await later()).keys.jwks["keys"]}
    assert await hints.subject(runtime, await later(), token) == "somebody"
    await runtime.storage.everywhere.signing_keys.set_status(kid, "revoked")
    with pytest.raises(InvalidRequest):
        await hints.subject(runtime, await later(), token)


async def test_what_is_none_is_refused(runtime: Runtime, tenant: Tenant) -> None:
    neighbour = await resolve.resolve(runtime, "globex")
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
            await hints.subject(runtime, tenant, value)


async def test_reading_alone_refuses_nothing(runtime: Runtime, tenant: Tenant) -> None:
    """At a logout a bad hint is no hint: the person is asked."""
    assert await hints.read(runtime, tenant, "x") is None
    assert await hints.read(runtime, tenant, None) is None
    found = await hints.read(runtime, tenant, _token(runtime, tenant))
    assert found is not None
    assert found["sub"] == "somebody"


async def test_a_key_not_yet_heard_of_is_looked_up(
    runtime: Runtime, tenant: Tenant, unheard: None
) -> None:
    """An instance that missed a rotation still knows what its neighbours signed."""
    token = await _signed_by_a_neighbour(runtime, tenant, "PS256")
    assert await hints.subject(runtime, tenant, token) == "somebody"


async def test_whoever_invents_a_kid_makes_us_read_once_in_a_while(
    runtime: Runtime, tenant: Tenant, unheard: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await hints.read(runtime, tenant, _with_kid("invented")) is None
    token = await _signed_by_a_neighbour(runtime, tenant, "EdDSA")
    before = runtime.storage.round_trips.postgres
    for number in range(50):
        assert await hints.read(runtime, tenant, _with_kid(f"invented-{number}")) is None
    assert await hints.read(runtime, tenant, token) is None
    # The listener's own heartbeat may fall between.
    assert runtime.storage.round_trips.postgres - before <= 1
    monkeypatch.setattr(runtime, "_refresh_keys_from", 0.0)
    assert await hints.subject(runtime, tenant, token) == "somebody"


@pytest_asyncio.fixture
async def unheard(
    runtime: Runtime, pg: Postgres, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """No instance is told of new signing keys, and ours has not looked for any lately."""
    monkeypatch.setattr(runtime, "_refresh_keys_from", 0.0)
    tables = ("signing_keys", "ring_keys")
    for table in tables:
        await pg.execute(f"ALTER TABLE {table} DISABLE TRIGGER notify_changed")
    yield
    for table in tables:
        await pg.execute(f"ALTER TABLE {table} ENABLE TRIGGER notify_changed")


async def _signed_by_a_neighbour(runtime: Runtime, tenant: Tenant, algorithm: str) -> str:
    """Return an ID token of a key that another instance made just now."""
    secret = runtime.settings.signing_key_encryption_keys
    now = runtime.clock()
    await signing_keys.ensure(runtime.storage.everywhere, secret, (algorithm,), now=now, lead=0)
    _, rows = await runtime.storage.everywhere.system_config.with_signing_keys()
    rings = KeyRings.build(rows, secret, longest_token_ttl=60)
    return _token(runtime, replace(tenant, keys=rings.of(tenant.id, now)), algorithm=algorithm)


def _with_kid(kid: str) -> str:
    header = json.dumps({"alg": "ES256", "typ": "JWT", "kid": kid}).encode()
    return f"{urlsafe_b64encode(header).rstrip(b'=').decode()}.e30.c2ln"
