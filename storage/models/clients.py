"""OAuth clients, their secrets, and the API resources they may ask tokens for."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address
from typing import Any
from urllib.parse import urlsplit

import msgspec

from storage.models.claims import ClaimDefinition, ClaimMapping
from storage.models.organizations import ClientBrand

_DEFAULT_PORTS = {"https": 443, "http": 80}


class ClientSecret(msgspec.Struct, frozen=True):
    """A secret: lower-case hex SHA-256 of it, and when it ends or ended (epoch seconds)."""

    sha256: str
    expires_at: float | None = None


class SecretEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `client_secrets` as administrators see it. Times are seconds since the epoch."""

    id: str
    client_id: str
    """The id of the client's row."""
    label: str | None
    expires_at: float | None
    status: str
    last_used_at: float | None
    created_at: float


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `clients`, with its secrets and its application's claim definitions."""

    id: str
    organization_id: str
    application_id: str
    application_status: str = "active"
    client_id: str
    client_name: str
    client_type: str
    application_type: str = "web"
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ("authorization_code",)
    response_types: tuple[str, ...] = ("code",)
    scope: str = "openid profile email"
    token_endpoint_auth_method: str = "client_secret_basic"
    allowed_origins: tuple[str, ...] = ()
    require_pkce: bool = True
    status: str = "active"
    login_methods: tuple[str, ...] | None = None
    is_first_party: bool = True
    access_token_format: str = "jwt"
    id_token_signed_response_alg: str = "ES256"
    metadata: dict[str, Any] = {}
    """Further client metadata by its RFC 7591 name: logo_uri, tos_uri, default_max_age ..."""
    id_token_claims: bool | None = None
    """Whether the ID token holds the claims of the scopes; None takes the organization's."""
    access_token_type: str = "at+jwt"
    """The `typ` of access tokens that are JWTs, where no API resource asks for another."""
    access_token_signing_alg: str = "ES256"
    roles_claim: str | None = None
    """The name under which it is told the roles; None is `roles`."""
    claim_mappings: tuple[ClaimMapping, ...] = ()
    """A source that one of them names goes where they say, and nowhere else."""
    introspects_organization: bool = False
    """Whether it may introspect every token of its organization."""
    tells_all_roles: bool = False
    """Whether it is told all roles and permissions of a person, as by Porta 1.x, not only those of
    its application."""
    revokes_globally: bool = False
    """Whether it may end all that a person of its organization holds (Global Token Revocation)."""
    brand: ClientBrand | None = None
    """How it looks, where that is not as its organization; see `pages/client_brands.py`."""
    is_adopted: bool = False
    """Whether Porta 1.x made it: what it may do as before, no client of ours does."""
    secrets: tuple[ClientSecret, ...] = ()
    claim_definitions: tuple[ClaimDefinition, ...] = ()
    era: int = 0
    """How often its status, or its application's, has changed; not written by hand."""
    defines_roles: bool = False
    """Whether its application has any role, and, below, any permission; or it is told all."""
    defines_permissions: bool = False
    created_at: float = 0.0
    """Seconds since the epoch; so is when it changed last."""
    updated_at: float = 0.0
    version: int = 0
    """How often it has changed; not written by hand."""

    @property
    def active(self) -> bool:
        """Whether it, and the application it belongs to, may be used."""
        return self.status == "active" and self.application_status == "active"


class ScopeText(msgspec.Struct, frozen=True, omit_defaults=True):
    """What people are told of a scope, and the same by language (BCP 47)."""

    title: str | None = None
    description: str | None = None
    translations: dict[str, ScopeText] = {}


class ApiResource(msgspec.Struct, frozen=True, kw_only=True):
    """A protected resource that tokens can be asked for (RFC 8707)."""

    id: str
    organization_id: str
    identifier: str
    name: str
    scopes: tuple[str, ...] = ()
    scope_texts: dict[str, ScopeText] = {}
    """By scope; one without is told by its name."""
    access_token_format: str | None = None
    access_token_ttl: int | None = None
    """Seconds; None takes the system's."""
    access_token_type: str | None = None
    """`at+jwt` or `JWT`; None takes the client's, as it does for the algorithm."""
    access_token_signing_alg: str | None = None
    introspection_clients: tuple[str, ...] = ()
    """The client_ids of those that may introspect the tokens it is sent (RFC 7662 §4)."""
    status: str = "active"
    created_at: float = 0.0
    """Seconds since the epoch; so is when it changed last."""
    updated_at: float = 0.0
    version: int = 0
    """How often it has changed; not written by hand."""


def web_origin(uri: str) -> str | None:
    """Return the origin of an http or https URI as browsers spell it (RFC 6454 §6.2).

    None for any other URI, and for one that has no host to speak of: rows are older than rules.
    """
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port
        if "[" in parts.netloc:
            host = f"[{_spelled(IPv6Address(host))}]"
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not host:
        return None
    suffix = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{suffix}"


def _spelled(address: IPv6Address) -> str:
    """Return an address as browsers write it (URL Standard §3.5): in hexadecimal throughout, where
    Python 3.13 writes one that stands for an IPv4 address with dots.
    """
    mapped = address.ipv4_mapped
    return (
        str(address) if mapped is None else f"::ffff:{int(mapped) >> 16:x}:{int(mapped) & 0xFFFF:x}"
    )


def web_origins(allowed_origins: Iterable[str], redirect_uris: Iterable[str]) -> frozenset[str]:
    """Return the origins a client registered, and those of its web redirect URIs."""
    derived = (web_origin(uri) for uri in redirect_uris)
    return frozenset((*allowed_origins, *(origin for origin in derived if origin)))
