"""RFC 6749 §3.1: parameters parsed strictly."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porta.protocol.errors import InvalidRequest
from porta.protocol.requests import params
from porta.protocol.requests.params import (
    MAX_FIELDS,
    MAX_LONG_VALUE,
    MAX_NAME,
    MAX_VALUE,
    REPEATABLE,
    Params,
    has_control_characters,
    merge,
    parse_params,
)

_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20)


@given(st.dictionaries(_TEXT, _TEXT, max_size=20))
def test_reads_what_was_encoded(fields: dict[str, str]) -> None:
    params = parse_params(urlencode(fields).encode())
    assert {name: params.get(name) for name in params.names()} == fields


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(raw: bytes) -> None:
    try:
        params = parse_params(raw)
    except InvalidRequest:
        return
    for name in params.names():
        assert not any(
            has_control_characters(value) for value in params.all(name) if name != "claims"
        )


def test_plus_is_a_space_and_escapes_are_bytes_of_utf8() -> None:
    params = parse_params(b"scope=openid+email&login_hint=%C3%A9%2B%25")
    assert params.get("scope") == "openid email"
    assert params.get("login_hint") == "é+%"


def test_raw_utf8_is_accepted() -> None:
    assert parse_params("name=é".encode()).get("name") == "é"


def test_empty_values_and_fields_count_as_absent() -> None:
    params = parse_params(b"&&state=&=&scope&nonce=n")
    assert params.names() == {"nonce"}
    assert "state" not in params
    assert params.get("state") is None
    assert params.all("state") == ()


@pytest.mark.parametrize(
    "raw",
    [
        b"scope=a&scope=b",
        b"scope=a&scope=a",
        b"scope=&scope=a",
        b"scope=&scope=",
        b"unknown=1&unknown=2",
        b"sc%6Fpe=a&scope=b",
    ],
)
def test_a_parameter_twice_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRequest, match="given twice"):
        parse_params(raw)


def test_resource_may_stand_several_times() -> None:
    raw = b"resource=https://a&resource=&resource=https://b"
    params = parse_params(raw, repeatable=REPEATABLE)
    assert params.all("resource") == ("https://a", "https://b")
    assert params.get("resource") is None


def test_repeatable_is_the_callers_choice() -> None:
    with pytest.raises(InvalidRequest):
        parse_params(b"resource=a&resource=b")
    with pytest.raises(InvalidRequest):
        parse_params(b"audience=a&audience=b", repeatable=REPEATABLE)
    assert parse_params(b"x=1&x=2", repeatable=frozenset({"x"})).all("x") == ("1", "2")


def test_a_deferred_problem_waits_and_the_double_value_is_not_readable() -> None:
    params = parse_params(b"client_id=a&scope=x&scope=y", deferred=True)
    assert params.get("client_id") == "a"
    assert params.get("scope") is None
    assert "scope" in params
    with pytest.raises(InvalidRequest, match="given twice: scope"):
        params.check()


@pytest.mark.parametrize("deferred", [True, False])
@pytest.mark.parametrize(
    "raw",
    [
        b"state=%zz",
        b"state=%4",
        b"%=1",
        b"state=%FF",
        b"state=\xff",
        b"state=%ED%A0%80",
        b"state=a%00b",
        b"state=a%0Db",
        b"state=a%0Ab",
        b"state=%7F",
        b"state=%C2%85",
        b"state=%E2%80%A8",
        b"st%00ate=a",
        b"n" * 129 + b"=1",
        b"state=" + b"a" * (MAX_VALUE + 1),
        b"claims=" + b"a" * (MAX_LONG_VALUE + 1),
        b"&".join(b"n%d=1" % number for number in range(MAX_FIELDS + 1)),
        b"claims=%00",
    ],
)
def test_malformed_and_oversized_input_is_refused(raw: bytes, deferred: bool) -> None:
    if not deferred:
        with pytest.raises(InvalidRequest):
            parse_params(raw)
        return
    params = parse_params(b"client_id=a&" + raw, deferred=True)
    assert params.get("client_id") == "a", "what can be read is, for the answer to travel by"
    assert params.names() & {"state", "claims"} == set()
    with pytest.raises(InvalidRequest):
        params.check()


def test_limits_are_inclusive() -> None:
    assert (MAX_VALUE, MAX_LONG_VALUE) == (8192, 16384)
    assert parse_params(b"n" * 128 + b"=1").names() == {"n" * 128}
    assert len(parse_params(b"a=" + b"x" * MAX_VALUE).required("a")) == MAX_VALUE
    assert parse_params(b"claims=" + b"x" * MAX_LONG_VALUE).get("claims")
    assert len(parse_params(b"&".join(b"n%d=1" % n for n in range(MAX_FIELDS))).names()) == 100


def test_claims_may_be_indented_json() -> None:
    assert parse_params(b"claims=%7B%0A%09%7D").get("claims") == "{\n\t}"


def test_a_double_value_stays_unreadable_when_one_is_empty() -> None:
    assert parse_params(b"state=&state=a", deferred=True).get("state") is None


def test_an_error_never_repeats_raw_names() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_params(b"%3Cb%3E%22=1&%3Cb%3E%22=2")
    assert caught.value.message == "parameter given twice: ?b??"


@pytest.mark.parametrize("name", [b"n" * (MAX_NAME + 1), b"n%0A", b"n%", b"n\xff"])
def test_a_name_that_is_refused_is_refused_again_and_not_remembered(name: bytes) -> None:
    before = params._name.cache_info().currsize
    for _ in range(3):
        with pytest.raises(InvalidRequest):
            parse_params(name + b"=value")
    assert params._name.cache_info().currsize == before


def test_required_refuses_absent_and_empty() -> None:
    params = parse_params(b"code=&grant_type=g")
    assert params.required("grant_type") == "g"
    with pytest.raises(InvalidRequest, match="missing required parameter: code"):
        params.required("code")


def test_merge_joins_and_refuses_overlap() -> None:
    both = merge(parse_params(b"a=1"), parse_params(b"b=2"))
    assert (both.get("a"), both.get("b")) == ("1", "2")
    with pytest.raises(InvalidRequest, match="given twice: a"):
        merge(parse_params(b"a=1"), parse_params(b"a=1"))


@pytest.mark.parametrize("side", ["query", "body"])
def test_merge_does_not_lose_a_deferred_problem(side: str) -> None:
    double = parse_params(b"x=1&x=2", deferred=True)
    with pytest.raises(InvalidRequest):
        merge(double, Params({})) if side == "query" else merge(Params({}), double)


def test_params_are_a_copy() -> None:
    source = {"a": ("1",)}
    params = Params(source)
    source["a"] = ("2",)
    assert params.get("a") == "1"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_what_a_person_typed_may_be_any_text(text: str) -> None:
    body = urlencode({"password": text, "state": "s"}).encode()
    assert parse_params(body, free=frozenset({"password"})).get("password") == text


def test_a_free_value_is_given_once_and_in_utf8() -> None:
    free = frozenset({"password"})
    assert parse_params(b"password=" + b"x" * 20_000, free=free).get("password") == "x" * 20_000
    for raw in (
        b"password=a&password=b",
        b"password=%ff",
        b"password=%zz",
        b"password=a&state=%00",
    ):
        with pytest.raises(InvalidRequest):
            parse_params(raw, free=free)
