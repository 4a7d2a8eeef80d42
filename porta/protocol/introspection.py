"""Token introspection (RFC 7662): who may ask, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from storage.models.artifacts import AccessToken, ClientCredentials, RefreshToken
from storage.models.clients import Client

INACTIVE: Mapping[str, Any] = {"active": False}
"""The answer for what is unknown, dead, or none of the caller's business (RFC 7662 §2.2)."""

Token = AccessToken | ClientCredentials | RefreshToken


def may_introspect(caller: Client, token: Token, holder: Client) -> bool:
    """Tell whether `caller`, authenticated, has a right to know `token` (RFC 7662 §4).

    `holder` is the client it was issued to. A confidential client may ask about its own tokens,
    and a first-party one about access tokens of its application: that is how the API behind a web
    or mobile client learns what it was sent. A third party knows what it was consented to itself.
    """
    if caller.client_type != "confidential" or caller.organization_id != token.organization_id:
        return False
    if token.client_id == caller.client_id:
        return True
    if isinstance(token, RefreshToken) or not caller.is_first_party:
        return False
    return holder.application_id == caller.application_id


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
