"""Core §5: the claims pipeline."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from msgspec import structs

from porta.protocol.claims import (
    RESERVED_CLAIMS,
    STANDARD_CLAIMS,
    Claim,
    Target,
    address,
    build_claims,
    full_name,
    registered_claims,
    scopes_of_claims,
    to_dict,
)
from porta.protocol.claims_request import NO_CLAIMS, ClaimsRequest
from storage.models.claims import ClaimDefinition
from tests.porta.protocol.builders import client, facts, user

_TARGETS: tuple[Target, ...] = get_args(Target)
_EVERYTHING = {
    "given_name": "Ada",
    "middle_name": "King",
    "family_name": "Lovelace",
    "nickname": "ada",
    "preferred_username": "ada.l",
    "profile_url": "https://a.example/p",
    "picture_url": "https://a.example/i",
    "website_url": "https://a.example/w",
    "gender": "female",
    "birthdate": "1815-12-10",
    "zoneinfo": "Europe/London",
    "locale": "en-GB",
    "email_verified": True,
    "phone_number": "+441",
    "address_street": "St James's Square",
    "address_country": "GB",
    "updated_at": 1700000000.9,
}
_ALL = ("openid", "profile", "email", "phone", "address")
_CLIENT = client(scope="openid profile email phone address")


def _definition(name: str, **flags: bool) -> ClaimDefinition:
    return structs.replace(ClaimDefinition(id=name, claim_name=name), **flags)


def _built(
    target: Target = "userinfo",
    scope: tuple[str, ...] = _ALL,
    asked: dict[str, Any] | None = None,
    registered: dict[str, Any] | None = None,
    **about: Any,
) -> dict[str, Any]:
    wanted = ClaimsRequest.from_dict(asked) if asked else NO_CLAIMS
    shop = client(**({"scope": _CLIENT.scope} | (registered or {})))
    return to_dict(build_claims(facts(**about), shop, scope, wanted, target))


def test_userinfo_with_everything() -> None:
    assert _built(user=user(**_EVERYTHING), roles=("admin",), permissions=("a:b:c",)) == {
        "sub": "u-1",
        "name": "Ada King Lovelace",
        "given_name": "Ada",
        "family_name": "Lovelace",
        "middle_name": "King",
        "nickname": "ada",
        "preferred_username": "ada.l",
        "profile": "https://a.example/p",
        "picture": "https://a.example/i",
        "website": "https://a.example/w",
        "gender": "female",
        "birthdate": "1815-12-10",
        "zoneinfo": "Europe/London",
        "locale": "en-GB",
        "updated_at": 1700000000,
        "email": "ada@acme.example",
        "email_verified": True,
        "address": {"street_address": "St James's Square", "country": "GB"},
        "phone_number": "+441",
        "phone_number_verified": False,
        "roles": ["admin"],
        "permissions": ["a:b:c"],
    }


def test_unset_values_are_left_out() -> None:
    expected = {
        "sub": "u-1",
        "email": "ada@acme.example",
        "email_verified": False,
        "roles": [],
        "permissions": [],
    }
    assert _built() == expected
    assert _built(user=user(nickname="", address_street="", phone_number="")) == expected


@pytest.mark.parametrize("missing", ["profile", "email", "phone", "address"])
def test_each_scope_brings_its_own_claims_only(missing: str) -> None:
    scope = tuple(value for value in _ALL if value != missing)
    got = set(_built(user=user(**_EVERYTHING), scope=scope))
    assert got == set(_built(user=user(**_EVERYTHING))) - {
        claim.name for claim in STANDARD_CLAIMS if claim.scope == missing
    }


@pytest.mark.parametrize("target", _TARGETS)
def test_without_openid_there_are_no_roles_and_no_custom_claims(target: Target) -> None:
    got = _built(
        target,
        ("offline_access",),
        registered={"claim_definitions": (_definition("team", include_in_id_token=True),)},
        roles=("admin",),
        claims={"team": "x"},
    )
    assert got == {"sub": "u-1"}


@pytest.mark.parametrize("target", ["id_token", "access_token"])
def test_tokens_hold_roles_but_no_profile(target: Target) -> None:
    got = _built(target, user=user(**_EVERYTHING), roles=("admin",), permissions=("a:b:c",))
    assert got == {"sub": "u-1", "roles": ["admin"], "permissions": ["a:b:c"]}


def test_the_claims_parameter_adds_where_it_asks() -> None:
    asked = {"id_token": {"email": None, "name": {"essential": True}}, "userinfo": {"locale": None}}
    about: dict[str, Any] = {"asked": asked, "scope": ("openid",), "user": user(**_EVERYTHING)}
    base = {"sub": "u-1", "roles": [], "permissions": []}
    assert _built("id_token", **about) == base | {
        "email": "ada@acme.example",
        "name": "Ada King Lovelace",
    }
    assert _built("userinfo", **about) == base | {"locale": "en-GB"}
    assert _built("access_token", **about) == base


def test_the_claims_parameter_never_exceeds_the_registered_scope() -> None:
    got = _built(
        "id_token",
        ("openid",),
        {"id_token": {"email": None, "phone_number": {"essential": True}, "iss": None, "x": None}},
        {"scope": "openid email"},
        user=user(**_EVERYTHING),
    )
    assert got == {"sub": "u-1", "email": "ada@acme.example", "roles": [], "permissions": []}


def test_the_claims_parameter_cannot_change_values() -> None:
    asked = {"userinfo": {"sub": {"value": "u-2"}, "email": {"value": "eve@acme.example"}}}
    got = _built(asked=asked)
    assert (got["sub"], got["email"]) == ("u-1", "ada@acme.example")


@pytest.mark.parametrize("target", _TARGETS)
@pytest.mark.parametrize("included", [True, False])
def test_custom_claims_follow_their_flags(target: Target, included: bool) -> None:
    flags = {f"include_in_{other}": (other == target) is included for other in _TARGETS}
    got = _built(
        target,
        ("openid",),
        {"id_token": {"team": {"essential": True}}, "userinfo": {"team": None}},
        {"claim_definitions": (_definition("team", **flags),)},
        claims={"team": {"id": 7}, "stray": 1},
    )
    assert got.get("team") == ({"id": 7} if included else None)
    assert "stray" not in got


def test_false_and_zero_are_values_and_null_is_none() -> None:
    definitions = tuple(_definition(name) for name in ("flag", "zero", "empty", "none", "unset"))
    got = _built(
        scope=("openid",),
        registered={"claim_definitions": definitions},
        claims={"flag": False, "zero": 0, "empty": "", "none": None},
    )
    assert got == {
        "sub": "u-1",
        "roles": [],
        "permissions": [],
        "flag": False,
        "zero": 0,
        "empty": "",
    }


@pytest.mark.parametrize(
    "name",
    ["sub", "iss", "exp", "roles", "permissions", "email", "scope", "typ", "active", "token_type",
     "username"],
)  # fmt: skip
def test_no_custom_claim_takes_a_reserved_name(name: str) -> None:
    assert name in RESERVED_CLAIMS
    got = _built(
        scope=("openid",),
        registered={"claim_definitions": (_definition(name),)},
        claims={name: "forged"},
    )
    assert "forged" not in got.values()


def test_every_claim_says_where_it_came_from_and_why() -> None:
    shop = client(scope="openid email", claim_definitions=(_definition("team"),))
    asked = ClaimsRequest.from_dict({"userinfo": {"email_verified": None}})
    built = build_claims(facts(roles=("r",), claims={"team": 1}), shop, ("openid",), asked)
    assert built == [
        Claim("sub", "u-1", "users.id", "always"),
        Claim("email_verified", False, "users.email_verified", "claims parameter"),
        Claim("roles", ["r"], "roles", "scope openid"),
        Claim("permissions", [], "permissions", "scope openid"),
        Claim("team", 1, "custom_claim_values", "claim definition"),
    ]
    assert build_claims(facts(), shop, ("email",))[1] == Claim(
        "email", "ada@acme.example", "users.email", "scope email"
    )


@pytest.mark.parametrize("target", _TARGETS)
def test_a_third_party_gets_what_was_consented_to(target: Target) -> None:
    definitions = (
        _definition("team", include_in_id_token=True),
        _definition("later", include_in_id_token=True),
    )
    third = client(is_first_party=False, claim_definitions=definitions)
    about = facts(roles=("r",), claims={"team": 1, "later": 2})

    def told(*consented: str) -> set[str]:
        built = build_claims(about, third, ("openid",), NO_CLAIMS, target, consented)
        return set(to_dict(built)) - {"sub"}

    assert told() == set()
    assert told("team") == {"team"}
    assert told("roles", "permissions", "team") == {"roles", "permissions", "team"}
    assert told("team", "unheard-of") == {"team"}


def test_a_request_keeps_the_claims_that_the_client_is_registered_for() -> None:
    asked = {"email": None, "phone_number": {"essential": True}, "acr": None, "team": None}
    kept = registered_claims(
        ClaimsRequest.from_dict({"id_token": asked, "userinfo": asked}),
        client(scope="openid email"),
    )
    assert set(kept.id_token) == set(kept.userinfo) == {"email", "acr", "team"}


def test_full_name_joins_what_there_is() -> None:
    assert full_name(user(given_name="Ada", family_name="Lovelace")) == "Ada Lovelace"
    assert full_name(user(middle_name="King", given_name="")) == "King"
    assert full_name(user()) is None


def test_address_has_every_part_that_is_set() -> None:
    parts = {
        "address_street": "1",
        "address_locality": "2",
        "address_region": "3",
        "address_postal_code": "4",
        "address_country": "5",
    }
    assert address(user(**parts)) == {
        "street_address": "1",
        "locality": "2",
        "region": "3",
        "postal_code": "4",
        "country": "5",
    }
    assert address(user()) is None


def test_scopes_of_claims() -> None:
    assert scopes_of_claims(["email_verified", "name", "email", "sub", "team"]) == (
        "profile",
        "email",
    )
    assert scopes_of_claims([]) == ()
