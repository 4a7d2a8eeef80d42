"""The one pipeline that every claim about a person comes through (Core §5)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from porta.protocol.claims_request import NO_CLAIMS, ClaimsRequest, RequestedClaim
from porta.protocol.scopes import OPENID, registered_scope
from storage.models.claims import ClaimDefinition
from storage.models.clients import Client
from storage.models.users import AccountFacts, User

Target = Literal["id_token", "userinfo", "access_token"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: what it says, where the value came from, and the rule that released it."""

    name: str
    value: Any
    source: str
    rule: str


@dataclass(frozen=True, slots=True)
class StandardClaim:
    """One line of STANDARD_CLAIMS: a claim of Core §5.1 and the scope that carries it (§5.4)."""

    name: str
    scope: str
    source: str
    read: Callable[[User], Any]


def full_name(user: User) -> str | None:
    """Return given, middle and family name, joined; None when all are unset."""
    parts = (user.given_name, user.middle_name, user.family_name)
    return " ".join(part for part in parts if part) or None


def address(user: User) -> dict[str, str] | None:
    """Return the address of Core §5.1.1 with the members that are set; None without any."""
    members = {
        "street_address": user.address_street,
        "locality": user.address_locality,
        "region": user.address_region,
        "postal_code": user.address_postal_code,
        "country": user.address_country,
    }
    return {name: value for name, value in members.items() if value} or None


def _column(column: str, scope: str, name: str | None = None) -> StandardClaim:
    return StandardClaim(name or column, scope, f"users.{column}", lambda u: getattr(u, column))


STANDARD_CLAIMS: tuple[StandardClaim, ...] = (
    StandardClaim("name", "profile", "users", full_name),
    _column("given_name", "profile"),
    _column("family_name", "profile"),
    _column("middle_name", "profile"),
    _column("nickname", "profile"),
    _column("preferred_username", "profile"),
    _column("profile_url", "profile", "profile"),
    _column("picture_url", "profile", "picture"),
    _column("website_url", "profile", "website"),
    _column("gender", "profile"),
    _column("birthdate", "profile"),
    _column("zoneinfo", "profile"),
    _column("locale", "profile"),
    StandardClaim("updated_at", "profile", "users.updated_at", lambda u: int(u.updated_at) or None),
    _column("email", "email"),
    StandardClaim(
        "email_verified",
        "email",
        "users.email_verified",
        lambda u: u.email_verified if u.email else None,
    ),
    StandardClaim("address", "address", "users", address),
    _column("phone_number", "phone"),
    StandardClaim(
        "phone_number_verified",
        "phone",
        "users.phone_number_verified",
        lambda u: u.phone_number_verified if u.phone_number else None,
    ),
)

ROLE_CLAIMS = ("roles", "permissions")
_PROTOCOL_CLAIMS = (
    # RFC 7519 §4.1, RFC 9068 §2.2, RFC 7662 §2.2, RFC 7800, RFC 8693
    *("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "typ", "cnf", "act", "may_act"),
    *("client_id", "scope", "active", "token_type", "username"),
    # OpenID Connect Core §2, §3.3.2.11, Front- and Back-Channel Logout
    *("nonce", "auth_time", "acr", "amr", "azp", "at_hash", "c_hash", "s_hash", "sid", "events"),
    # ours
    *("org_id", "org_slug"),
)
RESERVED_CLAIMS = frozenset(
    (*_PROTOCOL_CLAIMS, *ROLE_CLAIMS, *(claim.name for claim in STANDARD_CLAIMS))
)
"""Names that no custom claim may take: it would speak for the server, or for a standard claim."""

_SCOPE_OF = {claim.name: claim.scope for claim in STANDARD_CLAIMS}
_INCLUDED: dict[str, Callable[[ClaimDefinition], bool]] = {
    "id_token": lambda definition: definition.include_in_id_token,
    "userinfo": lambda definition: definition.include_in_userinfo,
    "access_token": lambda definition: definition.include_in_access_token,
}


def build_claims(
    facts: AccountFacts,
    client: Client,
    scope: tuple[str, ...],
    claims_request: ClaimsRequest = NO_CLAIMS,
    target: Target = "userinfo",
    consented: Collection[str] = (),
) -> list[Claim]:
    """Return every claim that `target` shall hold about the account, `sub` first.

    - `sub` always; `roles` and `permissions` with `openid`, in all three targets, also when empty.
    - Of those, and of custom claims, a third party gets the `consented` ones: what its application
      has defined since then was not shown to anybody.
    - Userinfo holds the standard claims of the granted `scope`. The ID token does not (Core §5.4):
      a client has an access token and can ask. An access token never holds them.
    - A claim asked for by the `claims` parameter is added to the target it was asked for (ID token
      or userinfo) when the client is registered for the scope that carries it, requested this
      time or not; the consent of third parties names those scopes too (`consent.consent_scope`).
    - Custom claims come with `openid` and follow the flags of their definition alone; the `claims`
      parameter cannot widen what an administrator decided.
    - Unset values are left out (Core §5.3.2).
    """
    claims = [Claim("sub", facts.user.id, "users.id", "always")]
    if target != "access_token":
        claims += _standard(facts.user, client, scope, claims_request, target)
    if OPENID in scope:
        with_openid = (
            Claim("roles", list(facts.roles), "roles", "scope openid"),
            Claim("permissions", list(facts.permissions), "permissions", "scope openid"),
            *_custom(facts, client, target),
        )
        claims += (c for c in with_openid if client.is_first_party or c.name in consented)
    return claims


def claims_with_openid(client: Client, scope: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the claims that `build_claims` adds for `openid`, whatever the target."""
    if OPENID not in scope:
        return ()
    custom = (
        definition.claim_name
        for definition in client.claim_definitions
        if any(included(definition) for included in _INCLUDED.values())
    )
    return (*ROLE_CLAIMS, *(name for name in custom if name not in RESERVED_CLAIMS))


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


def _standard(
    user: User, client: Client, scope: tuple[str, ...], request: ClaimsRequest, target: Target
) -> Iterator[Claim]:
    requested = request.of(target)
    registered = registered_scope(client) if requested else ()
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


def _custom(facts: AccountFacts, client: Client, target: Target) -> Iterator[Claim]:
    included = _INCLUDED[target]
    for definition in client.claim_definitions:
        name = definition.claim_name
        value = facts.claims.get(name)
        if value is not None and included(definition) and name not in RESERVED_CLAIMS:
            yield Claim(name, value, "custom_claim_values", "claim definition")
