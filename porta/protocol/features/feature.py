"""Feature record: what a protocol feature contributes, and the policy it is checked by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from porta.protocol.requests.authorization_request import AuthorizationRequest
from storage.models.clients import ApiResource, Client


class AuthorizationPolicy(msgspec.Struct, frozen=True):
    """What a tenant demands of every authorization request."""

    issuer: str
    require_pkce: bool = True
    """Whether confidential clients that are registered for PKCE have to use it."""
    require_pkce_of_all: bool = False
    api_resources: tuple[ApiResource, ...] = ()
    registers: bool = False
    """Whether people may make an account for themselves (`prompt=create`)."""


Check = Callable[[AuthorizationRequest, Client, AuthorizationPolicy], None]
"""Looks at one aspect of a request and raises the OAuthError its client shall read."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature; each part is optional."""

    name: str
    check: Check | None = None
    discovery: Callable[[str], Mapping[str, Any]] = lambda issuer: {}
    """Its entries in the discovery document of an issuer."""
