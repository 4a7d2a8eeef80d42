"""The refresh token grant (RFC 6749 §6), with rotation in families (RFC 9700 §4.14)."""

from __future__ import annotations

from porta import events
from porta.protocol import scopes
from porta.protocol.claims_request import ClaimsRequest
from porta.protocol.errors import InvalidGrant
from porta.provider.grants import remaining
from porta.provider.grants.call import (
    Authorization,
    GrantType,
    Issued,
    RefreshPlan,
    TokenCall,
)
from porta.security import opaque
from storage.models.artifacts import RefreshToken
from storage.models.tokens import Rotation, TokenWithAccount

_REFUSAL = "refresh token is invalid, expired or revoked"


async def redeem(call: TokenCall) -> Authorization:
    """Rotate the token: the same one gives the same successor within the grace, then never."""
    value = call.required("refresh_token")
    found = await _find(call, value)
    token = found.token
    assert isinstance(token, RefreshToken)
    if token.client_id != call.client.client_id or token.era != call.era:
        raise InvalidGrant(_REFUSAL)
    if not found.account.user.stands:
        raise InvalidGrant("the account is not active")
    granted = _granted_scope(call, token)
    expires_at = min(call.now + call.tenant.config.refresh_token_ttl, found.family_expires_at)
    return Authorization(
        facts=found.account,
        family_id=token.family_id,
        family_expires_at=found.family_expires_at,
        session_uid=found.session_uid,
        scope=scopes.narrow_scope(granted, call.form.get("scope"), call.client),
        granted_scope=granted,
        authenticated_at=token.authenticated_at,
        save=lambda issued: _save(call, token, issued),
        refresh=RefreshPlan(
            opaque.successor(value, call.runtime.settings.cookie_keys),
            token.generation + 1,
            expires_at,
        ),
        nonce=token.nonce,
        claims=ClaimsRequest.from_dict(token.claims),
        consented_claims=token.consented_claims,
        resource=await remaining.resource(call, token.resource, granted),
        granted_resource=token.resource,
        amr=token.amr,
        acr=token.acr,
    )


async def _find(call: TokenCall, value: str) -> TokenWithAccount:
    if not opaque.well_formed(value):
        raise InvalidGrant(_REFUSAL)
    found = await call.runtime.storage.tokens.find_refresh(value, call.tenant.id)
    if found is None:
        raise InvalidGrant(_REFUSAL)
    return found


def _granted_scope(call: TokenCall, token: RefreshToken) -> tuple[str, ...]:
    granted = remaining.scope(call, token.scope)
    before = scopes.parse_scope(token.scope)
    if scopes.is_bound_to_session(granted) and not scopes.is_bound_to_session(before):
        # Core §11: what outlives the session does so by offline_access alone.
        raise InvalidGrant("the client may not be offline any more")
    return granted


async def _save(call: TokenCall, token: RefreshToken, issued: Issued) -> None:
    assert issued.refresh is not None
    rotation = await call.runtime.storage.tokens.rotate(
        token,
        issued.refresh,
        issued.refresh.expires_at - call.now,
        issued.access,
        issued.access_ttl,
        call.tenant.config.refresh_grace,
    )
    if rotation is Rotation.ROTATED:
        return
    if rotation is Rotation.REUSED:
        # RFC 9700 §4.14.2: a copy is about. The same statement has revoked the family.
        await _record_reuse(call, token, issued.refresh)
    raise InvalidGrant(_REFUSAL)


async def _record_reuse(call: TokenCall, token: RefreshToken, successor: RefreshToken) -> None:
    """Tell where both uses came from: the second is this call, the first made the successor."""
    first = await call.runtime.storage.tokens.find_address(successor.id, call.tenant.id)
    await events.record(
        call.runtime.storage,
        "token.refresh_reused",
        organization_id=call.tenant.id,
        user_id=token.account_id,
        metadata={
            "client_id": token.client_id,
            "generation": token.generation,
            "first_used_from": first,
        },
        origin=call.request.origin,
    )


GRANT = GrantType("refresh_token", redeem)
