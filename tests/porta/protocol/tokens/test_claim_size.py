"""Core §5.6.2: what is too large for a token is told by reference, and never trimmed in silence."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from porta.protocol.requests.claims_request import ClaimsRequest
from porta.protocol.tokens.claim_size import LIMIT, WARNING, Built
from porta.protocol.tokens.claim_sources import Release
from porta.protocol.tokens.claim_trace import Target, Trace
from porta.protocol.tokens.claims import build_claims
from storage.models.claims import ClaimDefinition, ClaimMapping
from tests.factories import ISSUER, client, facts, organization, user

_TARGETS: tuple[Target, ...] = get_args(Target)
_PLACES = {
    "id_token": ("userinfo", "/me"),
    "access_token": ("introspection", "/token/introspection"),
}


def _definition(name: str, **flags: bool) -> ClaimDefinition:
    plain = ClaimDefinition(id=name, claim_name=name, claim_type="json", include_in_id_token=True)
    return structs.replace(plain, **flags)


def _build(
    target: Target, values: dict[str, Any], definitions: Any = None, **more: Any
) -> tuple[Built, Trace]:
    defined = tuple(map(_definition, values)) if definitions is None else definitions
    whole, roles = more.pop("whole", False), more.pop("roles", ())
    shop = client(claim_definitions=defined, **{"defines_roles": True} | more)
    person, trace = facts(claims=values, roles=roles), Trace()
    release = Release(person, shop, organization(), ISSUER, ("openid",))
    built = build_claims(release, target=target, whole=whole, trace=trace)
    assert built.document == build_claims(release, target=target, whole=whole).document
    return built, trace


def _bytes(document: dict[str, Any]) -> int:
    return len(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode())


@pytest.mark.parametrize("target", ["id_token", "access_token"])
def test_a_token_says_where_the_rest_is(target: Target) -> None:
    values = {"small": "s", "large": "x" * LIMIT, "other": ["y"]}
    built, trace = _build(target, values)
    place, path = _PLACES[target]
    assert built.document == {
        "sub": "u-1",
        "roles": [],
        "small": "s",
        "other": ["y"],
        "_claim_names": {"large": place},
        "_claim_sources": {place: {"endpoint": ISSUER + path}},
    }
    assert built.referenced == ("large",)
    assert trace.absent["large"].reason == "by_reference"
    assert built.size > LIMIT
    assert built.is_large


@pytest.mark.parametrize("target", ["id_token", "access_token"])
@pytest.mark.parametrize("letter", ["x", "ü", "語", "\U0001f600"])
def test_the_limit_counts_bytes_and_is_exact(target: Target, letter: str) -> None:
    """What is counted is what is signed: JSON in UTF-8."""
    whole = _bytes(_build(target, {"a": ""})[0].document)
    room = (LIMIT - whole) // len(letter.encode())
    fits, _ = _build(target, {"a": letter * room})
    assert fits.referenced == ()
    assert fits.size == _bytes(fits.document) <= LIMIT
    exceeds, _ = _build(target, {"a": letter * (room + 1)})
    assert exceeds.referenced == ("a",)


@pytest.mark.parametrize(
    ("size", "warned"), [(WARNING - 200, False), (WARNING, True), (LIMIT * 3, True)]
)
def test_a_warning_comes_before(size: int, warned: bool) -> None:
    for target in ("id_token", "access_token"):
        built, _ = _build(target, {"a": "x" * size})
        assert built.is_large is warned
    assert not _build("userinfo", {"a": "x" * size})[0].is_large, "no header carries it"


def test_the_largest_go_first_and_no_more_than_need_be() -> None:
    values = {f"c{n}": "x" * (n * 250) for n in range(1, 9)}  # 9 KB
    built, _ = _build("access_token", values)
    assert built.referenced == ("c8", "c7")
    assert _bytes(built.document) <= LIMIT


@pytest.mark.parametrize("whole", [True, False])
def test_userinfo_and_introspection_hold_all_of_it(whole: bool) -> None:
    values = {"a": "x" * LIMIT, "b": list(range(5000))}
    assert _build("userinfo", values)[0].document == {"sub": "u-1", "roles": [], **values}
    if whole:
        got = _build("access_token", values, whole=True)[0].document
        assert got == {"sub": "u-1", "roles": [], **values}


def test_what_userinfo_does_not_tell_stays_in_the_id_token() -> None:
    """A reference to where a claim is not would be a silent cut."""
    hidden = _definition("hidden", include_in_userinfo=False)
    built, _ = _build(
        "id_token", {"hidden": "h" * LIMIT, "told": "t" * 3000}, (hidden, _definition("told"))
    )
    document = built.document
    assert document["hidden"] == "h" * LIMIT
    assert document["_claim_names"] == {"told": "userinfo"}
    alone, _ = _build("id_token", {"hidden": "h" * LIMIT}, (hidden,))
    assert alone.document["hidden"] == "h" * LIMIT
    assert not {"_claim_names", "_claim_sources"} & alone.document.keys()
    assert alone.is_large


def test_nor_does_what_only_the_claims_parameter_asks_for_go() -> None:
    asked = ClaimsRequest.from_dict({"id_token": {"given_name": None}})
    shop = client(scope="openid profile", defines_roles=True)
    person = facts(user=user(given_name="g" * LIMIT), roles=tuple(f"role-{n}" for n in range(99)))
    release = Release(person, shop, organization(), ISSUER, ("openid",))
    document = build_claims(release, asked, "id_token").document
    assert document["given_name"] == "g" * LIMIT
    assert document["_claim_names"] == {"roles": "userinfo"}


def test_an_object_that_several_mappings_fill_goes_whole_or_not_at_all() -> None:
    mappings = (
        ClaimMapping("roles", ("realm_access", "roles")),
        ClaimMapping("team", ("realm_access", "team"), ("id_token",)),
    )
    roles = tuple(f"role-{n:04}" for n in range(900))
    built, _ = _build("id_token", {"team": "x"}, roles=roles, claim_mappings=mappings)
    assert built.referenced == (), "userinfo has only a part of it"
    everywhere = (mappings[0], ClaimMapping("team", ("realm_access", "team")))
    built, trace = _build("id_token", {"team": "x"}, roles=roles, claim_mappings=everywhere)
    assert built.document["_claim_names"] == {"realm_access": "userinfo"}
    assert "realm_access" not in built.document
    assert trace.absent["realm_access"].reason == "by_reference"


_VALUES = st.dictionaries(
    st.text("abcdefgh_", min_size=1, max_size=12).map(lambda name: f"c{name}"),
    st.integers(0, 4000).map(lambda size: "x" * size) | st.lists(st.integers(), max_size=400),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(_VALUES, st.sampled_from(("id_token", "access_token")), st.booleans())
def test_nothing_is_ever_trimmed_in_silence(
    values: dict[str, Any], target: Target, filled: bool
) -> None:
    built, trace = _build(target, values, id_token_claims=filled)
    document = built.document
    names = document.get("_claim_names", {})
    assert document.keys() | names.keys() >= values.keys()
    assert not document.keys() & names.keys()
    assert _bytes(document) <= LIMIT
    assert set(names) == set(built.referenced)
    assert {a.name for a in trace.absent.values() if a.reason == "by_reference"} == set(names)
    assert bool(names) is (built.size > LIMIT)
