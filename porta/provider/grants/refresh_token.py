"""The refresh token grant (RFC 6749 §6), with rotation in families (RFC 9700 §4.14)."""

from __future__ import annotations

from collections.abc import Iterator

from porta.audit import events
from porta.errors import Unavailable
from porta.protocol.errors import InvalidGrant
from porta.protocol.requests import scopes
from porta.protocol.requests.claims_request import ClaimsRequest
from porta.provider import legacy_tokens
from porta.provider.grants import narrowing
from porta.provider.grants.base import Authorization, GrantType, Issued, RefreshPlan, TokenRequest
from porta.security import opaque
from storage.models.artifact import artifact_id
from storage.models.artifacts import RefreshToken
from storage.models.tokens import Rotation, TokenWithAccount

_RETRY = 1  # seconds
_REFUSAL = "refresh token is invalid, expired or revoked"


async def redeem(call: TokenRequest) -> Authorization:
    """Rotate the token: the same one gives the same successor within the grace, then never."""
    value = call.required("refresh_token")
    found = await _find(call, value)
    token = found.token
    assert isinstance(token, RefreshToken)
    if token.client_id != call.client.client_id or token.era != call.era:
        raise InvalidGrant(_REFUSAL)
    if not found.account.user.is_usable:
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
        save=lambda issued: _save(call, token, value, issued),
        refresh=RefreshPlan(next(_successors(call, value)), token.generation + 1, expires_at),
        nonce=token.nonce,
        claims=ClaimsRequest.from_dict(token.claims),
        consented_claims=token.consented_claims,
        resource=await narrowing.resource(call, token.resource, granted),
        granted_resource=token.resource,
        amr=token.amr,
        acr=token.acr,
    )


async def _find(call: TokenRequest, value: str) -> TokenWithAccount:
    if not opaque.well_formed(value):
        raise InvalidGrant(_REFUSAL)
    tokens = call.runtime.storage.tokens
    found = await tokens.find_refresh(value, call.tenant.id)
    if found is None and await legacy_tokens.take_over(
        call.runtime, call.tenant, call.client, value, call.request.origin
    ):
        found = await tokens.find_refresh(value, call.tenant.id)
    if found is None:
        raise InvalidGrant(_REFUSAL)
    return found


def _granted_scope(call: TokenRequest, token: RefreshToken) -> tuple[str, ...]:
    granted = narrowing.scope(call, token.scope)
    if scopes.is_bound_to_session(granted):
        before = scopes.parse_scope(token.scope)
        if not scopes.is_bound_to_session(before):
            # Core §11: what outlives the session does so by offline_access alone.
            raise InvalidGrant("the client may not be offline any more")
    return granted


def _successors(call: TokenRequest, value: str) -> Iterator[str]:
    """What follows `value` under each cookie key; what is new follows under the first."""
    return (opaque.successor(value, key) for key in call.runtime.settings.cookie_keys)


async def _save(call: TokenRequest, token: RefreshToken, value: str, issued: Issued) -> str:
    assert issued.refresh is not None
    rotated = await call.runtime.storage.tokens.rotate(
        token,
        issued.refresh,
        issued.refresh.expires_at - call.now,
        issued.access,
        issued.access_ttl,
        call.tenant.config.refresh_grace,
    )
    if rotated.rotation is Rotation.ROTATED:
        return _standing(call, value, rotated.successor_id)
    if rotated.rotation is Rotation.REUSED:
        # RFC 9700 §4.14.2: a copy is about. The same statement has revoked the family.
        await _record_reuse(call, token, rotated.successor_id)
    raise InvalidGrant(_REFUSAL)


def _standing(call: TokenRequest, value: str, successor_id: str) -> str:
    """Return the successor that stands: an instance with other cookie keys may have made it.

    Raises Unavailable where only that one's key could tell it. A second successor would fork the
    family: it would be noticed as reuse, or worse, it would not.
    """
    for successor in _successors(call, value):
        if artifact_id(successor) == successor_id:
            return successor
    raise Unavailable(
        "another instance has the answer, please try again",
        retry_after=_RETRY,
        reason="unknown_cookie_key",
    )


async def _record_reuse(call: TokenRequest, token: RefreshToken, successor_id: str) -> None:
    """Tell where both uses came from: the second is this call, the first made the successor."""
    first = await call.runtime.storage.tokens.find_address(successor_id, call.tenant.id)
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
