"""RFC 7662."""

from __future__ import annotations

from typing import Any

import pytest

from porta.protocol.introspection import INACTIVE, Token, build_introspection, may_introspect
from storage.models.artifacts import AccessToken, ClientCredentials, RefreshToken
from tests.porta.protocol.builders import ISSUER, NOW, client

_COMMON: dict[str, Any] = {
    "id": "digest",
    "organization_id": "o-1",
    "client_id": "shop",
    "scope": "openid",
    "issued_at": NOW - 10,
    "expires_at": NOW + 50,
}
_ACCESS = AccessToken(
    **_COMMON, account_id="u-1", family_id="f", audience=("https://api.example", ISSUER)
)
_MACHINE = ClientCredentials(**_COMMON | {"scope": ""}, audience=(ISSUER,))
_REFRESH = RefreshToken(
    **_COMMON, account_id="u-1", family_id="f", generation=0, authenticated_at=NOW - 20
)
_ALIVE = {
    "active": True,
    "client_id": "shop",
    "exp": NOW + 50,
    "iat": NOW - 10,
    "iss": ISSUER,
}


_HOLDER = client()
_OTHER = {"client_id": "api-backend", "application_id": "a-2"}


@pytest.mark.parametrize("token", [_ACCESS, _MACHINE, _REFRESH])
def test_a_client_may_ask_about_its_own(token: Token) -> None:
    assert may_introspect(client(), token, _HOLDER)
    assert may_introspect(client(is_first_party=False), token, _HOLDER)
    assert not may_introspect(client(client_type="public"), token, _HOLDER)
    assert not may_introspect(client(**_OTHER), token, _HOLDER)
    assert not may_introspect(client(organization_id="o-2"), token, _HOLDER)


@pytest.mark.parametrize("token", [_ACCESS, _MACHINE])
def test_a_sibling_of_its_application_may_ask_about_access_tokens(token: Token) -> None:
    sibling = _OTHER | {"application_id": "a-1"}
    assert may_introspect(client(**sibling), token, _HOLDER)
    assert not may_introspect(client(**sibling, is_first_party=False), token, _HOLDER)
    assert not may_introspect(client(**sibling), _REFRESH, _HOLDER)
    assert not may_introspect(client(**sibling, client_type="public"), token, _HOLDER)
    assert not may_introspect(client(**sibling, organization_id="o-2"), token, _HOLDER)


@pytest.mark.parametrize("token", [_ACCESS, _MACHINE, _REFRESH])
def test_an_audience_names_no_client(token: Token) -> None:
    """It holds URIs of API resources: a client that is called like one has no right to it."""
    named = _OTHER | {"client_id": "https://api.example"}
    assert not may_introspect(client(**named), token, _HOLDER)


def test_access_token() -> None:
    assert build_introspection(_ACCESS, ISSUER, NOW) == _ALIVE | {
        "aud": ["https://api.example", ISSUER],
        "scope": "openid",
        "sub": "u-1",
        "token_type": "Bearer",
    }


def test_client_credentials() -> None:
    assert build_introspection(_MACHINE, ISSUER, NOW) == _ALIVE | {
        "aud": ISSUER,
        "sub": "shop",
        "token_type": "Bearer",
    }


def test_refresh_token() -> None:
    assert build_introspection(_REFRESH, ISSUER, NOW) == _ALIVE | {"scope": "openid", "sub": "u-1"}


def test_claims_are_added_and_never_override() -> None:
    answer = build_introspection(_ACCESS, ISSUER, NOW, {"roles": ["r"], "active": 0, "sub": "x"})
    assert answer["roles"] == ["r"]
    assert answer["active"] is True
    assert answer["sub"] == "u-1"


@pytest.mark.parametrize("token", [_ACCESS, _MACHINE, _REFRESH])
def test_an_expired_token_is_inactive(token: Token) -> None:
    answer = build_introspection(token, ISSUER, NOW + 50, {"roles": []})
    assert answer == {"active": False}
    assert answer is not INACTIVE
    assert build_introspection(token, ISSUER, NOW + 49)["active"] is True
