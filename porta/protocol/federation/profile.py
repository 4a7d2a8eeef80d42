"""Profile: what a provider says of a person, judged, and mapped to fields and roles."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from porta.errors import Invalid
from porta.protocol.federation.provider import Claims, NotLetIn
from porta.text.email_addresses import ascii_domain_form
from porta.text.names import find_name_problem
from storage.models.connections import Connection

FIELDS = (
    *("given_name", "family_name", "middle_name", "nickname", "preferred_username"),
    *("zoneinfo", "locale"),
)
"""Fields of a person that a claim may fill."""
DEFAULT_MAPPING = {"given_name": "given_name", "family_name": "family_name"}
_OF_ADDRESS = ("email", "email_verified", "xms_edov")
"""An address, and what says whether it is verified (of Microsoft Entra ID the last)."""
_LONGEST = 255
_LONGEST_SUBJECT = 255
_LONGEST_SHOWN = 100
_LENGTHS = {"zoneinfo": 50, "locale": 10}


class TokenRefused(Exception):
    """An ID token, or what userinfo answers, that is not for us, or not for now; says why."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Who somebody is at a provider, which is sure of it."""

    issuer: str
    subject: str
    claims: Claims
    email: str | None
    """In its canonical form."""
    email_verified: bool
    used_several_factors: bool

    @property
    def called(self) -> str | None:
        """What they are called there, where no address is told."""
        return _name_of(self.claims) if self.email is None else None


def check_id_token(
    claims: Claims, *, client_id: str, nonce: str, access_token: str | None, algorithm: str
) -> None:
    """Check what is left of an ID token whose signature, issuer, audience and times are right
    (Core §3.1.3.7). Raises TokenRefused.
    """
    audience = claims.get("aud")
    several = isinstance(audience, list) and len(audience) > 1
    party = claims.get("azp")
    if party != client_id and (several or party is not None):
        raise TokenRefused("azp is another client")
    if claims.get("nonce") != nonce:
        raise TokenRefused("nonce is another")
    hashed = claims.get("at_hash")
    if hashed is not None and access_token is not None and algorithm.endswith("256"):
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        if hashed != urlsafe_b64encode(half).rstrip(b"=").decode():
            raise TokenRefused("at_hash is of another access token")


def merged(token: Claims, userinfo: Claims) -> Claims:
    """Return the claims of an ID token, and beside them those of userinfo that it does not have.

    An address and the word for it are of one source: whoever calls an address verified that they
    do not name has said nothing of one that is named elsewhere.
    """
    of_token = "email" in token
    address = {name: (token if of_token else userinfo).get(name) for name in _OF_ADDRESS}
    told = {name: value for name, value in address.items() if value is not None}
    rest = {name: v for name, v in {**userinfo, **token}.items() if name not in _OF_ADDRESS}
    return rest | told


def subject_of(claims: Claims) -> str:
    """Return `sub`. Raises TokenRefused for what names nobody (Core §2)."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= _LONGEST_SUBJECT:
        raise TokenRefused("sub is missing")
    if find_name_problem(subject):
        raise TokenRefused("sub is no text to be kept")
    return subject


def _name_of(claims: Claims) -> str | None:
    for claim in ("preferred_username", "name"):
        told = claims.get(claim)
        if isinstance(told, str) and len(told) <= _LONGEST_SHOWN and not find_name_problem(told):
            return told
    return None


def check_domain(connection: Connection, email: str | None) -> None:
    """Raise NotLetIn for an address, or none, where others are let in alone."""
    if not lets_in(connection, email):
        raise NotLetIn("the domain of the address is not let in")


def lets_in(connection: Connection, email: str | None) -> bool:
    """Whether an address, or none, is of the domains that are let in, where those are told."""
    return not connection.allowed_domains or domain_of(email) in connection.allowed_domains


def is_authoritative(connection: Connection, profile: Profile) -> bool:
    """Whether the provider says whose address this is, and has verified it."""
    domain = domain_of(profile.email)
    return profile.email_verified and domain in connection.authoritative_domains


def domain_of(email: str | None) -> str:
    """Return the domain of a canonical address in ASCII, as connections name it; empty for none."""
    try:
        return ascii_domain_form(email or "").rpartition("@")[2].lower()
    except Invalid:
        return ""


def fields_of(connection: Connection, claims: Claims) -> dict[str, str]:
    """Return the fields of a person that the provider tells, by the mapping of the connection.

    What is no name, or too long for one, is passed over: it keeps nobody out.
    """
    mapping = connection.claim_mapping or DEFAULT_MAPPING
    told = ((field, claims.get(claim)) for field, claim in mapping.items() if field in FIELDS)
    return {
        field: value for field, value in told if isinstance(value, str) and _is_fit(field, value)
    }


def _is_fit(field: str, value: str) -> bool:
    return len(value) <= _LENGTHS.get(field, _LONGEST) and find_name_problem(value) is None


def roles_of(connection: Connection, claims: Claims) -> tuple[frozenset[str], frozenset[str]]:
    """Return the ids of the roles that somebody holds by the mapping, and of all it names: whoever
    has not the first of these has none of the second.
    """
    named = frozenset(id for rule in connection.role_mapping for id in rule.role_ids)
    held = frozenset(
        id
        for rule in connection.role_mapping
        if rule.value in _values(claims.get(rule.claim))
        for id in rule.role_ids
    )
    return held, named


def _values(value: Any) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    return tuple(each for each in listed if isinstance(each, str))
