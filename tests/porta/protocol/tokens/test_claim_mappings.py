"""Claim mappings: what may be registered, and what a client is told by them."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from porta.errors import spell_path
from porta.protocol.clients.client_metadata import InvalidMetadata, validate
from porta.protocol.tokens.claim_mappings import (
    MAX_DEPTH,
    MAX_MAPPINGS,
    parse_path,
    read_claim_mappings,
    to_entry,
)
from porta.protocol.tokens.claim_sources import Release
from porta.protocol.tokens.claim_trace import Claim, Target
from porta.protocol.tokens.claims import build_claims, claims_with_openid
from porta.protocol.tokens.standard_claims import RESERVED_CLAIMS, ROLE_CLAIMS
from storage.models.claims import CLAIM_TARGETS, ClaimDefinition, ClaimMapping
from tests.factories import ISSUER, client, facts, organization

_TARGETS: tuple[Target, ...] = get_args(Target)
_LEAST: dict[str, Any] = {"client_name": "Shop", "redirect_uris": ["https://shop.example/cb"]}
_BOTH = {"defines_roles": True, "defines_permissions": True}


def _registered(*mappings: Any, **more: Any) -> tuple[ClaimMapping, ...]:
    return validate(_LEAST | {"claim_mappings": list(mappings)} | more).claim_mappings


def _problems(mappings: Any, **more: Any) -> list[str]:
    with pytest.raises(InvalidMetadata) as caught:
        validate(_LEAST | {"claim_mappings": mappings} | more)
    return [spell_path(problem.path) for problem in caught.value.problems]


def _map(source: str, claim: Any, *targets: str) -> dict[str, Any]:
    return {"source": source, "claim": claim} | ({"targets": list(targets)} if targets else {})


def _told(
    target: Target, *mappings: ClaimMapping, about: dict[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    shop = client(claim_mappings=mappings, **_BOTH | changes)
    person = facts(**{"roles": ("staff",), "permissions": ("a:b:c",)} | (about or {}))
    release = Release(person, shop, organization(), ISSUER, ("openid",), changes.get("seen", ()))
    built = build_claims(release, target=target).document
    assert built.pop("sub") == "u-1"
    return built


def _definition(name: str, **flags: bool) -> ClaimDefinition:
    return structs.replace(ClaimDefinition(id=name, claim_name=name, claim_type="json"), **flags)


# what may be registered


@pytest.mark.parametrize(
    ("claim", "path"),
    [
        ("groups", ("groups",)),
        ("realm_access.roles", ("realm_access", "roles")),
        ("resource_access.{client_id}.roles", ("resource_access", "{client_id}", "roles")),
        ("https://acme.test/roles", ("https://acme.test/roles",)),
        (["https://acme.test/roles"], ("https://acme.test/roles",)),
        (["a.b", "c"], ("a.b", "c")),
    ],
)
def test_applications_F9_a_claim_is_a_name_or_a_path(claim: Any, path: tuple[str, ...]) -> None:
    (mapping,) = _registered(_map("roles", claim))
    assert mapping == ClaimMapping("roles", path, CLAIM_TARGETS)
    assert _registered(to_entry(mapping)) == (mapping,)
    assert _registered(mapping) == (mapping,), "a client that exists is registered as it is"


def test_targets_are_all_or_some() -> None:
    (mapping,) = _registered(_map("roles", "groups", "userinfo", "id_token", "userinfo"))
    assert mapping.targets == ("id_token", "userinfo")


_NAMES = ("groups", "realm_access.roles", "x.y.z", "https://acme.test/a", "a-b", "A:1")


@given(
    st.lists(
        st.tuples(st.sampled_from(("roles", "permissions", "team")), st.sampled_from(_NAMES)),
        max_size=MAX_MAPPINGS,
        unique_by=lambda each: each[1],
    )
)
def test_what_was_read_is_read_again(mappings: list[tuple[str, str]]) -> None:
    read = _registered(*(_map(*each) for each in mappings))
    assert _registered(*map(to_entry, read)) == read


@pytest.mark.parametrize(
    "name",
    [
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "acr", "amr", "auth_time"),
        *("at_hash", "c_hash", "azp", "sid", "cnf", "act", "scope", "scp", "client_id", "events"),
        *("active", "token_type", "username", "_claim_names", "_claim_sources", "email"),
        *("email_verified", "preferred_username", "name", "address", "permissions"),
        *("authorization_details", "may_act", "sub_id", "verified_claims", "typ"),
    ],
)
@pytest.mark.parametrize("source", ["roles", "team"])
def test_security_no_claim_with_a_meaning_of_its_own_is_overwritten(name: str, source: str) -> None:
    """Whole, as the outermost member of a path, and in every target."""
    assert name in RESERVED_CLAIMS
    for claim in (name, f"{name}.roles", [name], [name, "roles"]):
        assert _problems([_map(source, claim)]) == ["claim_mappings[0].claim"]
        assert _problems([_map(source, claim, "userinfo")]) == ["claim_mappings[0].claim"]


def test_roles_keep_their_name_where_a_mapping_says_where_they_go() -> None:
    for name in ROLE_CLAIMS:
        assert _registered(_map(name, name, "userinfo"))[0].path == (name,)
    assert _problems([_map("roles", "roles.all")]) == ["claim_mappings[0].claim"]
    assert _problems([_map("team", "roles")]) == ["claim_mappings[0].claim"]


def test_a_client_id_is_never_the_outermost_member() -> None:
    """A client whose id is `iss` would be told its roles as the issuer."""
    assert _problems([_map("roles", "{client_id}")]) == ["claim_mappings[0].claim"]
    assert _problems([_map("roles", "{client_id}.roles")]) == ["claim_mappings[0].claim"]
    assert _registered(_map("roles", "x.{client_id}"))


@pytest.mark.parametrize(
    "claim",
    [
        *("", ".", "a.", ".a", "a..b", " ", "a b", "1a", "_a", "__proto__", "a\n", "a\x00", "ä"),
        *("a" * 101, "x." + "b" * 101, ".".join("a" * (MAX_DEPTH + 1)), "a.{client}", "{x}", "a.{"),
        *('"', "a.\u202eb", [], [""], ["a", ""], ["a", 1], 5, None, True, {"a": 1}),
    ],
)
def test_no_other_name_or_path_is_one(claim: Any) -> None:
    assert _problems([_map("roles", claim)]) == ["claim_mappings[0].claim"]


@pytest.mark.parametrize(
    "source",
    ["", "email", "sub", "iss", "Roles", "a b", "ä", 5, None, ["roles"], "a" * 101, "team."],
)
def test_only_roles_permissions_and_custom_claims_are_mapped(source: Any) -> None:
    assert _problems([_map(source, "groups")]) == ["claim_mappings[0].source"]


@pytest.mark.parametrize("targets", [[], "userinfo", ["jwt"], [None], [1], ["userinfo", "x"], {}])
def test_only_targets_that_there_are(targets: Any) -> None:
    mapping = _map("roles", "groups") | {"targets": targets}
    assert _problems([mapping]) == ["claim_mappings[0].targets"]


@pytest.mark.parametrize(
    "mappings",
    [
        "roles",
        5,
        {},
        {"source": "roles"},
        [_map("roles", f"g{n}") for n in range(MAX_MAPPINGS + 1)],
    ],
)
def test_there_are_so_many_mappings(mappings: Any) -> None:
    assert _problems(mappings) == ["claim_mappings"]
    assert len(_registered(*(_map("roles", f"g{n}") for n in range(MAX_MAPPINGS)))) == MAX_MAPPINGS


@pytest.mark.parametrize(
    "entry", ["roles", None, 5, [], {"x": 1}, _map("roles", "a") | {"to": "b"}]
)
def test_an_entry_is_an_object_of_known_members(entry: Any) -> None:
    paths = _problems([_map("team", "team"), entry])
    assert paths
    assert all(path.startswith("claim_mappings[1]") for path in paths)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *[("groups", "groups"), ("a.b", "a"), ("a", "a.b"), ("a.b.c", "a.b"), ("a.b", ["a.b"])],
        ("https://acme.test/a", ["https://acme.test/a", "b"]),
    ],
)
def test_two_mappings_never_have_one_place(one: Any, other: Any) -> None:
    mappings = [_map("roles", one), _map("permissions", other)]
    assert _problems(mappings) == ["claim_mappings[1].claim"]
    assert _registered(_map("roles", "a.b"), _map("permissions", "a.c"), _map("roles", "d"))


def test_one_word_at_a_time_for_roles() -> None:
    mapping = _map("roles", "realm_access.roles")
    assert _problems([mapping], roles_claim="groups") == ["roles_claim"]
    assert _registered(_map("permissions", "rights"), roles_claim="groups")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(("source", "claim", "targets", "x")), inner, max_size=4
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_refused(raw: Any) -> None:
    problems: list[str] = []
    read_claim_mappings(raw, lambda path, message: problems.append(message))
    assert problems or isinstance(raw, list)


# what a client is told


@pytest.mark.parametrize("target", _TARGETS)
@pytest.mark.parametrize(
    ("path", "document"),
    [
        (("groups",), {"groups": ["staff"]}),
        (("realm_access", "roles"), {"realm_access": {"roles": ["staff"]}}),
        (
            ("resource_access", "{client_id}", "roles"),
            {"resource_access": {"shop": {"roles": ["staff"]}}},
        ),
        (("https://acme.test/roles",), {"https://acme.test/roles": ["staff"]}),
    ],
)
def test_applications_F9_roles_are_told_where_the_client_looks(
    target: Target, path: tuple[str, ...], document: dict[str, Any]
) -> None:
    told = _told(target, ClaimMapping("roles", path))
    assert told == document | {"permissions": ["a:b:c"]}


@pytest.mark.parametrize("target", _TARGETS)
@pytest.mark.parametrize("targets", [("id_token",), ("userinfo", "access_token"), CLAIM_TARGETS])
def test_applications_F9_and_in_the_targets_it_names(
    target: Target, targets: tuple[str, ...]
) -> None:
    told = _told(target, ClaimMapping("roles", ("groups",), targets))
    assert ("groups" in told) is (target in targets)
    assert "roles" not in told, "what is mapped stands nowhere else"


def test_mappings_share_an_object_and_a_source() -> None:
    assert _told(
        "userinfo",
        ClaimMapping("roles", ("realm_access", "roles")),
        ClaimMapping("permissions", ("realm_access", "rights")),
        ClaimMapping("roles", ("roles",)),
    ) == {"realm_access": {"roles": ["staff"], "rights": ["a:b:c"]}, "roles": ["staff"]}


def test_roles_that_nobody_has_are_told_as_none() -> None:
    mapping = ClaimMapping("roles", ("realm_access", "roles"))
    assert _told("id_token", mapping, about={"roles": ()})["realm_access"] == {"roles": []}
    bare = {"defines_roles": False, "defines_permissions": False}
    assert _told("id_token", mapping, about={"roles": (), "permissions": ()}, **bare) == {}


@pytest.mark.parametrize("target", _TARGETS)
@pytest.mark.parametrize("included", [True, False])
def test_a_mapping_never_widens_what_a_definition_says(target: Target, included: bool) -> None:
    flags = {f"include_in_{other}": (other == target) is included for other in _TARGETS}
    told = _told(
        target,
        ClaimMapping("team", ("acme", "team")),
        claim_definitions=(_definition("team", **flags),),
        about={"claims": {"team": {"id": 7}}},
    )
    assert told.get("acme") == ({"team": {"id": 7}} if included else None)
    assert "team" not in told


def test_a_custom_claim_whose_name_a_mapping_has_is_not_told() -> None:
    definitions = (_definition("groups"), _definition("realm_access"), _definition("level"))
    told = _told(
        "userinfo",
        ClaimMapping("roles", ("realm_access", "roles")),
        ClaimMapping("level", ("groups",)),
        claim_definitions=definitions,
        about={"claims": {"groups": "own", "realm_access": {"x": 1}, "level": 3}},
    )
    assert told == {
        "realm_access": {"roles": ["staff"]}, "groups": 3, "permissions": ["a:b:c"],
    }  # fmt: skip


@pytest.mark.parametrize("target", _TARGETS)
@pytest.mark.parametrize("name", ["sub", "iss", "email", "scope", "permissions", "__proto__", ""])
def test_security_a_row_that_maps_to_a_reserved_claim_tells_nothing(
    target: Target, name: str
) -> None:
    for path in ((name,), (name, "x"), ("x", name) if name in ("", "__proto__") else (name,)):
        told = _told(target, ClaimMapping("roles", path))
        assert told == {"permissions": ["a:b:c"]}
    assert _told(target, ClaimMapping("roles", ())) == {"permissions": ["a:b:c"]}


@pytest.mark.parametrize("target", _TARGETS)
def test_a_row_whose_mappings_overlap_is_no_error(target: Target) -> None:
    """Registered one by one they are not: the client_id makes them so."""
    first = ClaimMapping("roles", ("access", "{client_id}"))
    for second in (("access", "shop", "rights"), ("access",), ("access", "shop")):
        told = _told(target, first, ClaimMapping("permissions", second))
        assert told == {"access": {"shop": ["staff"]}}


def test_nor_where_the_id_token_holds_what_userinfo_does() -> None:
    told = _told(
        "id_token",
        ClaimMapping("roles", ("access", "{client_id}"), ("id_token",)),
        ClaimMapping("permissions", ("access", "shop", "rights"), ("userinfo",)),
        id_token_claims=True,
    )
    assert told == {"access": {"shop": ["staff"]}}


def test_an_id_token_that_holds_what_userinfo_does_holds_what_is_mapped_there() -> None:
    told = _told(
        "id_token",
        ClaimMapping("roles", ("access", "roles"), ("id_token",)),
        ClaimMapping("permissions", ("access", "rights"), ("userinfo",)),
        id_token_claims=True,
    )
    assert told == {"access": {"roles": ["staff"], "rights": ["a:b:c"]}}


@pytest.mark.parametrize("target", _TARGETS)
def test_a_third_party_is_told_by_what_the_person_was_shown(target: Target) -> None:
    """Consent knows claims by what they are, not by what one client calls them."""
    definitions = (_definition("team", include_in_id_token=True), _definition("groups"))
    mappings = (
        ClaimMapping("roles", ("groups",)),
        ClaimMapping("team", ("acme", "team")),
    )
    third = client(
        is_first_party=False, claim_mappings=mappings, claim_definitions=definitions, **_BOTH
    )
    assert claims_with_openid(third, ("openid",)) == ("roles", "permissions", "team")
    person = facts(roles=("r",), claims={"team": 1, "groups": "own"})
    for consented, told in (
        ((), {}), (("groups", "acme"), {}), (("roles",), {"groups": ["r"]}),
        (("team", "roles"), {"groups": ["r"], "acme": {"team": 1}}),
    ):  # fmt: skip
        release = Release(person, third, organization(), ISSUER, ("openid",), consented)
        assert build_claims(release, target=target).document == {"sub": "u-1"} | told


def test_a_mapped_claim_says_where_it_came_from_and_why() -> None:
    shop = client(claim_mappings=(ClaimMapping("roles", ("a", "b")),), defines_roles=True)
    release = Release(facts(roles=("r",)), shop, organization(), ISSUER, ("openid",))
    assert build_claims(release).claims[-1] == Claim(
        "a.b", ["r"], "roles", "scope openid, claim mapping", ("a", "b")
    )


def test_a_url_is_a_name() -> None:
    assert parse_path("https://a.example/b.c") == ("https://a.example/b.c",)
