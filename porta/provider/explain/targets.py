"""Targets of an explanation: ID token, access token and userinfo, built as they are issued."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from porta.protocol.features import resource_indicators as indicators
from porta.protocol.features.resource_indicators import Addressed
from porta.protocol.requests.claims_request import ClaimsRequest
from porta.protocol.requests.scopes import OPENID, join_scope
from porta.protocol.tokens.access_token import build_access_token
from porta.protocol.tokens.claim_size import Built
from porta.protocol.tokens.claim_sources import Release
from porta.protocol.tokens.claim_trace import Claim, Target, Trace
from porta.protocol.tokens.claims import build_claims
from porta.protocol.tokens.id_token import build_id_token
from porta.protocol.tokens.introspection import build_introspection
from porta.provider.explain.question import Explained
from porta.provider.explain.supposed import Supposed
from storage.models.artifacts import AccessToken

_KNOWN = frozenset({"iss", "aud", "client_id", "scope", "active", "token_type"})
"""Of the claims of the protocol, those that are the same whenever it is issued."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What an authorization comes down to."""

    about: Supposed
    addressed: Addressed
    claims: ClaimsRequest
    release: Release


def explain(granted: Granted) -> tuple[Explained, ...]:
    """Return what each target holds, and what it does not."""
    return _id_token(granted), _access_token(granted), _userinfo(granted)


def _id_token(granted: Granted) -> Explained:
    if OPENID not in granted.release.scope:
        return Explained(target="id_token", form="none", reason="it comes with the scope openid")
    built, trace = _build(granted, "id_token")
    about = granted.about
    payload = build_id_token(
        issuer=about.tenant.issuer,
        subject=about.facts.user.id,
        client_id=about.client.client_id,
        now=0,
        ttl=0,
        claims=built.document,
        auth_time=0,
        acr="",
        amr=("",),
        sid="",
        at_hash="",
    )
    return _explained("id_token", "jwt", built, trace, payload, "OpenID Connect Core §2")


def _access_token(granted: Granted) -> Explained:
    about, addressed = granted.about, granted.addressed
    form = indicators.access_token_format(about.client, addressed.targets)
    built, trace = _build(granted, "access_token", whole=form == "opaque")
    if form == "opaque":
        payload = build_introspection(_artifact(granted), about.tenant.issuer, 0, built.document)
        return _explained("access_token", form, built, trace, payload, "RFC 7662 §2.2")
    payload = build_access_token(
        issuer=about.tenant.issuer,
        subject=about.facts.user.id,
        client_id=about.client.client_id,
        audience=addressed.audience,
        scope=addressed.scope,
        issued_at=0,
        expires_at=0,
        jti="",
        auth_time=0,
        acr="",
        amr=("",),
        claims=built.document,
    )
    return _explained("access_token", form, built, trace, payload, "RFC 9068 §2.2")


def _userinfo(granted: Granted) -> Explained:
    if OPENID not in granted.release.scope:
        return Explained(target="userinfo", form="none", reason="it takes the scope openid")
    if granted.about.tenant.issuer not in granted.addressed.audience:
        reason = "the access token is for another resource than the issuer"
        return Explained(target="userinfo", form="none", reason=reason)
    built, trace = _build(granted, "userinfo")
    return _explained("userinfo", "json", built, trace, {}, "")


def _build(granted: Granted, target: Target, *, whole: bool = False) -> tuple[Built, Trace]:
    trace = Trace()
    built = build_claims(granted.release, granted.claims, target, whole=whole, trace=trace)
    return built, trace


def _explained(
    target: Target,
    form: str,
    built: Built,
    trace: Trace,
    payload: Mapping[str, Any],
    source: str,
) -> Explained:
    protocol = (
        Claim(name, value if name in _KNOWN else None, "protocol", source)
        for name, value in payload.items()
        if name not in built.document
    )
    return Explained(
        target=target,
        form=form,
        claims=(*built.claims, *protocol),
        absent=tuple(trace.absent.values()),
        size=built.size,
        is_large=built.is_large,
        referenced=built.referenced,
    )


def _artifact(granted: Granted) -> AccessToken:
    about = granted.about
    return AccessToken(
        id="",
        organization_id=about.tenant.id,
        client_id=about.client.client_id,
        account_id=about.facts.user.id,
        family_id="",
        scope=join_scope(granted.addressed.scope),
        audience=granted.addressed.audience,
        issued_at=0,
        expires_at=1,
    )
