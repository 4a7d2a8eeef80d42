"""RFC 7662."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from porta.protocol.tokens.introspection import INACTIVE, Token, build_introspection, may_introspect
from tests.factories import (
    ISSUER,
    NOW,
    access_token,
    api,
    client,
    client_credentials,
    family,
    refresh_token,
)

_COMMON: dict[str, Any] = {
    "id": "digest",
    "organization_id": "o-1",
    "client_id": "shop",
    "scope": "openid",
    "issued_at": NOW - 10,
    "expires_at": NOW + 50,
}
_FAMILY = family(client(), "u-1")
_ACCESS = access_token(_FAMILY, **_COMMON, audience=("https://api.example", ISSUER))
_MACHINE = client_credentials(client(), "", **_COMMON | {"scope": ""}, audience=(ISSUER,))
_REFRESH = refresh_token(_FAMILY, **_COMMON, authenticated_at=NOW - 20)
_ALIVE = {
    "active": True,
    "client_id": "shop",
    "exp": NOW + 50,
    "iat": NOW - 10,
    "iss": ISSUER,
}


_API = api("https://api.example", introspection_clients=("api-backend", "other"))
_BACKEND = {"client_id": "api-backend", "application_id": "a-2"}
_ALL: tuple[Token, ...] = (_ACCESS, _MACHINE, _REFRESH)


@pytest.mark.parametrize("token", _ALL)
def test_a_client_may_ask_about_its_own(token: Token) -> None:
    assert may_introspect(client(), token, ())
    assert may_introspect(client(is_first_party=False), token, ())
    assert not may_introspect(client(client_type="public"), token, (_API,))
    assert not may_introspect(client(organization_id="o-2"), token, (_API,))


@pytest.mark.parametrize("token", _ALL)
@pytest.mark.parametrize("caller", [_BACKEND, _BACKEND | {"application_id": "a-1"}])
def test_no_other_may_for_its_application_or_its_own_sake(
    token: Token, caller: dict[str, Any]
) -> None:
    assert not may_introspect(client(**caller), token, ())
    assert not may_introspect(client(**caller), token, (api("https://api.example"),))


def test_one_that_an_api_resource_of_the_audience_names_may() -> None:
    assert may_introspect(client(**_BACKEND), _ACCESS, (api("urn:x"), _API))
    assert not may_introspect(client(**_BACKEND), _MACHINE, (_API,)), "of another audience"
    elsewhere = api("urn:x", introspection_clients=("api-backend",))
    assert not may_introspect(client(**_BACKEND), _ACCESS, (elsewhere,))
    assert not may_introspect(client(**_BACKEND, client_type="public"), _ACCESS, (_API,))
    assert not may_introspect(client(**_BACKEND, organization_id="o-2"), _ACCESS, (_API,))
    theirs = structs.replace(_API, organization_id="o-2")
    assert not may_introspect(client(**_BACKEND), _ACCESS, (theirs,))
    assert not may_introspect(client(**_BACKEND), _REFRESH, (_API,))


@pytest.mark.parametrize("client_id", ["API-BACKEND", "api-backend ", "api", "", "api-backend,x"])
def test_a_client_is_named_by_its_whole_client_id(client_id: str) -> None:
    assert not may_introspect(client(**_BACKEND | {"client_id": client_id}), _ACCESS, (_API,))


@pytest.mark.parametrize("token", _ALL)
def test_one_that_an_administrator_lets_may_ask_about_everything(token: Token) -> None:
    allowed = _BACKEND | {"introspects_organization": True}
    assert may_introspect(client(**allowed), token, ())
    assert not may_introspect(client(**allowed, client_type="public"), token, ())
    assert not may_introspect(client(**allowed, organization_id="o-2"), token, ())


@pytest.mark.parametrize("token", _ALL)
def test_an_audience_names_no_client(token: Token) -> None:
    """It holds URIs of API resources: a client that is called like one has no right to it."""
    named = _BACKEND | {"client_id": "https://api.example"}
    assert not may_introspect(client(**named), token, (_API,))


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
