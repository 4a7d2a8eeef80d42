"""RFC 8707, RFC 9068 §3."""

from __future__ import annotations

import pytest

from porta.protocol.errors import InvalidScope, InvalidTarget
from porta.protocol.features import resource_indicators as ri
from tests.factories import ISSUER, api, client, policy, request

_A = api("https://a.example/", "a:read", "shared")
_B = api("urn:acme:b", "b:read", "shared")
_APIS = (_A, _B)


@pytest.mark.parametrize(
    "uri", ["https://a.example", "https://a.example/x?y=z", "urn:acme:b", "api://default"]
)
def test_absolute_uris(uri: str) -> None:
    ri.check_syntax((uri,))
    ri.check_syntax((uri + "x" * (512 - len(uri)),))


@pytest.mark.parametrize(
    "uri",
    [
        "a.example",
        "/path",
        "//a.example",
        "https:",
        "https://a.example/#f",
        "https://a.example/#",
        "https://a.example/ x",
        "https://a.example/é",
        "1a:b",
        'https://a.example/"',
        "https://a.example/\n",
        "https://a.example/" + "x" * 512,
    ],
)
def test_anything_else_is_no_target(uri: str) -> None:
    with pytest.raises(InvalidTarget):
        ri.check_syntax((uri,))


def test_at_most_ten() -> None:
    ri.check_syntax(tuple(f"urn:x:{n}" for n in range(10)))
    with pytest.raises(InvalidTarget):
        ri.check_syntax(tuple(f"urn:x:{n}" for n in range(11)))


def test_find_targets() -> None:
    assert ri.find_targets((), _APIS, ISSUER) == ()
    assert ri.find_targets((ISSUER,), _APIS, ISSUER) == ()
    found = ri.find_targets((_B.identifier, _A.identifier, _B.identifier), _APIS, ISSUER)
    assert found == (_B, _A)


@pytest.mark.parametrize("unknown", ["https://a.example", "https://a.example/x", "urn:other"])
def test_unknown_targets_are_refused(unknown: str) -> None:
    with pytest.raises(InvalidTarget):
        ri.find_targets((_A.identifier, unknown), _APIS, ISSUER)
    with pytest.raises(InvalidTarget):
        ri.check_resource(request(resource=(unknown,)), client(), policy(api_resources=_APIS))


def test_the_check_of_the_feature() -> None:
    assert ri.FEATURE.check is ri.check_resource
    ri.check_resource(
        request(resource=(_A.identifier, ISSUER)), client(), policy(api_resources=_APIS)
    )
    assert ri.FEATURE.discovery(ISSUER) == {}


def test_a_token_request_narrows_the_resources_of_the_grant() -> None:
    granted = ("urn:x:1", "urn:x:2")
    assert ri.narrow_resource(granted, ()) == granted
    assert ri.narrow_resource(granted, ("urn:x:2",)) == ("urn:x:2",)
    assert ri.narrow_resource(granted, ("urn:x:2", "urn:x:1")) == ("urn:x:2", "urn:x:1")
    assert ri.narrow_resource((), ("urn:x:2",)) == ("urn:x:2",)
    with pytest.raises(InvalidTarget):
        ri.narrow_resource(granted, ("urn:x:2", "urn:x:3"))
    with pytest.raises(InvalidTarget):
        ri.narrow_resource((), ("not absolute",))


def test_a_grant_that_named_no_resource_covers_what_its_scope_implies() -> None:
    implied = ("urn:x:1", ISSUER)
    assert ri.narrow_resource((), (), implied) == ()
    assert ri.narrow_resource((), (ISSUER,), implied) == (ISSUER,)
    assert ri.narrow_resource(("urn:x:2",), ("urn:x:2",), implied) == ("urn:x:2",)
    for granted, requested in (((), "urn:x:2"), (("urn:x:2",), ISSUER)):
        with pytest.raises(InvalidTarget):
            ri.narrow_resource(granted, (requested,), implied)


@pytest.mark.parametrize(
    ("resource", "scope", "audience"),
    [
        ((), (), (ISSUER,)),
        ((), ("openid",), (ISSUER,)),
        ((), ("profile",), (ISSUER,)),
        ((), ("a:read",), ("https://a.example/",)),
        ((), ("openid", "a:read"), ("https://a.example/", ISSUER)),
        ((), ("shared",), ("https://a.example/", "urn:acme:b")),
        (("urn:acme:b",), ("openid", "a:read"), ("urn:acme:b",)),
        (("urn:acme:b", ISSUER, "urn:acme:b"), ("openid",), ("urn:acme:b", ISSUER)),
    ],
)
def test_audience(
    resource: tuple[str, ...], scope: tuple[str, ...], audience: tuple[str, ...]
) -> None:
    assert ri.build_audience(resource, scope, _APIS, ISSUER) == audience


def test_scope_of_a_token_leaves_out_what_belongs_elsewhere() -> None:
    scope = ("openid", "custom", "a:read", "b:read", "shared")
    at_a = ("openid", "custom", "a:read", "shared")
    assert ri.scope_for_audience(scope, ("https://a.example/",), _APIS) == at_a
    assert ri.scope_for_audience(scope, (ISSUER,), _APIS) == ("openid", "custom")
    assert ri.scope_for_audience(scope, ("https://a.example/", "urn:acme:b"), _APIS) == scope
    assert ri.scope_for_audience((), ("https://a.example/",), _APIS) == ()


def test_a_scope_is_of_one_resource_of_the_token() -> None:
    both, scope = (_A.identifier, _B.identifier), ("a:read", "b:read")
    ri.check_correlation(scope, both, _APIS)
    ri.check_correlation((*scope, "shared"), (_A.identifier, ISSUER), _APIS)
    for shared in (("shared",), (*scope, "shared")):
        with pytest.raises(InvalidScope):
            ri.check_correlation(shared, both, _APIS)


def test_a_resource_at_which_no_scope_is_of_use() -> None:
    with pytest.raises(InvalidScope):
        ri.scope_for_audience(("b:read",), (_A.identifier, ISSUER), _APIS)
    for scope, resource in ((("a:read",), (ISSUER,)), (("b:read",), (_A.identifier,))):
        asked = request(scope=scope, resource=resource)
        with pytest.raises(InvalidScope):
            ri.check_resource(asked, client(), policy(api_resources=_APIS))
    ri.check_resource(request(scope=("a:read",)), client(), policy(api_resources=_APIS))


def test_format() -> None:
    opaque, jwt = (
        api("urn:o", access_token_format="opaque"),
        api("urn:j", access_token_format="jwt"),
    )
    assert ri.access_token_format(client(access_token_format="opaque"), (_A,)) == "opaque"
    assert ri.access_token_format(client(), ()) == "jwt"
    assert ri.access_token_format(client(), (opaque,)) == "opaque"
    assert ri.access_token_format(client(access_token_format="opaque"), (jwt, _A)) == "jwt"
    assert ri.access_token_format(client(), (jwt, opaque)) == "opaque"


@pytest.mark.parametrize(
    ("wanted", "header"),
    [
        ((), ("JWT", "RS256")),
        (({},), ("JWT", "RS256")),
        (({"access_token_type": "at+jwt"},), ("at+jwt", "RS256")),
        (({"access_token_signing_alg": "PS256"}, {}), ("JWT", "PS256")),
        (
            ({"access_token_type": "at+jwt"}, {"access_token_signing_alg": "EdDSA"}),
            ("at+jwt", "EdDSA"),
        ),
        (({"access_token_type": "at+jwt"}, {"access_token_type": "at+jwt"}), ("at+jwt", "RS256")),
    ],
)
def test_applications_F2_resources_decide_on_type_and_algorithm_then_the_client(
    wanted: tuple[dict[str, str], ...], header: tuple[str, str]
) -> None:
    targets = tuple(api(f"urn:{n}", **changes) for n, changes in enumerate(wanted))
    own = client(access_token_type="JWT", access_token_signing_alg="RS256")
    assert ri.access_token_header(own, targets) == header
    assert ri.access_token_header(client(), ()) == ("at+jwt", "ES256")


@pytest.mark.parametrize("field", ["access_token_type", "access_token_signing_alg"])
def test_applications_F2_resources_that_disagree_have_no_token_in_common(field: str) -> None:
    targets = (api("urn:a", **{field: "JWT"}), api("urn:b", **{field: "at+jwt"}))
    with pytest.raises(InvalidTarget, match="ask for one"):
        ri.access_token_header(client(), targets)


def test_lifetime() -> None:
    short = api("urn:s", access_token_ttl=60)
    assert ri.access_token_ttl(3600, ()) == 3600
    assert ri.access_token_ttl(3600, (_A,)) == 3600
    long = api("urn:l", access_token_ttl=7200)
    assert ri.access_token_ttl(3600, (_A, short, long)) == 60
    assert ri.access_token_ttl(3600, (long,)) == 3600, "a resource shortens, it never lengthens"
