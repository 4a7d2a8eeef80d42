"""Token introspection (RFC 7662): who may ask, and the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from storage.models.artifacts import AccessToken, ClientCredentials, RefreshToken
from storage.models.clients import ApiResource, Client

INACTIVE: Mapping[str, Any] = {"active": False}
"""The answer for what is unknown, dead, or none of the caller's business (RFC 7662 §2.2)."""

Token = AccessToken | ClientCredentials | RefreshToken


def may_introspect(caller: Client, token: Token, api_resources: Iterable[ApiResource]) -> bool:
    """Tell whether `caller`, authenticated, has a right to know `token` (RFC 7662 §4).

    That is a confidential client of the organization: the one it was issued to; one that an API
    resource in the audience of an access token names, of the organization's `api_resources`; or
    one that an administrator lets introspect all the organization's tokens.
    """
    if caller.client_type != "confidential" or caller.organization_id != token.organization_id:
        return False
    if token.client_id == caller.client_id or caller.introspects_organization:
        return True
    if isinstance(token, RefreshToken):
        return False  # nobody else is ever sent one
    return any(
        api.identifier in token.audience and caller.client_id in api.introspection_clients
        for api in api_resources
        if api.organization_id == token.organization_id
    )


def build_introspection(
    token: Token, issuer: str, now: int, claims: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the answer of RFC 7662 §2.2; `issuer` is that of the token's organization.

    `now` in epoch seconds: an expired token is inactive, whatever the store says. `claims` are
    those that the token holds, or would hold as a JWT; what the protocol says wins over them.
    """
    if token.expires_at <= now:
        return dict(INACTIVE)
    answer: dict[str, Any] = {
        **(claims or {}),
        "active": True,
        "client_id": token.client_id,
        "exp": token.expires_at,
        "iat": token.issued_at,
        "iss": issuer,
    }
    if token.scope:
        answer["scope"] = token.scope
    answer["sub"] = token.client_id if isinstance(token, ClientCredentials) else token.account_id
    if not isinstance(token, RefreshToken):
        answer["token_type"] = "Bearer"
        answer["aud"] = token.audience[0] if len(token.audience) == 1 else list(token.audience)
    return answer
