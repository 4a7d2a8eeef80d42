"""Client registration: what is said of a client, judged as a whole (RFC 7591)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import Field, Strict
from pydantic.alias_generators import to_camel

from porta.errors import Invalid, Problem
from porta.protocol.clients import client_metadata
from porta.protocol.clients.client_metadata import ClientMetadata, InvalidMetadata
from porta.security.client_keys import KeySetInvalid, parse_jwks
from porta.security.keys import ALGORITHMS
from porta.services.brands import LookPatch
from porta.services.commands import ABSENT, Command, Patch
from porta.services.fields import Flag, Id, LoginMethods, Name, judged
from porta.text.names import find_text_problem
from storage.models.clients import Client

TERMS = (
    *("is_first_party", "login_methods", "introspects_organization", "tells_all_roles"),
    "revokes_globally",
)
"""What only an administrator decides of a client, beside what it registers."""
_CLIENT_ID = re.compile(r"[A-Za-z0-9._~-]{3,255}")
_REGISTERED = frozenset(ClientMetadata.__dataclass_fields__) - {"metadata"}


def _find_client_id_problem(client_id: str) -> str | None:
    fits = _CLIENT_ID.fullmatch(client_id)
    return None if fits else "must be 3 to 255 of letters, digits, '.', '_', '~' and '-'"


ClientId = Annotated[str, judged(_find_client_id_problem)]
Word = Annotated[str, Field(max_length=2048), judged(find_text_problem)]
Words = Annotated[tuple[Word, ...], Field(max_length=50)]


class ClaimMappingCommand(Command):
    """What a client calls roles, permissions or a custom claim, and where it goes."""

    source: Word
    claim: Word | Words
    targets: Words | None = None


class ClientPatch(Patch):
    """What of a client may change. What may stand in it, `protocol/clients/client_metadata.py`
    says: the rules of RFC 7591 hold between members.
    """

    client_name: Name = ABSENT
    client_type: Literal["confidential", "public"] = ABSENT
    """It is said again at most: a secret that was public once is none."""
    application_type: Literal["web", "native", "spa"] = ABSENT
    redirect_uris: Words = ABSENT
    post_logout_redirect_uris: Words = ABSENT
    grant_types: Words = ABSENT
    response_types: Words = ABSENT
    scope: Word = ABSENT
    token_endpoint_auth_method: Word = ABSENT
    strict_auth_method: Flag | None = ABSENT
    allowed_origins: Words = ABSENT
    require_pkce: Flag = ABSENT
    access_token_format: Word = ABSENT
    access_token_type: Word = ABSENT
    access_token_signing_alg: Word = ABSENT
    id_token_signed_response_alg: Word = ABSENT
    id_token_claims: Flag | None = ABSENT
    roles_claim: Word | None = ABSENT
    claim_mappings: Annotated[tuple[ClaimMappingCommand, ...], Field(max_length=50)] | None = ABSENT
    logo_uri: Word | None = ABSENT
    client_uri: Word | None = ABSENT
    policy_uri: Word | None = ABSENT
    tos_uri: Word | None = ABSENT
    contacts: Words | None = ABSENT
    default_max_age: Annotated[int, Strict(), Field(ge=0, le=2**31)] | None = ABSENT
    require_auth_time: Flag | None = ABSENT
    is_first_party: Flag = ABSENT
    """A first-party client needs no consent."""
    login_methods: LoginMethods | None = ABSENT
    """Null takes the organization's."""
    introspects_organization: Flag = ABSENT
    """Whether it may introspect every token of its organization."""
    revokes_globally: Flag = ABSENT
    """Whether it may end all that a person of its organization holds."""
    brand: LookPatch | None = ABSENT
    """How a first-party client looks, where that is not as its organization; null is as that."""
    jwks: dict[str, Any] | None = ABSENT
    """The public keys with which it signs (RFC 7591 §2), by value."""
    tells_all_roles: Flag = ABSENT
    """Whether it is told the roles of all applications, as by Porta 1.x."""

    def registration(self) -> dict[str, Any]:
        """Return what is registered, by RFC 7591 names; a null is left out."""
        named = self.model_dump(exclude_unset=True, exclude_none=True, by_alias=False)
        return {name: value for name, value in named.items() if name not in _APART}


class NewClient(ClientPatch):
    """A client to be made."""

    organization_id: Id
    application_id: Id
    client_name: Name
    client_id: ClientId | None = ABSENT
    """Chosen; without it, one is made."""


_APART = frozenset({*TERMS, "brand", "organization_id", "application_id", "client_id"})


def columns_of(registration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that a registration fills. Raises Invalid with every problem."""
    return asdict(_validated(registration))


def columns_of_change(stored: Client, patch: ClientPatch) -> dict[str, Any]:
    """Return the columns that a patch writes.

    What is said as it is stored is no change. Judged is what changes, and what depends on it: of
    what Porta 1.x let be registered, the rest stays as it is. Raises Invalid with every problem.
    """
    said = {
        name: value
        for name, value in patch.said().items()
        if name not in _APART and _stored(stored, name) != _plain(value)
    }
    kept = {name: getattr(stored, name) for name in _REGISTERED} | dict(stored.metadata)
    followed = _follow(kept, said)
    registered = {k: v for k, v in patch.registration().items() if k in said}
    merged = {**{k: v for k, v in kept.items() if k not in said}, **registered}
    changed = said.keys() | followed
    validated = asdict(_validated(merged, changed))
    columns = {name: validated[name] for name in changed & _REGISTERED}
    if further := changed - _REGISTERED:
        rest = {k: v for k, v in stored.metadata.items() if k not in further}
        given = {k: v for k, v in validated["metadata"].items() if k in further}
        columns["metadata"] = rest | given
    return columns


def _follow(kept: dict[str, Any], said: Mapping[str, Any]) -> set[str]:
    """Take from what is `kept` what follows from what is said; return the names of it.

    Response types follow grant types, and of two words for one thing the one that is said takes
    the place of the other.
    """
    followed = set()
    if "grant_types" in said:
        del kept["response_types"]
        followed.add("response_types")
    if any(mapping.source == "roles" for mapping in said.get("claim_mappings") or ()):
        del kept["roles_claim"]
        followed.add("roles_claim")
    elif said.get("roles_claim"):
        kept["claim_mappings"] = [m for m in kept["claim_mappings"] if m.source != "roles"]
        followed.add("claim_mappings")
    return followed


def _stored(stored: Client, name: str) -> Any:
    return _plain(getattr(stored, name) if name in _REGISTERED else stored.metadata.get(name))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _validated(
    registration: Mapping[str, Any], changed: Collection[str] | None = None
) -> ClientMetadata:
    if registration.get("jwks") is not None and (changed is None or "jwks" in changed):
        registration = {**registration, "jwks": _read_jwks(registration["jwks"])}
    try:
        return client_metadata.validate(registration, algorithms=ALGORITHMS, changed=changed)
    except InvalidMetadata as refusal:
        raise Invalid(
            problems=[
                Problem((to_camel(str(name)), *rest), problem.message)
                for problem in refusal.problems
                for name, *rest in [problem.path]
            ]
        ) from None


def _read_jwks(value: object) -> dict[str, Any]:
    try:
        return dict(parse_jwks(value).as_jwks())
    except KeySetInvalid as refusal:
        raise Invalid.at("jwks", message=str(refusal)) from None
