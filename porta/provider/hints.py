"""ID token hint: whom the client believes to be signed in (Core §3.1.2.1)."""

from __future__ import annotations

from typing import Any

from porta.protocol.errors import InvalidRequest
from porta.protocol.tokens.id_token import is_id_token
from porta.runtime import Runtime
from porta.security import jwt
from porta.security.keyring import KeyRing
from porta.tenants.tenant import Tenant


async def read(runtime: Runtime, tenant: Tenant, token: str | None) -> dict[str, Any] | None:
    """Return the claims of an ID token of this issuer, even an expired one; None for any other."""
    if token is None:
        return None
    try:
        try:
            return _verify(runtime, tenant, tenant.keys, token)
        except jwt.UnknownKey:
            keys = await runtime.refresh_keys()
            return _verify(runtime, tenant, keys.of(tenant.id, runtime.clock()), token)
    except jwt.InvalidJWT:
        return None


async def subject(runtime: Runtime, tenant: Tenant, token: str | None) -> str | None:
    """Return the subject that an `id_token_hint` names; raises InvalidRequest for a bad one."""
    if token is None:
        return None
    claims = await read(runtime, tenant, token)
    if claims is None or not isinstance(claims.get("sub"), str):
        raise InvalidRequest("id_token_hint is not an ID token of this issuer")
    return str(claims["sub"])


def _verify(runtime: Runtime, tenant: Tenant, ring: KeyRing, token: str) -> dict[str, Any]:
    claims = jwt.verify(
        token, ring, typ="JWT", issuer=tenant.issuer, now=runtime.clock(), allow_expired=True
    )
    if not is_id_token(claims):
        raise jwt.InvalidJWT("token of another kind")
    return claims
