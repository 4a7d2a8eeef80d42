"""Claims: the one pipeline that every claim about a person comes through (Core §5)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import msgspec

from porta.protocol.requests.claims_request import NO_CLAIMS, ClaimsRequest, RequestedClaim
from porta.protocol.requests.scopes import OPENID, registered_scope
from porta.protocol.tokens.standard_claims import RESERVED_CLAIMS, ROLE_CLAIMS, STANDARD_CLAIMS
from storage.models.claims import ClaimDefinition
from storage.models.clients import Client
from storage.models.organizations import Organization
from storage.models.users import AccountFacts

Target = Literal["id_token", "userinfo", "access_token"]

MOST_IN_ID_TOKEN = 4096
"""Bytes of JSON that `id_token_claims` may add: an ID token travels in URLs, as a hint."""


class Claim(NamedTuple):
    """One claim: what it says, where the value came from, and the rule that released it."""

    name: str
    value: Any
    source: str
    rule: str


@dataclass(frozen=True, slots=True)
class Release:
    """Whose claims are told to whom: all that decides on them beside the request."""

    facts: AccountFacts
    client: Client
    organization: Organization
    scope: tuple[str, ...]
    consented: Collection[str] = ()
    """Of the claims with `openid`, those that the person allowed a third party."""


_SCOPE_OF = {claim.name: claim.scope for claim in STANDARD_CLAIMS}
_INCLUDED: dict[str, Callable[[ClaimDefinition], bool]] = {
    "id_token": lambda definition: definition.include_in_id_token,
    "userinfo": lambda definition: definition.include_in_userinfo,
    "access_token": lambda definition: definition.include_in_access_token,
}


def build_claims(
    release: Release, claims_request: ClaimsRequest = NO_CLAIMS, target: Target = "userinfo"
) -> list[Claim]:
    """Return every claim that `target` shall hold about the account, `sub` first.

    - `sub` always; `roles` and `permissions` with `openid`, in all three targets: empty where the
      account has none, left out where the application defines none. The client may have another
      name for `roles`.
    - Of those, and of custom claims, a third party gets the `consented` ones: what its application
      has defined since then was not shown to anybody.
    - Userinfo holds the standard claims of the granted `scope`. The ID token does not (Core §5.4),
      unless client or organization says so (`id_token_claims`): it then holds what userinfo would,
      as far as it fits into MOST_IN_ID_TOKEN. An access token never holds them.
    - A claim asked for by the `claims` parameter is added to the target it was asked for (ID token
      or userinfo) when the client is registered for the scope that carries it, requested this
      time or not; the consent of third parties names those scopes too (`consent.consent_scope`).
    - Custom claims come with `openid` and follow the flags of their definition alone; the `claims`
      parameter cannot widen what an administrator decided.
    - Unset values are left out (Core §5.3.2).
    """
    claims = _of_target(release, claims_request, target)
    if target == "id_token" and _fills_id_token(release):
        known = {claim.name for claim in claims}
        more = _of_target(release, NO_CLAIMS, "userinfo")
        claims += _fitting(claim for claim in more if claim.name not in known)
    return claims


def claims_with_openid(client: Client, scope: tuple[str, ...]) -> tuple[str, ...]:
    """Return what `build_claims` adds for `openid`, whatever the target, by the names that consent
    knows: those of the claims, and `roles` whatever the client calls them.
    """
    if OPENID not in scope:
        return ()
    roles = (client.defines_roles, client.defines_permissions)
    custom = (
        definition.claim_name
        for definition in client.claim_definitions
        if any(included(definition) for included in _INCLUDED.values())
    )
    return (
        *(name for name, defined in zip(ROLE_CLAIMS, roles, strict=True) if defined),
        *(name for name in custom if _is_free(name, client)),
    )


def to_dict(claims: Iterable[Claim]) -> dict[str, Any]:
    """Return the claims as the members of a JSON object."""
    return {claim.name: claim.value for claim in claims}


def scopes_of_claims(names: Iterable[str]) -> tuple[str, ...]:
    """Return the scopes that carry the standard claims among `names`, each once."""
    wanted = {_SCOPE_OF[name] for name in names if name in _SCOPE_OF}
    return tuple(scope for scope in dict.fromkeys(_SCOPE_OF.values()) if scope in wanted)


def registered_claims(request: ClaimsRequest, client: Client) -> ClaimsRequest:
    """Return `request` without the standard claims whose scope `client` is not registered for.

    Once it is, they would come with an authorization at which nobody was shown them.
    """
    registered = registered_scope(client)

    def keep(asked: Mapping[str, RequestedClaim]) -> dict[str, RequestedClaim]:
        return {
            name: claim
            for name, claim in asked.items()
            if name not in _SCOPE_OF or _SCOPE_OF[name] in registered
        }

    return ClaimsRequest(id_token=keep(request.id_token), userinfo=keep(request.userinfo))


def _of_target(release: Release, request: ClaimsRequest, target: Target) -> list[Claim]:
    claims = [Claim("sub", release.facts.user.id, "users.id", "always")]
    if target != "access_token":
        claims += _standard(release, request, target)
    if OPENID in release.scope:
        told = (*_roles(release), *_custom(release, target))
        anything = release.client.is_first_party
        claims += (claim for name, claim in told if anything or name in release.consented)
    return claims


def _standard(release: Release, request: ClaimsRequest, target: Target) -> Iterator[Claim]:
    requested = request.of(target)
    if target != "userinfo" and not requested:
        return
    user, scope = release.facts.user, release.scope
    registered = registered_scope(release.client) if requested else ()
    for claim in STANDARD_CLAIMS:
        if target == "userinfo" and claim.scope in scope:
            rule = f"scope {claim.scope}"
        elif claim.name in requested and claim.scope in registered:
            rule = "claims parameter"
        else:
            continue
        value = claim.read(user)
        if value is not None and value != "":
            yield Claim(claim.name, value, claim.source, rule)
        elif claim.name == "preferred_username" and _email_stands_in(release):
            yield Claim(claim.name, release.facts.user.email, "users.email", rule)


def _email_stands_in(release: Release) -> bool:
    """An address is no less one under another name: a third party needs the scope of it too."""
    told = release.client.is_first_party or "email" in release.scope
    return release.organization.email_as_username and told and bool(release.facts.user.email)


def _roles(release: Release) -> Iterator[tuple[str, Claim]]:
    facts, client = release.facts, release.client
    roles, permissions = ROLE_CLAIMS
    if client.defines_roles or facts.roles:
        # Whatever wrote the row, roles speak for no claim with a meaning of its own.
        taken = client.roles_claim in RESERVED_CLAIMS
        name = roles if taken else client.roles_claim or roles
        yield roles, Claim(name, list(facts.roles), "roles", "scope openid")
    if client.defines_permissions or facts.permissions:
        value = list(facts.permissions)
        yield permissions, Claim(permissions, value, "permissions", "scope openid")


def _custom(release: Release, target: Target) -> Iterator[tuple[str, Claim]]:
    included = _INCLUDED[target]
    for definition in release.client.claim_definitions:
        name = definition.claim_name
        value = release.facts.claims.get(name)
        if value is not None and included(definition) and _is_free(name, release.client):
            yield name, Claim(name, value, "custom_claim_values", "claim definition")


def _is_free(name: str, client: Client) -> bool:
    """Whether a custom claim may have this name: it is not reserved, nor that of the roles."""
    return name not in RESERVED_CLAIMS and name != client.roles_claim


def _fills_id_token(release: Release) -> bool:
    own = release.client.id_token_claims
    return release.organization.id_token_claims if own is None else own


def _fitting(claims: Iterable[Claim]) -> Iterator[Claim]:
    """Yield what fits, in order; what is left out whole stays at userinfo."""
    left = MOST_IN_ID_TOKEN
    for claim in claims:
        size = len(msgspec.json.encode({claim.name: claim.value}))
        if size <= left:
            left -= size
            yield claim._replace(rule=f"{claim.rule}, id_token_claims")
