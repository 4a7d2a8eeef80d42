"""Standard claims, the scope of each, and the names no other claim may take (Core §5.1, §5.4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from storage.models.users import User


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
    return StandardClaim(name or column, scope, f"users.{column}", attrgetter(column))


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
    # what else speaks of the token, or for another source, in the registry of RFC 7519 §10.1
    *("sub_jwk", "sub_id", "toe", "txn", "vot", "vtm", "authorization_details"),
    *("_claim_names", "_claim_sources", "verified_claims"),
    # what libraries take for `scope`, and ours
    *("scp", "org_id", "org_slug"),
)
RESERVED_CLAIMS = frozenset(
    (*_PROTOCOL_CLAIMS, *ROLE_CLAIMS, *(claim.name for claim in STANDARD_CLAIMS))
)
"""Names that no custom claim may take: it would speak for the server, or for a standard claim."""
_ROLES_CLAIM = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]{0,99}")


def find_roles_claim_problem(name: str) -> str | None:
    """Return why a client cannot be told its roles as `name`, or None. `roles` is their own."""
    if not _ROLES_CLAIM.fullmatch(name):
        return "must have 1 to 100 of A-Z, a-z, 0-9 and _.:/- and begin with a letter"
    if name in RESERVED_CLAIMS and name != ROLE_CLAIMS[0]:
        return f"'{name}' is a claim with a meaning of its own"
    return None
