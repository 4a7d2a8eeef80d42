"""Core §5.5: the claims parameter."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porta.protocol.errors import InvalidRequest
from porta.protocol.requests.claims_request import (
    NO_CLAIMS,
    ClaimsRequest,
    RequestedClaim,
    parse_claims_request,
)

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


def test_the_example_of_the_specification() -> None:
    parsed = parse_claims_request(
        json.dumps(
            {
                "userinfo": {"given_name": {"essential": True}, "picture": None},
                "id_token": {
                    "auth_time": {"essential": True},
                    "acr": {"values": ["urn:mace:incommon:iap:silver"]},
                    "sub": {"value": "u-1"},
                },
            }
        )
    )
    assert parsed.userinfo == {"given_name": RequestedClaim(True), "picture": RequestedClaim()}
    assert parsed.id_token == {
        "auth_time": RequestedClaim(True),
        "acr": RequestedClaim(False, ("urn:mace:incommon:iap:silver",)),
        "sub": RequestedClaim(False, ("u-1",)),
    }
    assert parsed.names() == {"given_name", "picture", "auth_time", "acr", "sub"}
    assert parsed.of("userinfo") is parsed.userinfo
    assert parsed.of("id_token") is parsed.id_token
    assert parsed.of("access_token") == {}


def test_absent_asks_for_nothing() -> None:
    assert parse_claims_request(None) is NO_CLAIMS
    assert not NO_CLAIMS
    assert NO_CLAIMS.to_dict() == {}
    assert parse_claims_request('{"userinfo":{"email":null}}')
    assert parse_claims_request('{"id_token":{"email":null}}')


def test_unknown_members_are_ignored() -> None:
    parsed = parse_claims_request(
        '{"x":[1],"userinfo":{"email":{"purpose":"mail"}},"id_token":null}'
    )
    assert parsed == ClaimsRequest(userinfo={"email": RequestedClaim()})


def test_values_win_over_value() -> None:
    parsed = parse_claims_request('{"id_token":{"acr":{"value":"a","values":["b","c"]}}}')
    assert parsed.id_token["acr"].values == ("b", "c")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"x"',
        "[" * 8000,
        '{"a":' * 3000,
        '{"id_token":[]}',
        '{"id_token":"email"}',
        '{"id_token":{"email":true}}',
        '{"id_token":{"email":"x"}}',
        '{"id_token":{"email":{"essential":"yes"}}}',
        '{"id_token":{"email":{"essential":1}}}',
        '{"id_token":{"email":{"values":"x"}}}',
        '{"id_token":{"email":{"values":null}}}',
        '{"id_token":{"email":null},"id_token":{}}',
        '{"id_token":{"email":{"value":NaN}}}',
        '{"id_token":{"email":{"value":-Infinity}}}',
        '{"id_token":{"email":{"value":1e999}}}',
        '{"id_token":{"email":{"value":' + "9" * 5000 + "}}}",
        '{"id_token":{"email":{"value":"\\u0000"}}}',
        '{"id_token":{"email":{"value":["\\n"]}}}',
        '{"id_token":{"e\\u0000":null}}',
        '{"id_token":{"e\\ud800":null}}',
        '{"id_token":{"email":{"value":"\\udfff"}}}',
        '{"id_token":{"email":{"value":' + "[" * 8 + "]" * 8 + "}}}",
        json.dumps({"userinfo": {f"c{number}": None for number in range(101)}}),
        json.dumps({"userinfo": {"a": {"values": [0] * 101}}}),
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_claims_request(text)


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
def test_nesting_is_bounded(opened: str, closed: str) -> None:
    # The value itself stands on the fourth level, what it holds below.
    for levels, fits in ((4, True), (5, False)):
        value = opened * levels + "1.5" + closed * levels
        text = f'{{"id_token":{{"email":{{"value":{value}}}}}}}'
        if fits:
            assert parse_claims_request(text)
        else:
            with pytest.raises(InvalidRequest, match="too deeply"):
                parse_claims_request(text)


def test_a_hundred_claims_and_values_fit() -> None:
    many = {f"c{number}": None for number in range(100)}
    assert len(parse_claims_request(json.dumps({"userinfo": many})).userinfo) == 100
    values = {"userinfo": {"zip": {"values": list(range(100))}}}
    assert len(parse_claims_request(json.dumps(values)).userinfo["zip"].values) == 100


def test_from_dict_refuses_a_wrong_shape() -> None:
    with pytest.raises(InvalidRequest):
        ClaimsRequest.from_dict({"userinfo": 1})


@given(_JSON)
def test_any_json_is_read_or_refused(raw: Any) -> None:
    for document in (raw, {"id_token": raw}, {"userinfo": {"email": raw}}):
        try:
            parsed = parse_claims_request(json.dumps(document))
        except InvalidRequest:
            continue
        again = json.dumps(parsed.to_dict())
        assert parse_claims_request(again).to_dict() == parsed.to_dict()


@pytest.mark.parametrize(
    "raw",
    [
        {"id_token": {"acr": {"essential": True, "values": ["a", "b"]}}},
        {"id_token": {"sub": {"value": "u-1"}}, "userinfo": {"email": None}},
        {"userinfo": {"email": {"essential": True}}},
    ],
)
def test_to_dict_has_the_shape_of_the_parameter(raw: dict[str, Any]) -> None:
    parsed = ClaimsRequest.from_dict(raw)
    assert parsed.to_dict() == raw
    assert ClaimsRequest.from_dict(parsed.to_dict()) == parsed


@pytest.mark.parametrize(
    ("raw", "subjects"),
    [
        ({}, None),
        ({"id_token": {"sub": None}}, None),
        ({"id_token": {"sub": {"essential": True}}}, None),
        ({"id_token": {"sub": {"value": "u-1"}}}, ("u-1",)),
        ({"userinfo": {"sub": {"values": ["u-1", "u-2"]}}}, ("u-1", "u-2")),
        ({"id_token": {"sub": {"value": "a"}}, "userinfo": {"sub": {"value": "b"}}}, ()),
        (
            {"id_token": {"sub": {"values": ["a", "b"]}}, "userinfo": {"sub": {"value": "b"}}},
            ("b",),
        ),
    ],
)
def test_subjects(raw: dict[str, Any], subjects: tuple[str, ...] | None) -> None:
    assert ClaimsRequest.from_dict(raw).subjects() == subjects
