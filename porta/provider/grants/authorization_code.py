"""The authorization code grant (RFC 6749 §4.1.3, PKCE of RFC 7636 §4.6)."""

from __future__ import annotations

from porta.audit import events
from porta.protocol.errors import InvalidGrant
from porta.protocol.features import pkce
from porta.protocol.requests import scopes
from porta.protocol.requests.claims_request import ClaimsRequest
from porta.provider import accounts
from porta.provider.grants import narrowing, signers
from porta.provider.grants.base import Authorization, GrantType, Issued, RefreshPlan, TokenRequest
from porta.security import opaque
from storage.errors import AlreadyConsumed
from storage.models.artifact import artifact_id
from storage.models.artifacts import AuthorizationCode
from storage.models.tokens import TokenFamily

_REPLAYED = "code_replayed"


async def redeem(call: TokenRequest) -> Authorization:
    """Take the code, once, for its client, its redirect URI and its verifier."""
    await signers.check(call)
    code = await _consume(call)
    if code is None or code.era != call.era:
        raise InvalidGrant("authorization code is invalid, expired or used")
    _check_redirect_uri(call, code)
    pkce.check_verifier(code.code_challenge, call.form.get("code_verifier"))
    scope = narrowing.scope(call, code.scope)
    resource = await narrowing.resource(call, code.resource, scope)
    facts = await accounts.find_facts(call.runtime, call.tenant, code.account_id, call.client)
    if facts is None:
        raise InvalidGrant("the account is not active")
    family = _family(call, code, scope)
    plan = _refresh_plan(call, scope, family)
    return Authorization(
        facts=facts,
        family_id=family.id,
        family_expires_at=family.expires_at,
        session_uid=code.session_uid,
        scope=scope,
        granted_scope=scope,
        authenticated_at=code.authenticated_at,
        save=lambda issued: _save(call, family, plan, issued),
        refresh=plan,
        nonce=code.nonce,
        claims=ClaimsRequest.from_dict(code.claims),
        consented_claims=code.consented_claims,
        resource=resource,
        granted_resource=code.resource,
        amr=code.amr,
        acr=code.acr,
    )


def _check_redirect_uri(call: TokenRequest, code: AuthorizationCode) -> None:
    """Required, and the same, where the authorization request had it (RFC 6749 §4.1.3)."""
    name = "redirect_uri"
    sent = call.form.get(name) if code.omits_redirect_uri else call.required(name)
    if sent not in (None, code.redirect_uri):
        raise InvalidGrant("redirect_uri differs from the authorization request")


async def _consume(call: TokenRequest) -> AuthorizationCode | None:
    """Another client's code is none, and stays good for its owner: any public client of the
    organization could be named to end tokens by a code that a log remembers.
    """
    value = call.required("code")
    if not opaque.well_formed(value):
        return None
    try:
        code = await call.runtime.storage.artifacts.consume(
            AuthorizationCode, value, call.tenant.id, client_id=call.client.client_id
        )
    except AlreadyConsumed as replay:
        await _revoke_replayed(call, replay.artifact)
        return None
    if code is None:
        # It may have been used, and be forgotten by now: what it founded bears its digest.
        await call.runtime.storage.tokens.revoke_family(
            artifact_id(value), call.tenant.id, call.client.client_id, _REPLAYED
        )
    return code


async def _revoke_replayed(call: TokenRequest, code: object) -> None:
    """RFC 6749 §4.1.2: a code used twice takes everything issued from it along."""
    assert isinstance(code, AuthorizationCode)
    family = _family(call, code, scopes.parse_scope(code.scope))
    await call.runtime.storage.tokens.revoke_code(family, _REPLAYED)
    await events.record(
        call.runtime.storage,
        "token.code_replayed",
        organization_id=call.tenant.id,
        user_id=code.account_id,
        metadata={"client_id": code.client_id},
        origin=call.request.origin,
    )


def _family(call: TokenRequest, code: AuthorizationCode, scope: tuple[str, ...]) -> TokenFamily:
    absolute = call.now + call.tenant.config.refresh_token_absolute_ttl
    bound = scopes.is_bound_to_session(scope)
    return TokenFamily(
        id=code.id,
        organization_id=code.organization_id,
        client_id=code.client_id,
        account_id=code.account_id,
        grant_id=code.grant_id,
        session_uid=code.session_uid,
        # Without offline_access (Core §11) nothing outlives the person's session.
        expires_at=min(absolute, code.session_expires_at) if bound else absolute,
        withdrawals=code.withdrawals,
    )


def _refresh_plan(
    call: TokenRequest, scope: tuple[str, ...], family: TokenFamily
) -> RefreshPlan | None:
    if not scopes.issues_refresh_token(call.client, scope):
        return None
    expires_at = min(call.now + call.tenant.config.refresh_token_ttl, family.expires_at)
    return RefreshPlan(opaque.new_value(), 0, expires_at)


async def _save(
    call: TokenRequest, family: TokenFamily, plan: RefreshPlan | None, issued: Issued
) -> str | None:
    redeemed = await call.runtime.storage.tokens.redeem(
        family,
        family.expires_at - call.now,
        issued.access,
        issued.access_ttl,
        issued.refresh,
        issued.refresh.expires_at - call.now if issued.refresh else 0,
    )
    if not redeemed:  # what it stood on ended, or a Redis that lost its memory gave it back
        await call.runtime.storage.tokens.revoke_code(family, _REPLAYED)
        raise InvalidGrant("authorization code is invalid, expired or used")
    return plan.value if plan else None


GRANT = GrantType("authorization_code", redeem)
