"""Records for the tests of the protocol: whole by default, changed by keyword."""

from __future__ import annotations

import hashlib
from typing import Any

from porta.protocol.features.feature import AuthorizationPolicy
from porta.protocol.requests.authorization_request import AuthorizationRequest
from storage.models.artifacts import Session
from storage.models.clients import ApiResource, Client, ClientSecret
from storage.models.organizations import Organization
from storage.models.users import AccountFacts, User

ISSUER = "https://id.example/acme"
NOW = 1_800_000_000
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
"""The pair of RFC 7636, appendix B."""


def secret(text: str, expires_at: float | None = None) -> ClientSecret:
    return ClientSecret(hashlib.sha256(text.encode()).hexdigest(), expires_at)


def client(**changes: Any) -> Client:
    fields: dict[str, Any] = {
        "id": "c-1",
        "organization_id": "o-1",
        "application_id": "a-1",
        "client_id": "shop",
        "client_name": "Shop",
        "client_type": "confidential",
        "redirect_uris": ("https://shop.example/cb",),
        "grant_types": ("authorization_code", "refresh_token"),
        "scope": "openid profile email offline_access",
        "secrets": (secret("s3cret"),),
    }
    return Client(**(fields | changes))


def request(**changes: Any) -> AuthorizationRequest:
    fields: dict[str, Any] = {
        "client_id": "shop",
        "redirect_uri": "https://shop.example/cb",
        "response_type": "code",
        "scope": ("openid",),
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return AuthorizationRequest(**(fields | changes))


def policy(**changes: Any) -> AuthorizationPolicy:
    return AuthorizationPolicy(**({"issuer": ISSUER} | changes))


def session(**changes: Any) -> Session:
    fields: dict[str, Any] = {
        "id": "s-digest",
        "organization_id": "o-1",
        "uid": "s-uid",
        "account_id": "u-1",
        "created_at": NOW - 600,
        "authenticated_at": NOW - 600,
        "expires_at": NOW + 3600,
        "amr": ("pwd",),
        "acr": "urn:porta:acr:password",
    }
    return Session(**(fields | changes))


def user(**changes: Any) -> User:
    return User(**({"id": "u-1", "organization_id": "o-1", "email": "ada@acme.example"} | changes))


def organization(**changes: Any) -> Organization:
    return Organization(**({"id": "o-1", "name": "Acme", "slug": "acme"} | changes))


def facts(**changes: Any) -> AccountFacts:
    return AccountFacts(**({"user": user()} | changes))


def api(identifier: str, *scopes: str, **changes: Any) -> ApiResource:
    fields: dict[str, Any] = {
        "id": identifier,
        "organization_id": "o-1",
        "identifier": identifier,
        "name": identifier,
        "scopes": scopes,
    }
    return ApiResource(**(fields | changes))
