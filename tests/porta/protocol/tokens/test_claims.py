"""Core §5: the claims pipeline."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from msgspec import structs

from porta.protocol.requests.claims_request import NO_CLAIMS, ClaimsRequest
from porta.protocol.tokens.claim_size import LIMIT
from porta.protocol.tokens.claim_sources import Release
from porta.protocol.tokens.claim_trace import Claim, Target
from porta.protocol.tokens.claims import (
    build_claims,
    claims_with_openid,
    registered_claims,
    scopes_of_claims,
)
from porta.protocol.tokens.standard_claims import (
    RESERVED_CLAIMS,
    STANDARD_CLAIMS,
    address,
    find_roles_claim_problem,
    full_name,
)
from storage.models.claims import ClaimDefinition
from tests.factories import ISSUER, client, facts, organization, user

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
_REGISTERED = "openid profile email phone address"
_DEFINED = {"defines_roles": True, "defines_permissions": True}


def _definition(name: str, **flags: bool) -> ClaimDefinition:
    return structs.replace(ClaimDefinition(id=name, claim_name=name, claim_type="json"), **flags)


def _built(
    target: Target = "userinfo",
    scope: tuple[str, ...] = _ALL,
    asked: dict[str, Any] | None = None,
    registered: dict[str, Any] | None = None,
    house: dict[str, Any] | None = None,
    **about: Any,
) -> dict[str, Any]:
    wanted = ClaimsRequest.from_dict(asked) if asked else NO_CLAIMS
    shop = client(**({"scope": _REGISTERED} | _DEFINED | (registered or {})))
    released = Release(facts(**about), shop, organization(**(house or {})), ISSUER, scope)
    return build_claims(released, wanted, target).document


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
    house = {"email_as_username": False}
    assert _built(house=house) == expected
    empty = user(nickname="", address_street="", phone_number="", preferred_username="")
    assert _built(house=house, user=empty) == expected


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
    shop = client(scope="openid email", claim_definitions=(_definition("team"),), **_DEFINED)
    asked = ClaimsRequest.from_dict({"userinfo": {"email_verified": None}})
    about, house = facts(roles=("r",), claims={"team": 1}), organization()
    built = build_claims(Release(about, shop, house, ISSUER, ("openid",)), asked)
    assert built.claims == [
        Claim("sub", "u-1", "users.id", "always"),
        Claim("email_verified", False, "users.email_verified", "claims parameter"),
        Claim("roles", ["r"], "roles", "scope openid"),
        Claim("permissions", [], "permissions", "scope openid"),
        Claim("team", 1, "custom_claim_values", "claim definition"),
    ]
    assert build_claims(Release(facts(), shop, house, ISSUER, ("email",))).claims[1] == Claim(
        "email", "ada@acme.example", "users.email", "scope email"
    )


@pytest.mark.parametrize("target", _TARGETS)
def test_a_third_party_gets_what_was_consented_to(target: Target) -> None:
    definitions = (
        _definition("team", include_in_id_token=True),
        _definition("later", include_in_id_token=True),
    )
    third = client(is_first_party=False, claim_definitions=definitions, **_DEFINED)
    about = facts(roles=("r",), claims={"team": 1, "later": 2})

    def told(*consented: str) -> set[str]:
        released = Release(about, third, organization(), ISSUER, ("openid",), consented)
        return set(build_claims(released, NO_CLAIMS, target).document) - {"sub"}

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


# what finished applications look for


@pytest.mark.parametrize("target", _TARGETS)
def test_W1_what_the_application_does_not_define_is_in_no_token(target: Target) -> None:
    """Conformance W1: nobody asked for `roles: []`."""
    nothing = {"defines_roles": False, "defines_permissions": False}
    for scope in (("openid",), _ALL):
        assert not {"roles", "permissions"} & _built(target, scope, registered=nothing).keys()
    only = _built(target, ("openid",), registered=nothing | {"defines_roles": True})
    assert only == {"sub": "u-1", "roles": []}
    only = _built(target, ("openid",), registered=nothing | {"defines_permissions": True})
    assert only == {"sub": "u-1", "permissions": []}


def test_W1_a_role_that_was_defined_a_moment_ago_is_told() -> None:
    """What is known of the application may be a minute old; what is read of the person is not."""
    nothing = {"defines_roles": False, "defines_permissions": False}
    got = _built(scope=("openid",), registered=nothing, roles=("r",), permissions=("a:b:c",))
    assert (got["roles"], got["permissions"]) == (["r"], ["a:b:c"])


@pytest.mark.parametrize("defined", [(), ("roles",), ("permissions",), ("roles", "permissions")])
def test_W1_consent_names_what_the_application_defines(defined: tuple[str, ...]) -> None:
    flags = {f"defines_{name}": name in defined for name in ("roles", "permissions")}
    third = client(is_first_party=False, **flags)
    assert claims_with_openid(third, ("openid", "email")) == defined
    assert claims_with_openid(third, ("email",)) == ()


_CUSTOM = (
    _definition("team"),
    _definition("badge", include_in_id_token=True, include_in_userinfo=False),
    _definition("internal", include_in_userinfo=False),
)
_FILLED = {"claim_definitions": _CUSTOM, "id_token_claims": True}
_VALUES = {"team": ["a", "b"], "badge": 7, "internal": "x"}


@pytest.mark.parametrize("scope", [_ALL, ("openid",), ("openid", "email"), ("openid", "profile")])
@pytest.mark.parametrize(
    ("own", "organizations", "filled"),
    [
        *[(None, True, True), (True, False, True), (True, True, True)],
        *[(None, False, False), (False, True, False), (False, False, False)],
    ],
)
def test_applications_F1_the_id_token_holds_what_userinfo_does_where_it_is_said(
    scope: tuple[str, ...], own: bool | None, organizations: bool, filled: bool
) -> None:
    about: dict[str, Any] = {"user": user(**_EVERYTHING), "claims": _VALUES, "roles": ("admin",)}
    plain = {"claim_definitions": _CUSTOM}
    before = _built("id_token", scope, registered=plain, **about)
    got = _built(
        "id_token",
        scope,
        registered=plain | {"id_token_claims": own},
        house={"id_token_claims": organizations},
        **about,
    )
    userinfo = _built("userinfo", scope, registered=plain, **about)
    assert set(before) == {"sub", "roles", "permissions", "badge"}
    assert got == (before | userinfo if filled else before)
    assert "internal" not in got
    assert "email" not in _built("access_token", scope, registered=plain | _FILLED, **about)


def test_B37_the_switch_adds_no_claim_of_a_scope_that_was_not_granted() -> None:
    """Reports B-37: registered is not granted, and the `claims` parameter asks where it asks."""
    asked = {"userinfo": {"phone_number": None}}
    about: dict[str, Any] = {"user": user(**_EVERYTHING), "asked": asked}
    got = _built("id_token", ("openid", "email"), registered=_FILLED, **about)
    assert set(got) == {"sub", "email", "email_verified", "roles", "permissions"}


def test_B37_a_third_party_is_told_in_the_id_token_what_was_consented_to() -> None:
    third = client(is_first_party=False, scope=_REGISTERED, **_FILLED, **_DEFINED)
    about = facts(user=user(**_EVERYTHING), roles=("r",), claims=_VALUES)
    for consented in ((), ("badge",), ("team", "roles")):
        released = Release(about, third, organization(), ISSUER, ("openid", "email"), consented)
        got = set(build_claims(released, NO_CLAIMS, "id_token").document)
        assert got == {"sub", "email", "email_verified", *consented}


def test_applications_F1_an_id_token_stays_small_enough_for_a_url() -> None:
    """What does not fit goes elsewhere whole, what comes after it does not."""
    values = {"team": "x" * LIMIT, "badge": "y" * (LIMIT - 1500)}
    about: dict[str, Any] = {"user": user(**_EVERYTHING), "claims": values}
    got = _built("id_token", registered=_FILLED, **about)
    assert {"email", "name"} <= got.keys()
    assert "team" not in got
    assert got["_claim_names"] == {"team": "userinfo"}
    assert got["badge"] == values["badge"], "marked for the ID token by its definition"
    many = tuple(_definition(f"c{n:02}") for n in range(99))
    filled = _FILLED | {"claim_definitions": many}
    every = {definition.claim_name: "z" * 90 for definition in many}
    got = _built("id_token", registered=filled, user=user(), claims=every)
    assert LIMIT * 0.9 < len(json.dumps(got, separators=(",", ":"))) <= LIMIT
    assert got["_claim_names"].keys() | got.keys() >= every.keys()
    assert set(_built("userinfo", registered=filled, claims=every)) >= every.keys()


def test_applications_F1_a_claim_says_that_the_switch_released_it() -> None:
    released = Release(facts(), client(**_FILLED), organization(), ISSUER, ("openid", "email"))
    assert build_claims(released, NO_CLAIMS, "id_token").claims[1] == Claim(
        "email", "ada@acme.example", "users.email", "scope email, id_token_claims"
    )


@pytest.mark.parametrize("field", [None, ""])
def test_applications_F5_the_user_name_is_the_address_where_there_is_none(
    field: str | None,
) -> None:
    nameless = user(preferred_username=field)
    got = _built(scope=("openid", "profile"), user=nameless)
    assert got["preferred_username"] == "ada@acme.example"
    asked = {"id_token": {"preferred_username": None}}
    got = _built("id_token", ("openid",), asked, user=nameless)
    assert got["preferred_username"] == "ada@acme.example"
    assert "preferred_username" not in _built(scope=("openid", "email"), user=nameless)
    named = user(preferred_username="ada")
    assert _built(scope=("openid", "profile"), user=named)["preferred_username"] == "ada"


def test_applications_F5_an_organization_may_want_no_address_for_a_name() -> None:
    got = _built(scope=("openid", "profile"), house={"email_as_username": False})
    assert "preferred_username" not in got


def test_applications_F5_a_third_party_learns_the_address_by_its_own_scope_alone() -> None:
    third = client(is_first_party=False, scope=_REGISTERED)

    def told(*scope: str) -> set[str]:
        released = Release(facts(), third, organization(), ISSUER, scope)
        return set(build_claims(released).document)

    assert told("openid", "profile") == {"sub"}
    assert told("profile", "email") == {"sub", "preferred_username", "email", "email_verified"}


def test_applications_F5_a_name_is_made_of_its_parts() -> None:
    got = _built(scope=("profile",), user=user(given_name="Bob", family_name="Baker"))
    assert got["name"] == "Bob Baker"


@pytest.mark.parametrize("target", _TARGETS)
@pytest.mark.parametrize("name", ["groups", "realm.roles", "https://acme.test/roles", "roles"])
def test_applications_F9_roles_come_under_the_name_that_the_client_wants(
    target: Target, name: str
) -> None:
    registered = {"roles_claim": name, "claim_definitions": (_definition("groups"),)}
    about: dict[str, Any] = {"roles": ("staff",), "permissions": ("a:b:c",)}
    got = _built(target, ("openid",), registered=registered, claims={"groups": "own"}, **about)
    assert got.pop(name) == ["staff"]
    other = {"groups": "own"} if name != "groups" and target != "id_token" else {}
    assert got == {"sub": "u-1", "permissions": ["a:b:c"]} | other


@pytest.mark.parametrize("name", ["sub", "email", "permissions", "iss", "active"])
@pytest.mark.parametrize("target", _TARGETS)
def test_applications_F9_a_row_that_names_a_reserved_claim_changes_none(
    target: Target, name: str
) -> None:
    about: dict[str, Any] = {"roles": ("u-2",), "permissions": ("a:b:c",)}
    got = _built(target, registered={"roles_claim": name}, **about)
    assert got == _built(target, **about)


def test_applications_F9_a_third_party_needs_consent_for_roles_of_any_name() -> None:
    third = client(is_first_party=False, roles_claim="groups", **_DEFINED)
    about = facts(roles=("r",))
    for consented, told in (((), set()), (("groups",), set()), (("roles",), {"groups"})):
        released = Release(about, third, organization(), ISSUER, ("openid",), consented)
        assert set(build_claims(released).document) - {"sub"} == told
    assert claims_with_openid(third, ("openid",)) == ("roles", "permissions")


@pytest.mark.parametrize(
    "name",
    [
        *sorted(RESERVED_CLAIMS - {"roles"}),
        *("", " ", "a b", "1a", "_a", "a\n", "a\x00", "ä", "a" * 101, '"', "__proto__"),
    ],
)
def test_applications_F9_no_claim_with_a_meaning_of_its_own_is_overwritten(name: str) -> None:
    assert find_roles_claim_problem(name) is not None


@pytest.mark.parametrize("name", ["iss", "aud", "exp", "nonce", "sub", "client_id", "jti", "email"])
def test_applications_F9_the_names_that_matter_are_among_them(name: str) -> None:
    assert name in RESERVED_CLAIMS
