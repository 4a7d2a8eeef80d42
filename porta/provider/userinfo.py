"""The userinfo endpoint (OpenID Connect Core §5.3)."""

from __future__ import annotations

from typing import Any

from porta.protocol.errors import InsufficientScope, InvalidToken
from porta.protocol.requests.claims_request import ClaimsRequest
from porta.protocol.requests.scopes import parse_scope
from porta.protocol.tokens.bearer import is_askable
from porta.protocol.tokens.claim_sources import Release
from porta.protocol.tokens.claims import build_claims
from porta.runtime import Runtime
from porta.security import jwt
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from storage.models.artifacts import AccessToken
from storage.models.clients import Client


async def answer(runtime: Runtime, tenant: Tenant, value: str) -> tuple[dict[str, Any], Client]:
    """Return the claims of the account that the access token `value` was issued for, and to whom.

    Raises InvalidToken for a token that is dead, of another kind or another organization's, or
    not meant for this issuer (RFC 9068 §4), and InsufficientScope for one without `openid`.
    """
    found = (
        await runtime.storage.tokens.find_access(value, tenant.id) if is_askable(value) else None
    )
    if found is None or not isinstance(found.token, AccessToken):
        raise InvalidToken("the access token is invalid, expired or revoked")
    if jwt.was_revoked(value, tenant.keys):
        raise InvalidToken("the key that signed the access token was revoked")
    client = await resolve.find_client(runtime, tenant, found.token.client_id)
    if client is None or found.token.era != resolve.era_of(tenant, client):
        raise InvalidToken("the access token is invalid, expired or revoked")
    if tenant.issuer not in found.token.audience:
        raise InvalidToken("the access token was issued for another resource")
    scope = parse_scope(found.token.scope)
    if "openid" not in scope:
        raise InsufficientScope("the access token was not issued for userinfo")
    requested = ClaimsRequest.from_dict(found.token.claims)
    release = Release(
        found.account,
        client,
        tenant.organization,
        tenant.issuer,
        scope,
        found.token.consented_claims,
    )
    return build_claims(release, requested, "userinfo").document, client
