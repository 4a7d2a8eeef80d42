"""Client metadata, validated by its RFC 7591 names: what may be registered."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from porta.errors import Problem
from porta.protocol.clients.client_auth import METHODS
from porta.protocol.clients.metadata_reader import MetadataReader
from porta.protocol.clients.registered_uris import (
    find_link_problem,
    find_origin_problem,
    find_redirect_uri_problem,
)
from porta.protocol.errors import InvalidClientMetadata, InvalidScope
from porta.protocol.requests.checks import RESPONSE_TYPES
from porta.protocol.requests.scopes import join_scope, parse_scope
from porta.protocol.tokens.access_token import ACCESS_TOKEN_TYPES
from porta.protocol.tokens.claim_mappings import read_claim_mappings
from porta.protocol.tokens.standard_claims import find_roles_claim_problem
from porta.text.names import find_name_problem
from storage.models.claims import ClaimMapping

APPLICATION_TYPES = ("web", "native", "spa")
CLIENT_TYPES = ("confidential", "public")
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
"""The names of the grant types that `provider/grants` redeems."""
AUTH_METHODS = (*METHODS, "none")
ACCESS_TOKEN_FORMATS = ("jwt", "opaque")
DEFAULT_SCOPE = "openid profile email"
LINKS = ("client_uri", "logo_uri", "policy_uri", "tos_uri")
MAX_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMetadata:
    """Validated metadata, every default filled in: the columns of a client, by name."""

    client_name: str
    client_type: str
    application_type: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    response_types: tuple[str, ...]
    scope: str
    token_endpoint_auth_method: str
    allowed_origins: tuple[str, ...]
    require_pkce: bool
    id_token_signed_response_alg: str
    access_token_format: str
    access_token_type: str
    access_token_signing_alg: str
    id_token_claims: bool | None
    roles_claim: str | None
    claim_mappings: tuple[ClaimMapping, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Links, contacts, jwks, default_max_age and require_auth_time, where given."""


class InvalidMetadata(InvalidClientMetadata):
    """Everything that is wrong with a client's metadata; `code` is that of RFC 7591 §3.2.2."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems=problems)
        if all(problem.path[0] == "redirect_uris" for problem in problems):
            self.code = "invalid_redirect_uri"


def validate(
    metadata: Mapping[str, Any],
    *,
    algorithms: Collection[str] = ("ES256",),
    changed: Collection[str] | None = None,
) -> ClientMetadata:
    """Return what `metadata` (decoded JSON, by RFC 7591 names) registers.

    `algorithms` are those a token can be signed with; the first is the default. Beside the RFC's
    names it reads `client_type`, `allowed_origins`, `require_pkce`, `id_token_claims`,
    `roles_claim`, `claim_mappings`, `strict_auth_method`, and what begins with `access_token_`.
    Names it does not know are ignored (RFC 7591 §2). Raises InvalidMetadata with every problem;
    where members have `changed` alone, with those of these and of what depends on them. What is
    returned for the others is then of no use where they break a rule.
    """
    reader = MetadataReader(metadata)
    result = _read(reader, tuple(algorithms))
    _check_consistency(result, reader)
    problems = reader.problems
    if changed is not None:
        problems = [each for each in problems if _is_judged(str(each.path[0]), changed)]
    if problems:
        raise InvalidMetadata(problems)
    return result


_JUDGED_WITH: Mapping[str, frozenset[str]] = {
    "redirect_uris": frozenset({"application_type", "grant_types"}),
    "post_logout_redirect_uris": frozenset({"application_type"}),
    "grant_types": frozenset({"client_type", "token_endpoint_auth_method"}),
    "response_types": frozenset({"grant_types"}),
    "application_type": frozenset({"client_type", "token_endpoint_auth_method"}),
    "token_endpoint_auth_method": frozenset({"client_type"}),
    "roles_claim": frozenset({"claim_mappings"}),
}
"""Which other members the rules of a member read."""


def _is_judged(member: str, changed: Collection[str]) -> bool:
    return member in changed or not _JUDGED_WITH.get(member, frozenset()).isdisjoint(changed)


def _read(reader: MetadataReader, algorithms: tuple[str, ...]) -> ClientMetadata:
    application_type = reader.choice("application_type", APPLICATION_TYPES, "web")
    client_type, method = _type_and_method(reader)
    grant_types = reader.choices("grant_types", GRANT_TYPES, ("authorization_code",))
    native = application_type == "native"
    return ClientMetadata(
        client_name=_name(reader),
        client_type=client_type,
        application_type=application_type,
        redirect_uris=reader.each("redirect_uris", lambda u: find_redirect_uri_problem(u, native)),
        post_logout_redirect_uris=reader.each(
            "post_logout_redirect_uris", lambda u: find_redirect_uri_problem(u, native)
        ),
        grant_types=grant_types,
        response_types=reader.choices(
            "response_types", RESPONSE_TYPES, _default_response_types(grant_types)
        ),
        scope=_scope(reader),
        token_endpoint_auth_method=method,
        allowed_origins=reader.each("allowed_origins", find_origin_problem),
        require_pkce=reader.flag("require_pkce", client_type == "public"),
        metadata=_further(reader),
        **_tokens(reader, algorithms),
    )


def _tokens(reader: MetadataReader, algorithms: tuple[str, ...]) -> dict[str, Any]:
    """What the client's tokens look like, and hold."""
    return {
        "id_token_signed_response_alg": reader.choice(
            "id_token_signed_response_alg", algorithms, algorithms[0]
        ),
        "id_token_claims": reader.flag("id_token_claims", None),
        "access_token_format": reader.choice("access_token_format", ACCESS_TOKEN_FORMATS, "jwt"),
        "access_token_type": reader.choice(
            "access_token_type", ACCESS_TOKEN_TYPES, ACCESS_TOKEN_TYPES[0]
        ),
        "access_token_signing_alg": reader.choice(
            "access_token_signing_alg", algorithms, algorithms[0]
        ),
        "roles_claim": _roles_claim(reader),
        "claim_mappings": _claim_mappings(reader),
    }


def _roles_claim(reader: MetadataReader) -> str | None:
    name = reader.text("roles_claim")
    problem = find_roles_claim_problem(name) if name else None
    if problem is not None:
        reader.refuse("roles_claim", problem)
    return name or None


def _claim_mappings(reader: MetadataReader) -> tuple[ClaimMapping, ...]:
    raw = reader.raw.get("claim_mappings")
    if raw is None:
        return ()
    mappings = read_claim_mappings(
        raw, lambda path, message: reader.refuse("claim_mappings", message, *path)
    )
    if reader.raw.get("roles_claim") and any(mapping.source == "roles" for mapping in mappings):
        reader.refuse("roles_claim", "says with another word what a mapping of roles says")
    return mappings


def _name(reader: MetadataReader) -> str:
    name = reader.text("client_name")
    problem = find_name_problem(name)
    if not 0 < len(name.strip()) <= len(name) <= MAX_NAME:
        problem = f"must have 1 to {MAX_NAME} characters"
    if problem is not None:
        reader.refuse("client_name", problem)
    return name


def _type_and_method(reader: MetadataReader) -> tuple[str, str]:
    """A client is public exactly when its method is `none`; either may be left out."""
    named = reader.raw.get("client_type")
    default = "none" if named == "public" else "client_secret_basic"
    method = reader.choice("token_endpoint_auth_method", AUTH_METHODS, default)
    implied = "public" if method == "none" else "confidential"
    client_type = reader.choice("client_type", CLIENT_TYPES, implied)
    if client_type != implied:
        reader.refuse(
            "token_endpoint_auth_method", f"a {client_type} client cannot have the method {method}"
        )
    return client_type, method


def _scope(reader: MetadataReader) -> str:
    try:
        return join_scope(parse_scope(reader.text("scope", DEFAULT_SCOPE)))
    except InvalidScope as error:
        reader.refuse("scope", error.message)
        return DEFAULT_SCOPE


def _further(reader: MetadataReader) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name in LINKS:
        link = reader.text(name)
        problem = find_link_problem(link) if link else None
        if problem is not None:
            reader.refuse(name, problem)
        elif link:
            kept[name] = link
    if reader.texts("contacts"):
        kept["contacts"] = list(reader.texts("contacts"))
    for switch in ("require_auth_time", "strict_auth_method"):
        if reader.flag(switch, False):
            kept[switch] = True
    if reader.raw.get("jwks") is not None:
        kept["jwks"] = reader.raw["jwks"]  # keys are cryptography: read by who hands them over
    max_age = reader.raw.get("default_max_age")
    if isinstance(max_age, int) and not isinstance(max_age, bool) and max_age >= 0:
        kept["default_max_age"] = max_age
    elif max_age is not None:
        reader.refuse("default_max_age", "must be a whole number of seconds")
    if reader.raw.get("subject_type") not in (None, "public"):
        reader.refuse("subject_type", "must be public")
    return kept


def _check_consistency(client: ClientMetadata, reader: MetadataReader) -> None:
    has_code = "authorization_code" in client.grant_types
    if has_code and not reader.raw.get("redirect_uris"):
        reader.refuse("redirect_uris", "authorization_code needs at least one")
    if has_code != ("code" in client.response_types):
        reader.refuse("response_types", "code and the grant type authorization_code go together")
    if not client.grant_types:
        reader.refuse("grant_types", "must not be empty")
    if client.client_type == "public" and "client_credentials" in client.grant_types:
        reader.refuse("grant_types", "client_credentials needs a confidential client")
    if client.client_type == "confidential" and client.application_type == "spa":
        reader.refuse("application_type", "a spa cannot keep a secret; its method is none")


def _default_response_types(grant_types: tuple[str, ...]) -> tuple[str, ...]:
    return ("code",) if "authorization_code" in grant_types else ()
