"""RFC 9068 §2.2, RFC 6749 §5.1."""

from __future__ import annotations

from typing import Any

from porta.protocol.tokens.access_token import build_access_token, build_token_response
from tests.factories import ISSUER, NOW


def _built(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "issuer": ISSUER,
        "subject": "u-1",
        "client_id": "shop",
        "audience": (ISSUER,),
        "scope": (),
        "issued_at": NOW,
        "expires_at": NOW + 60,
        "jti": "j",
    }
    return build_access_token(**(fields | changes))


_LEAST = {
    "iss": ISSUER,
    "sub": "u-1",
    "aud": ISSUER,
    "client_id": "shop",
    "iat": NOW,
    "exp": NOW + 60,
    "jti": "j",
}


def test_the_least_has_every_required_claim() -> None:
    assert _built() == _LEAST


def test_the_most() -> None:
    assert _built(
        audience=("urn:a", ISSUER),
        scope=("openid", "a:read"),
        auth_time=NOW,
        acr="a",
        amr=("pwd",),
        claims={"roles": ["r"], "sub": "forged", "aud": "forged", "jti": "forged"},
    ) == _LEAST | {
        "aud": ["urn:a", ISSUER],
        "scope": "openid a:read",
        "auth_time": NOW,
        "acr": "a",
        "amr": ["pwd"],
        "roles": ["r"],
    }


def test_token_response() -> None:
    assert build_token_response(access_token="a", expires_in=60) == {
        "access_token": "a",
        "token_type": "Bearer",
        "expires_in": 60,
    }
    assert build_token_response(
        access_token="a", expires_in=60, scope=("openid",), id_token="i", refresh_token="r"
    ) == {
        "access_token": "a",
        "token_type": "Bearer",
        "expires_in": 60,
        "scope": "openid",
        "id_token": "i",
        "refresh_token": "r",
    }
