"""Made-up records, whole by default and changed by keyword; their defaults stand here alone.

Nothing is stored: `tests.world` puts them where a test needs them.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from typing import Any
from uuid import uuid4

from porta.protocol.features.feature import AuthorizationPolicy
from porta.protocol.requests.authorization_request import AuthorizationRequest
from storage.models.applications import Application
from storage.models.artifact import Home, artifact_id
from storage.models.artifact import new_value as value_of_home
from storage.models.artifacts import (
    AccessToken,
    AuthorizationCode,
    ClientCredentials,
    Grant,
    RefreshToken,
    ReplayDetection,
    Session,
)
from storage.models.clients import ApiResource, Client, ClientSecret
from storage.models.interactions import Interaction
from storage.models.organizations import Organization
from storage.models.roles import Permission, Role
from storage.models.tokens import TokenFamily
from storage.models.users import AccountFacts, User

ISSUER = "https://id.example/acme"
NOW = 1_800_000_000
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
"""The pair of RFC 7636, appendix B."""


def new_id() -> str:
    """Return an id of a row."""
    return str(uuid4())


def new_value() -> str:
    """Return an opaque value as a client or a browser holds it."""
    return secrets.token_urlsafe(32)


def new_artifact_id() -> str:
    """Return the id of an artifact whose value nobody knows."""
    return artifact_id(new_value())


def presented() -> tuple[str, str]:
    """Return a value as a client holds it, and the id it is kept under."""
    value = value_of_home(Home.REDIS)
    return value, artifact_id(value)


def challenge_of(verifier: str) -> str:
    """Return the S256 code challenge of a verifier (RFC 7636 §4.2), as a client computes it."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


# What is administered


def organization(**changes: Any) -> Organization:
    return Organization(**({"id": "o-1", "name": "Acme", "slug": "acme"} | changes))


def application(**changes: Any) -> Application:
    slug = changes.get("slug", f"a{secrets.token_hex(6)}")
    return Application(**({"id": new_id(), "name": slug, "slug": slug} | changes))


def user(**changes: Any) -> User:
    return User(**({"id": "u-1", "organization_id": "o-1", "email": "ada@acme.example"} | changes))


def facts(**changes: Any) -> AccountFacts:
    return AccountFacts(**({"user": user()} | changes))


def secret(text: str, expires_at: float | None = None) -> ClientSecret:
    return hashed_secret(hashlib.sha256(text.encode()).hexdigest(), expires_at)


def hashed_secret(sha256: str, expires_at: float | None = None) -> ClientSecret:
    return ClientSecret(sha256, expires_at)


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


def api(identifier: str, *scopes: str, **changes: Any) -> ApiResource:
    fields: dict[str, Any] = {
        "id": identifier,
        "organization_id": "o-1",
        "identifier": identifier,
        "name": identifier,
        "scopes": scopes,
    }
    return ApiResource(**(fields | changes))


def role(application_id: str, **changes: Any) -> Role:
    slug = changes.get("slug", secrets.token_hex(6))
    fields = {"id": new_id(), "application_id": application_id, "name": slug, "slug": slug}
    return Role(**(fields | changes))


def permission(application_id: str, slug: str, **changes: Any) -> Permission:
    fields = {"id": new_id(), "application_id": application_id, "name": slug, "slug": slug}
    return Permission(**(fields | changes))


# What a request brings


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


# What is kept for a while: by default nobody else's, so that any number fit into one store


def session(organization_id: str = "o-1", **changes: Any) -> Session:
    fields: dict[str, Any] = {
        "id": new_artifact_id(),
        "uid": new_artifact_id(),
        "account_id": new_id(),
        "created_at": NOW - 600,
        "authenticated_at": NOW - 600,
        "expires_at": NOW + 3600,
        "amr": ("pwd", "otp"),
        "acr": "urn:porta:acr:password",
    }
    return Session(organization_id=organization_id, **(fields | changes))


def code(organization_id: str, **changes: Any) -> AuthorizationCode:
    fields: dict[str, Any] = {
        "id": new_artifact_id(),
        "home": Home.REDIS,
        "client_id": 'client "one"',
        "account_id": new_id(),
        "redirect_uri": "https://app.example/callback?x=ä&y=\n",
        "scope": "openid profile",
        "grant_id": new_artifact_id(),
        "session_uid": new_artifact_id(),
        "session_expires_at": NOW + 3600,
        "authenticated_at": NOW - 1,
        "created_at": NOW,
        "claims": {"userinfo": {"email": {"essential": True}, "name": None}},
        "resource": ("https://api.example",),
    }
    return AuthorizationCode(organization_id=organization_id, **(fields | changes))


def interaction(organization_id: str, **changes: Any) -> Interaction:
    fields: dict[str, Any] = {
        "id": new_artifact_id(),
        "home": Home.REDIS,
        "slug": "acme",
        "client_id": "client",
        "parameters": {"state": "%s %(x)s {}", "nonce": "'; --"},
        "prompt": "login",
        "browser": new_artifact_id(),
        "csrf": "csrf",
        "created_at": NOW,
    }
    return Interaction(organization_id=organization_id, **(fields | changes))


def replay_mark(organization_id: str, **changes: Any) -> ReplayDetection:
    return ReplayDetection(organization_id=organization_id, **({"id": new_artifact_id()} | changes))


def grant(organization_id: str, **changes: Any) -> Grant:
    fields: dict[str, Any] = {
        "id": new_artifact_id(),
        "account_id": new_id(),
        "session_uid": new_artifact_id(),
        "client_id": "c",
        "created_at": 1,
    }
    return Grant(organization_id=organization_id, **(fields | changes))


def granted(of: Session) -> tuple[str, Grant]:
    """Return the value of a grant that was given in a session, and the grant."""
    value, id = presented()
    given = {"id": id, "account_id": of.account_id, "session_uid": of.uid}
    return value, grant(of.organization_id, **given)


# Tokens of a client and a person, good from now on


def family(of: Client, account_id: str, code: str | None = None, **changes: Any) -> TokenFamily:
    fields: dict[str, Any] = {
        "id": artifact_id(code or new_value()),
        "organization_id": of.organization_id,
        "client_id": of.client_id,
        "account_id": account_id,
        "grant_id": new_value(),
        "session_uid": new_value(),
        "expires_at": int(time.time()) + 3600,
    }
    return TokenFamily(**(fields | changes))


def _of_family(family: TokenFamily, value: str | None, seconds: int) -> dict[str, Any]:
    now = int(time.time())
    return {
        "id": artifact_id(value or new_value()),
        "organization_id": family.organization_id,
        "client_id": family.client_id,
        "account_id": family.account_id,
        "family_id": family.id,
        "issued_at": now,
        "expires_at": now + seconds,
    }


def access_token(of: TokenFamily, value: str | None = None, **changes: Any) -> AccessToken:
    fields = {"scope": "openid profile", "audience": ("https://api.example.com",)}
    return AccessToken(**(_of_family(of, value, 600) | fields | changes))


def refresh_token(of: TokenFamily, value: str | None = None, **changes: Any) -> RefreshToken:
    fields = {"generation": 0, "scope": "openid profile offline_access"}
    common = _of_family(of, value, 3600)
    return RefreshToken(**(common | fields | {"authenticated_at": common["issued_at"]} | changes))


def client_credentials(of: Client, value: str, **changes: Any) -> ClientCredentials:
    now = int(time.time())
    fields: dict[str, Any] = {
        "id": artifact_id(value),
        "organization_id": of.organization_id,
        "client_id": of.client_id,
        "scope": "",
        "issued_at": now,
        "expires_at": now + 600,
    }
    return ClientCredentials(**(fields | changes))
