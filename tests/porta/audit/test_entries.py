"""The canonical form of an entry: one for each meaning, and never one for two."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porta.audit.entries import canonical_address, canonical_json, pack

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":1,"b":[true,null]}', '{ "b": [true, null], "a": 1 }'),
        ("1e30", "1000000000000000000000000000000"),
        ("100", "1.00E+2"),
        ("0.000001", "1e-6"),
        ("-0.50", "-5e-1"),
        ("0", "0.00"),
        ("-0.0", "0"),
        ('"\\u00e9\\/"', '"é/"'),
    ],
)
def test_one_meaning_has_one_form(one: str, other: str) -> None:
    assert canonical_json(one) == canonical_json(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", '"1"'),
        ("1", "true"),
        ("9007199254740993", "9007199254740992"),
        ("1e400", "1e401"),
        ("0.1", "0.10000000000000001"),
        ("[]", "{}"),
        ("[[1],2]", "[[1,2]]"),
        ('"10e0"', "10e0"),
        ("null", '""'),
        ("-1", "1"),
    ],
)
def test_two_meanings_have_two(one: str, other: str) -> None:
    assert canonical_json(one) != canonical_json(other)


@pytest.mark.parametrize("text", ["", "{", "nul", "[" * 100_000])
def test_what_is_no_json_stays_as_it_is(text: str) -> None:
    assert canonical_json(text) == text


@given(_VALUES, _VALUES)
def test_forms_are_equal_where_values_are(one: object, other: object) -> None:
    first, second = (canonical_json(json.dumps(each)) for each in (one, other))
    assert first == canonical_json(json.dumps(one, indent=1, ensure_ascii=False))
    if json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True) and one != other:
        assert first != second


def test_addresses_are_told_apart_with_what_follows() -> None:
    assert canonical_address("192.0.2.1") == canonical_address("192.0.2.1/32")
    assert canonical_address("2001:DB8:0::1") == canonical_address("2001:db8::1/128")
    assert canonical_address("192.0.2.1/31") != canonical_address("192.0.2.1")
    assert canonical_address("::ffff:192.0.2.1") != canonical_address("192.0.2.1")
    assert canonical_address("x") == "x"


@given(st.lists(st.none() | st.text(max_size=4)), st.lists(st.none() | st.text(max_size=4)))
def test_no_two_lists_are_packed_alike(one: list[str | None], other: list[str | None]) -> None:
    assert (pack(one) == pack(other)) == (one == other)
