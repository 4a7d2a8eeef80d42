"""Access token: its claims as a JWT (RFC 9068), and the token response (RFC 6749 §5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from porta.protocol.requests.scopes import join_scope

ACCESS_TOKEN_TYPES = ("at+jwt", "JWT")
"""What the `typ` of its header may be: that of RFC 9068 §2.1, and that of readers older than it."""


def build_access_token(
    *,
    issuer: str,
    subject: str,
    client_id: str,
    audience: tuple[str, ...],
    scope: tuple[str, ...],
    issued_at: int,
    expires_at: int,
    jti: str,
    auth_time: int | None = None,
    acr: str | None = None,
    amr: tuple[str, ...] = (),
    claims: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the claims of RFC 9068 §2.2; times are epoch seconds.

    A client's own token has its `client_id` as `subject`. `claims` is what
    `claims.build_claims(..., "access_token")` released; what the protocol says wins over it.
    """
    optional = {
        "scope": join_scope(scope) or None,
        "auth_time": auth_time,
        "acr": acr,
        "amr": list(amr) or None,
    }
    return {
        **(claims or {}),
        "iss": issuer,
        "sub": subject,
        "aud": audience[0] if len(audience) == 1 else list(audience),
        "client_id": client_id,
        "iat": issued_at,
        "exp": expires_at,
        "jti": jti,
        **{name: value for name, value in optional.items() if value is not None},
    }


def build_token_response(
    *,
    access_token: str,
    expires_in: int,
    scope: tuple[str, ...] = (),
    asked_scope: bool = False,
    id_token: str | None = None,
    refresh_token: str | None = None,
) -> dict[str, Any]:
    """Return the body of RFC 6749 §5.1 with the ID token of Core §3.1.3.3.

    `expires_in` in seconds; `scope` is that of the access token. Left out it would be what was
    requested: where that is not so (`asked_scope`), an empty one is told.
    """
    optional = {
        "id_token": id_token,
        "refresh_token": refresh_token,
        "scope": join_scope(scope) if scope or asked_scope else None,
    }
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": expires_in,
        **{name: value for name, value in optional.items() if value is not None},
    }
