"""Resource indicators: whom an access token is for (RFC 8707, RFC 9068 §3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from porta.protocol.errors import InvalidScope, InvalidTarget
from porta.protocol.features.feature import AuthorizationPolicy, Feature
from porta.protocol.requests.authorization_request import AuthorizationRequest
from porta.protocol.requests.scopes import OPENID
from storage.models.clients import ApiResource, Client

MAX_RESOURCES = 10
MAX_LENGTH = 512
"""Characters of an identifier."""
_ABSOLUTE = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:[\x21\x24-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+"
)


def is_identifier(text: str) -> bool:
    """Whether it is an absolute URI without a fragment (RFC 8707 §2), no longer than MAX_LENGTH."""
    return len(text) <= MAX_LENGTH and _ABSOLUTE.fullmatch(text) is not None


def check_syntax(resource: tuple[str, ...]) -> None:
    """Check that each `is_identifier`. Raises InvalidTarget."""
    if len(resource) > MAX_RESOURCES:
        raise InvalidTarget("too many resource parameters")
    if not all(map(is_identifier, resource)):
        raise InvalidTarget("resource must be an absolute URI without a fragment")


def find_targets(
    resource: tuple[str, ...], api_resources: Iterable[ApiResource], issuer: str
) -> tuple[ApiResource, ...]:
    """Return the API resources that `resource` names; the issuer itself (userinfo) is always known.

    Raises InvalidTarget for what is malformed or unknown to the organization.
    """
    if not resource:
        return ()
    check_syntax(resource)
    known = {api.identifier: api for api in api_resources}
    unknown = [name for name in resource if name not in known and name != issuer]
    if unknown:
        raise InvalidTarget("resource is unknown")
    return tuple(known[name] for name in dict.fromkeys(resource) if name in known)


def narrow_resource(
    granted: tuple[str, ...], requested: tuple[str, ...], implied: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Return the resources a token request asks for: those of the grant when it names none.

    A grant that named no resource covers those `implied` by its scope; without any, it has no such
    bound (RFC 8707 §2.2). Raises InvalidTarget for a resource that the grant does not cover.
    """
    check_syntax(requested)
    covered = granted or implied
    if covered and not set(requested) <= set(covered):
        raise InvalidTarget("resource exceeds what was granted")
    return requested or granted


def build_audience(
    resource: tuple[str, ...],
    scope: tuple[str, ...],
    api_resources: Iterable[ApiResource],
    issuer: str,
) -> tuple[str, ...]:
    """Return the `aud` of an access token, never empty.

    Resources that were asked for are the audience, and nothing beside them: whoever restricts a
    token means it. Otherwise the scope tells (RFC 9068 §3): each API resource that owns a part of
    it, and the issuer (its userinfo endpoint) with `openid` or when there is nothing else.
    """
    if resource:
        return tuple(dict.fromkeys(resource))
    owners = tuple(api.identifier for api in api_resources if set(api.scopes) & set(scope))
    return owners if owners and OPENID not in scope else (*owners, issuer)


def scope_for_audience(
    scope: tuple[str, ...], audience: tuple[str, ...], api_resources: Iterable[ApiResource]
) -> tuple[str, ...]:
    """Return `scope` without what belongs only to API resources outside `audience`.

    Raises InvalidScope when nothing is left: an answer without `scope` would say that all of it was
    granted (RFC 6749 §5.1).
    """
    inside: set[str] = set()
    outside: set[str] = set()
    for api in api_resources:
        (inside if api.identifier in audience else outside).update(api.scopes)
    usable = tuple(value for value in scope if value in inside or value not in outside)
    if scope and not usable:
        raise InvalidScope("the scope is of no use at this resource")
    return usable


def check_correlation(
    scope: tuple[str, ...], audience: tuple[str, ...], api_resources: Iterable[ApiResource]
) -> None:
    """Raise InvalidScope for a value that two of the audience own: neither could tell whether it
    was meant (RFC 9068 §3, §5).
    """
    owned: set[str] = set()
    for api in api_resources:
        if api.identifier in audience:
            if owned.intersection(api.scopes).intersection(scope):
                raise InvalidScope("the scope belongs to several resources: ask for one of them")
            owned.update(api.scopes)


@dataclass(frozen=True, slots=True)
class Addressed:
    """Whom an access token is for, and what it may be used for there."""

    audience: tuple[str, ...]
    targets: tuple[ApiResource, ...]
    """The API resources of the audience."""
    scope: tuple[str, ...]


def address(
    resource: tuple[str, ...],
    scope: tuple[str, ...],
    api_resources: tuple[ApiResource, ...],
    issuer: str,
) -> Addressed:
    """Return whom an access token for `resource` is for. Raises InvalidTarget, InvalidScope."""
    find_targets(resource, api_resources, issuer)
    audience = build_audience(resource, scope, api_resources, issuer)
    targets = tuple(api for api in api_resources if api.identifier in audience)
    # RFC 8707 §2.2: what one resource may be told to do is none of another's business.
    usable = scope_for_audience(scope, audience, api_resources)
    check_correlation(usable, audience, targets)
    return Addressed(audience, targets, usable)


def access_token_format(client: Client, targets: tuple[ApiResource, ...]) -> str:
    """Return `jwt` or `opaque`: what the resources ask for, else what the client does.

    Resources that disagree get the opaque form, which tells nothing to whoever holds it.
    """
    wanted = {api.access_token_format for api in targets if api.access_token_format}
    if not wanted:
        return client.access_token_format
    return wanted.pop() if len(wanted) == 1 else "opaque"


def access_token_header(client: Client, targets: tuple[ApiResource, ...]) -> tuple[str, str]:
    """Return `typ` and algorithm of an access token that is a JWT: what the resources ask for, else
    what the client does. Raises InvalidTarget when they disagree: one could not read it.
    """
    types = {api.access_token_type for api in targets if api.access_token_type}
    algorithms = {api.access_token_signing_alg for api in targets if api.access_token_signing_alg}
    if len(types) > 1 or len(algorithms) > 1:
        raise InvalidTarget("the resources want different access tokens: ask for one of them")
    return (
        types.pop() if types else client.access_token_type,
        algorithms.pop() if algorithms else client.access_token_signing_alg,
    )


def access_token_ttl(default: int, targets: tuple[ApiResource, ...]) -> int:
    """Return the lifetime in seconds: `default`, or the shortest that a resource asks for.

    A resource may shorten it only: how long a signing key stays published follows from `default`.
    """
    wanted = (api.access_token_ttl for api in targets if api.access_token_ttl)
    return min((default, *wanted))


def check_resource(
    request: AuthorizationRequest, client: Client, policy: AuthorizationPolicy
) -> None:
    """Raise InvalidTarget for a `resource` that is malformed or unknown, InvalidScope for one where
    nothing of the scope is of use.
    """
    find_targets(request.resource, policy.api_resources, policy.issuer)
    if request.resource:
        scope_for_audience(request.scope, request.resource, policy.api_resources)


FEATURE = Feature("resource_indicators", check=check_resource)
