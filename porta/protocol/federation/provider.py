"""Provider: what differs between identity providers, as one line of the table PROVIDERS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from storage.models.connections import Connection

Claims = Mapping[str, Any]
Answers = Sequence[Any]
"""What was answered to each of `Provider.further`, decoded."""


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says of itself (OpenID Connect Discovery §3, RFC 8414 §2)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str | None = None
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False
    msgraph_host: str | None = None
    """Of Microsoft Entra ID alone: where its directory is asked."""


class NotLetIn(Exception):
    """The provider is sure who it is, and its connection does not let them in; says why."""


def _nothing(connection: Connection, metadata: Metadata, claims: Claims) -> tuple[str, ...]:
    del connection, metadata, claims
    return ()


def _as_told(connection: Connection, claims: Claims, answers: Answers) -> Claims:
    del connection, answers
    return claims


def _same_issuer(connection: Connection, metadata: Metadata, claims: Claims) -> str:
    del metadata, claims
    return connection.issuer


def _everybody(connection: Connection, claims: Claims) -> None:
    del connection, claims


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One line of PROVIDERS. What is left out is as OpenID Connect has it."""

    name: str
    issuer: str | None = None
    """Where it is; None where the connection has to say so."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Further parameters of the authorization request."""
    pkce: bool = True
    is_openid: bool = True
    """Whether it issues ID tokens; else who it is, is asked with the access token."""
    described: Callable[[Connection], Metadata] | None = None
    """Of one without a discovery document: what that would say."""
    options: tuple[str, ...] = ()
    """Options that its connections need."""
    more_options: tuple[str, ...] = ()
    """Those that they may have beside them."""
    options_say_who: bool = False
    """Whether who somebody is depends on them: they stay as they were when it was made."""
    has_tenants: bool = False
    """Whether its connections name the tenants that are let in."""
    makes_secret: bool = False
    """Whether the secret is a key that signs what is sent in its place (ES256)."""
    issuer_of: Callable[[Connection, Metadata, Claims], str] = _same_issuer
    """The `iss` that an ID token has to have, which may depend on other claims of it."""
    template: str | None = None
    """The `issuer` of its discovery document, where that stands for many."""
    check: Callable[[Connection, Claims], None] = _everybody
    """Raises NotLetIn."""
    further: Callable[[Connection, Metadata, Claims], tuple[str, ...]] = _nothing
    """URLs that are asked with the access token for what no token tells."""
    reads_posted: bool = False
    """Whether what comes back beside the code (`user`) is the last of the answers: it is whatever
    the person's browser says, and good for nothing that decides anything.
    """
    to_claims: Callable[[Connection, Claims, Answers], Claims] = _as_told
    """All claims, of a token or of userinfo, and of what was asked; under the names of OpenID
    Connect. Raises NotLetIn.
    """
