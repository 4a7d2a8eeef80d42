"""Refresh tokens of Porta 1.x: taken over at their first use, revoked like ours."""

from __future__ import annotations

import math

import msgspec

from porta.audit import events
from porta.limits.origin import Origin
from porta.protocol.requests import scopes
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenants.tenant import Tenant
from storage.models.artifact import artifact_id
from storage.models.artifacts import RefreshToken
from storage.models.clients import Client
from storage.models.legacy_tokens import LegacyRefreshToken
from storage.models.tokens import TokenFamily
from storage.router import Storage

_ERA = 0
"""What 1.x issued belongs to the era before any change of status that we know of."""


async def take_over(
    runtime: Runtime, tenant: Tenant, client: Client, value: str, origin: Origin
) -> bool:
    """Make a refresh token of 1.x one of ours, with all that holds for those; tell whether it was
    one of this client that can live on.

    One that 1.x had rotated ends its grant, as there (RFC 9700 §4.14.2).
    """
    found = await _find(runtime.storage, client, value)
    if found is None:
        return False
    if found.is_consumed:
        if await _revoke(runtime, tenant, found, "refresh_token_reused"):
            await _record_reuse(runtime, tenant, found, origin)
        return False
    if found.payload.expires_with_session or scopes.is_bound_to_session(_scope(found)):
        return False  # Its session is one of 1.x, and over.
    if found.payload.is_bound:
        return False  # Ours are bound to nothing: whoever had copied it could use it.
    async with runtime.storage.transaction() as tx:
        await tx.legacy_tokens.lock_account(str(found.payload.account_id), tenant.id)
        if await _find(tx, client, value) != found:
            return False
        family = _family(runtime, tenant, found)
        token = _token(tenant, found, family, value)
        await tx.legacy_tokens.take_over(token, family, found.expires_at)
    return True


async def revoke(runtime: Runtime, tenant: Tenant, client: Client, value: str) -> None:
    """Revoke a refresh token of 1.x that was not presented yet, with its grant (RFC 7009 §2.1)."""
    found = await _find(runtime.storage, client, value)
    if found is not None:
        await _revoke(runtime, tenant, found, "revoked_by_client")


async def _find(storage: Storage, client: Client, value: str) -> LegacyRefreshToken | None:
    """Return the token, if it is this client's and neither its grant nor its person has ended."""
    found = await storage.legacy_tokens.find(value) if opaque.well_formed(value) else None
    if found is None or found.payload.client_id != client.client_id:
        return None
    ended = found.ended_at is not None and found.payload.iat <= found.ended_at
    return None if ended or found.granted_scope is None else found


async def _revoke(runtime: Runtime, tenant: Tenant, found: LegacyRefreshToken, reason: str) -> bool:
    """Whether the family is founded already or not: a later token of the grant is born dead.

    What is not founded is remembered for as long as the token lives. Tells whether it was not
    revoked before.
    """
    family = _family(runtime, tenant, found)
    last = max(family.expires_at, math.ceil(found.expires_at))
    dead = msgspec.structs.replace(family, expires_at=last)
    return await runtime.storage.tokens.revoke_code(dead, reason)


async def _record_reuse(
    runtime: Runtime, tenant: Tenant, found: LegacyRefreshToken, origin: Origin
) -> None:
    await events.record(
        runtime.storage,
        "token.refresh_reused",
        organization_id=tenant.id,
        user_id=str(found.payload.account_id),
        metadata={"client_id": found.payload.client_id, "generation": found.payload.rotations},
        origin=origin,
    )


def _scope(found: LegacyRefreshToken) -> tuple[str, ...]:
    """Return what of its scope the grant still holds."""
    granted = scopes.parse_scope(found.granted_scope or "")
    return tuple(each for each in scopes.parse_scope(found.payload.scope) if each in granted)


def _family(runtime: Runtime, tenant: Tenant, found: LegacyRefreshToken) -> TokenFamily:
    payload, config = found.payload, tenant.config
    longest = max(config.refresh_token_absolute_ttl, config.refresh_token_ttl)
    return TokenFamily(
        id=artifact_id(f"grant of Porta 1.x: {payload.grant_id}"),
        organization_id=tenant.id,
        client_id=payload.client_id,
        account_id=str(payload.account_id),
        grant_id=payload.grant_id,
        session_uid=payload.session_uid,
        expires_at=int(runtime.clock()) + longest,
    )


def _token(
    tenant: Tenant, found: LegacyRefreshToken, family: TokenFamily, value: str
) -> RefreshToken:
    payload = found.payload
    named = payload.resource
    return RefreshToken(
        id=artifact_id(value),
        organization_id=tenant.id,
        era=_ERA,
        client_id=payload.client_id,
        account_id=str(payload.account_id),
        family_id=family.id,
        generation=payload.rotations,
        scope=scopes.join_scope(_scope(found)),
        issued_at=payload.iat,
        expires_at=int(found.expires_at),
        authenticated_at=payload.auth_time or payload.iiat or payload.iat,
        nonce=payload.nonce,
        resource=(named,) if isinstance(named, str) else named,
    )
