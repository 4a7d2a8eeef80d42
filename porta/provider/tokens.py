"""Token issuance: access, refresh and ID tokens built, signed, saved, answered (RFC 6749 §5.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from porta.observability.log import request_log
from porta.protocol.features import resource_indicators as indicators
from porta.protocol.requests.scopes import join_scope
from porta.protocol.tokens.access_token import build_access_token, build_token_response
from porta.protocol.tokens.claim_size import Built
from porta.protocol.tokens.claim_sources import Release
from porta.protocol.tokens.claim_trace import Target
from porta.protocol.tokens.claims import build_claims
from porta.protocol.tokens.id_token import build_at_hash, build_id_token
from porta.provider.grants.base import Authorization, ClientAuthorization, Issued, TokenRequest
from porta.security import jwt, opaque
from storage.models.artifact import artifact_id
from storage.models.artifacts import AccessToken, ClientCredentials, RefreshToken
from storage.models.clients import ApiResource


async def issue(
    call: TokenRequest, authorization: Authorization | ClientAuthorization
) -> dict[str, Any]:
    """Return the token response for what a grant redeemed; what it holds is durable by then."""
    registered = await call.runtime.api_resources(call.tenant.id)
    addressed = indicators.address(
        authorization.resource, authorization.scope, registered, call.tenant.issuer
    )
    if addressed.scope != authorization.scope:
        authorization = replace(authorization, scope=addressed.scope)
    if isinstance(authorization, ClientAuthorization):
        return await _issue_to_client(call, authorization, addressed.targets, addressed.audience)
    return await _issue_for_account(call, authorization, addressed.targets, addressed.audience)


async def _issue_to_client(
    call: TokenRequest,
    authorization: ClientAuthorization,
    targets: tuple[ApiResource, ...],
    audience: tuple[str, ...],
) -> dict[str, Any]:
    ttl = indicators.access_token_ttl(call.tenant.config.client_credentials_ttl, targets)
    client_id = call.client.client_id
    payload = build_access_token(
        issuer=call.tenant.issuer,
        subject=client_id,
        client_id=client_id,
        audience=audience,
        scope=authorization.scope,
        issued_at=call.now,
        expires_at=call.now + ttl,
        jti=opaque.new_value(),
    )
    value = _access_value(call, targets, payload)
    token = ClientCredentials(
        id=artifact_id(value),
        organization_id=call.tenant.id,
        era=call.era,
        client_id=client_id,
        scope=join_scope(authorization.scope),
        audience=audience,
        issued_at=call.now,
        expires_at=call.now + ttl,
    )
    await call.runtime.storage.tokens.issue(token, ttl)
    return build_token_response(
        access_token=value,
        expires_in=ttl,
        scope=authorization.scope,
        asked_scope=authorization.asked_scope,
    )


async def _issue_for_account(
    call: TokenRequest,
    authorization: Authorization,
    targets: tuple[ApiResource, ...],
    audience: tuple[str, ...],
) -> dict[str, Any]:
    default = call.tenant.config.access_token_ttl
    left = authorization.family_expires_at - call.now
    ttl = max(min(indicators.access_token_ttl(default, targets), left), 1)
    payload = build_access_token(
        issuer=call.tenant.issuer,
        subject=authorization.facts.user.id,
        client_id=call.client.client_id,
        audience=audience,
        scope=authorization.scope,
        issued_at=call.now,
        expires_at=call.now + ttl,
        jti=opaque.new_value(),
        auth_time=authorization.authenticated_at,
        acr=authorization.acr,
        amr=authorization.amr,
        claims=_claims(call, authorization, "access_token", whole=_is_opaque(call, targets)),
    )
    value = _access_value(call, targets, payload)
    access = _access_token(call, authorization, audience, value, ttl)
    refresh = _refresh_token(call, authorization)
    # Signed before anything is saved: what cannot be signed must use nothing up.
    id_token = _id_token(call, authorization, value)
    refresh_token = await authorization.save(Issued(access, ttl, refresh))
    return build_token_response(
        access_token=value,
        expires_in=ttl,
        scope=authorization.scope,
        id_token=id_token,
        refresh_token=refresh_token,
    )


def _access_token(
    call: TokenRequest,
    authorization: Authorization,
    audience: tuple[str, ...],
    value: str,
    ttl: int,
) -> AccessToken:
    userinfo = authorization.claims.to_dict().get("userinfo")
    return AccessToken(
        id=artifact_id(value),
        organization_id=call.tenant.id,
        era=call.era,
        client_id=call.client.client_id,
        account_id=authorization.facts.user.id,
        family_id=authorization.family_id,
        scope=join_scope(authorization.scope),
        audience=audience,
        issued_at=call.now,
        expires_at=call.now + ttl,
        claims={"userinfo": userinfo} if userinfo else {},
        consented_claims=authorization.consented_claims,
    )


def _refresh_token(call: TokenRequest, authorization: Authorization) -> RefreshToken | None:
    plan = authorization.refresh
    if plan is None:
        return None
    return RefreshToken(
        id=artifact_id(plan.value),
        organization_id=call.tenant.id,
        era=call.era,
        client_id=call.client.client_id,
        account_id=authorization.facts.user.id,
        family_id=authorization.family_id,
        generation=plan.generation,
        scope=join_scope(authorization.granted_scope),
        issued_at=call.now,
        expires_at=plan.expires_at,
        authenticated_at=authorization.authenticated_at,
        nonce=authorization.nonce,
        claims=authorization.claims.to_dict(),
        consented_claims=authorization.consented_claims,
        resource=authorization.granted_resource,
        amr=authorization.amr,
        acr=authorization.acr,
        address=call.request.origin.address,
    )


def _id_token(call: TokenRequest, authorization: Authorization, access_value: str) -> str | None:
    if "openid" not in authorization.scope:
        return None
    algorithm = call.client.id_token_signed_response_alg
    payload = build_id_token(
        issuer=call.tenant.issuer,
        subject=authorization.facts.user.id,
        client_id=call.client.client_id,
        now=call.now,
        ttl=call.tenant.config.id_token_ttl,
        claims=_claims(call, authorization, "id_token"),
        nonce=authorization.nonce,
        auth_time=authorization.authenticated_at,
        amr=authorization.amr,
        acr=authorization.acr,
        sid=authorization.session_uid,
        at_hash=build_at_hash(access_value, algorithm),
    )
    return jwt.sign(call.tenant.keys.signer(algorithm), payload, "JWT")


def _claims(
    call: TokenRequest, authorization: Authorization, target: Target, *, whole: bool = False
) -> dict[str, Any]:
    release = Release(
        authorization.facts,
        call.client,
        call.tenant.organization,
        call.tenant.issuer,
        authorization.scope,
        authorization.consented_claims,
    )
    built = build_claims(release, authorization.claims, target, whole=whole)
    if built.is_large:
        _warn(call, target, built)
    return built.document


def _warn(call: TokenRequest, target: Target, built: Built) -> None:
    request_log().warning(
        "claims.large",
        client_id=call.client.client_id,
        target=target,
        bytes=built.size,
        by_reference=list(built.referenced),
    )


def _is_opaque(call: TokenRequest, targets: tuple[ApiResource, ...]) -> bool:
    return indicators.access_token_format(call.client, targets) == "opaque"


def _access_value(
    call: TokenRequest, targets: tuple[ApiResource, ...], payload: dict[str, Any]
) -> str:
    if _is_opaque(call, targets):
        return opaque.new_value()
    typ, algorithm = indicators.access_token_header(call.client, targets)
    return jwt.sign(call.tenant.keys.signer(algorithm), payload, typ)
