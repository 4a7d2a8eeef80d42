"""Exchange: a code for what a provider says of a person (Core §3.1.3, RFC 6749 §4.1.3)."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

import msgspec

from porta.errors import Invalid
from porta.outbound.documents import decode
from porta.outbound.http import Answer, NotSent, Request
from porta.protocol.federation.profile import (
    Profile,
    TokenRefused,
    check_id_token,
    merged,
    subject_of,
)
from porta.protocol.federation.provider import Claims, Metadata, Provider
from porta.protocol.federation.request import find_endpoint_problem
from porta.runtime import Runtime
from porta.security import jwt
from porta.security.apple_secret import make_secret
from porta.security.connection_secrets import open_secret
from porta.security.jwt import UnknownKey
from porta.security.upstream_keys import parse_upstream
from porta.text.email_addresses import canonical_email
from storage.models.connections import Connection
from storage.models.interactions import UpstreamRequest

_WELL_KNOWN = "/.well-known/openid-configuration"
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Upstream:
    """A connection, with all it takes to speak to its provider."""

    runtime: Runtime
    provider: Provider
    connection: Connection
    metadata: Metadata
    redirect_uri: str


async def describe(runtime: Runtime, provider: Provider, connection: Connection) -> Metadata:
    """Return what the provider says of itself, kept for a while (Discovery §4.3), or what is known
    of it.

    Raises NotSent, also for a document of another issuer.
    """
    if provider.described is not None:
        metadata = provider.described(connection)
    else:
        metadata = await _discover(runtime, provider, connection)
    plain = runtime.settings.outbound_private_addresses
    problem = find_endpoint_problem(metadata.authorization_endpoint, plain=plain)
    if problem is not None:
        raise NotSent(problem)
    return metadata


async def _discover(runtime: Runtime, provider: Provider, connection: Connection) -> Metadata:
    url = connection.issuer.rstrip("/") + _WELL_KNOWN
    metadata = await runtime.documents.get(url, _read_metadata, *_asker_of(connection))
    stands_for_many = provider.template is not None and provider.template in metadata.issuer
    if metadata.issuer != connection.issuer and not stands_for_many:
        raise NotSent("its discovery document is of another issuer")
    return metadata


def _read_metadata(document: Any) -> Metadata:
    try:
        return msgspec.convert(document, Metadata)
    except msgspec.ValidationError as error:
        raise NotSent(f"its discovery document is none: {error}") from None


async def redeem(
    upstream: Upstream, request: UpstreamRequest, code: str, posted: str | None
) -> Profile:
    """Return who the provider says it is. `posted` is what came with the code, signed by nobody.

    Nothing that it gave is kept. Raises NotSent, TokenRefused, InvalidJWT, NotLetIn.
    """
    tokens = await _ask_for_tokens(upstream, request, code)
    provider, access_token = upstream.provider, tokens.get("access_token")
    bearer = access_token if isinstance(access_token, str) else None
    claims: Claims = {}
    if provider.is_openid:
        claims = await _read_id_token(upstream, tokens.get("id_token"), request.nonce, bearer)
    issuer = claims.get("iss", upstream.connection.issuer)
    if not provider.is_openid or "email" not in claims:
        claims = merged(claims, await _read_userinfo(upstream, claims, bearer))
    asked = provider.further(upstream.connection, upstream.metadata, claims)
    answers = [await _get(upstream, url, bearer) for url in asked]
    if posted is not None and provider.reads_posted:
        answers.append(_parse(posted))
    claims = provider.to_claims(upstream.connection, claims, answers)
    provider.check(upstream.connection, claims)
    return _profile(str(issuer), claims)


async def _ask_for_tokens(
    upstream: Upstream, request: UpstreamRequest, code: str
) -> Mapping[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": upstream.redirect_uri,
    }
    if upstream.provider.pkce:
        form["code_verifier"] = request.code_verifier
    headers = {"Content-Type": _FORM, "Accept": "application/json"}
    _authenticate(upstream, form, headers)
    answer = await _call(upstream, upstream.metadata.token_endpoint, headers, urlencode(form))
    if answer.status != 200:
        raise TokenRefused(f"the token endpoint answered with {answer.status}")
    tokens = decode(answer)
    if not isinstance(tokens, dict) or "error" in tokens:
        raise TokenRefused("the token endpoint gave no tokens")
    return tokens


def _authenticate(upstream: Upstream, form: dict[str, str], headers: dict[str, str]) -> None:
    """Say who we are, in the way that the provider takes (RFC 6749 §2.3.1)."""
    connection, runtime = upstream.connection, upstream.runtime
    form["client_id"] = connection.client_id
    if connection.client_secret is None:
        return
    keys = runtime.settings.signing_key_encryption_keys
    secret = open_secret(connection.client_secret, connection.id, keys)
    if secret is None:
        raise NotSent("its client secret is encrypted under another key")
    if upstream.provider.makes_secret:
        form["client_secret"] = make_secret(
            secret,
            team_id=connection.options["team_id"],
            key_id=connection.options["key_id"],
            client_id=connection.client_id,
            audience=connection.issuer,
            now=runtime.clock(),
        )
    elif "client_secret_basic" in upstream.metadata.token_endpoint_auth_methods_supported:
        pair = f"{quote_plus(connection.client_id)}:{quote_plus(secret)}"
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        del form["client_id"]
    else:
        form["client_secret"] = secret


async def _read_id_token(
    upstream: Upstream, token: object, nonce: str, access_token: str | None
) -> Claims:
    """Return the claims of an ID token that is for us and for this request (Core §3.1.3.7)."""
    connection, documents = upstream.connection, upstream.runtime.documents
    jwks_uri = upstream.metadata.jwks_uri
    if not isinstance(token, str) or jwks_uri is None:
        raise TokenRefused("there is no ID token, or no key for it")
    header, unproven = jwt.read_unverified(token)
    issuer = upstream.provider.issuer_of(connection, upstream.metadata, unproven)
    claims: Claims = {}
    for read in (documents.get, documents.renew):
        try:
            claims = jwt.verify(
                token,
                await read(jwks_uri, parse_upstream, *_asker_of(connection)),
                typ="JWT",
                issuer=issuer,
                audience=connection.client_id,
                now=upstream.runtime.clock(),
            )
            break
        except UnknownKey:
            if read == documents.renew:
                raise
    check_id_token(
        claims,
        client_id=connection.client_id,
        nonce=nonce,
        access_token=access_token,
        algorithm=str(header.get("alg")),
    )
    return claims


async def _read_userinfo(upstream: Upstream, claims: Claims, bearer: str | None) -> Claims:
    """Return what the provider tells whoever holds the access token (Core §5.3)."""
    url = upstream.metadata.userinfo_endpoint
    if url is None:
        return {}
    told = await _get(upstream, url, bearer)
    if not isinstance(told, dict):
        raise TokenRefused("userinfo is no object")
    # Core §5.3.2: it has to be of the same person.
    if upstream.provider.is_openid and told.get("sub") != claims.get("sub"):
        raise TokenRefused("userinfo is of somebody else")
    return told


async def _get(upstream: Upstream, url: str, bearer: str | None) -> Any:
    if bearer is None or not bearer.isascii() or not bearer.isprintable():
        raise TokenRefused("there is no access token")
    headers = {"Authorization": f"Bearer {bearer}", "Accept": "application/json"}
    return decode(await _call(upstream, url, headers))


async def _call(
    upstream: Upstream, url: str, headers: Mapping[str, str], form: str | None = None
) -> Answer:
    body, (of, by) = form.encode() if form else None, _asker_of(upstream.connection)
    return await upstream.runtime.outbound.fetch(Request(url, body, headers, of=of, by=by))


def _asker_of(connection: Connection) -> tuple[str, str]:
    """Return whose wish a request is: what a draft, or another connection, gets there counts for
    none but itself.
    """
    return connection.organization_id, connection.id


def _parse(posted: str) -> Any:
    try:
        return json.loads(posted)
    except (ValueError, RecursionError):
        return None


def _profile(issuer: str, claims: Claims) -> Profile:
    email, methods = claims.get("email"), claims.get("amr")
    try:
        canonical = canonical_email(email) if isinstance(email, str) else None
    except Invalid:
        canonical = None
    return Profile(
        issuer=issuer,
        subject=subject_of(claims),
        claims=claims,
        email=canonical if canonical is not None and len(canonical) <= 255 else None,
        email_verified=canonical is not None and claims.get("email_verified") is True,
        used_several_factors=isinstance(methods, list) and "mfa" in methods,
    )
