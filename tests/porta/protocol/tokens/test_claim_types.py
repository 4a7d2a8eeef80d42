"""Typed custom claims: which values are of a type, and that no token holds another."""

from __future__ import annotations

import math
from typing import Any, get_args

import pytest

from porta.protocol.tokens.claim_sources import Release
from porta.protocol.tokens.claim_trace import Target, Trace
from porta.protocol.tokens.claim_types import CLAIM_TYPES, is_of_type
from porta.protocol.tokens.claims import build_claims
from storage.models.claims import ClaimDefinition
from tests.factories import ISSUER, client, facts, organization

_VALUES: dict[str, list[Any]] = {
    "string": ["", "text", "7", "true"],
    "number": [0, -1, 2.5, 10**300, 1.7e308],
    "boolean": [True, False],
    "json": [[], {}, [None], {"a": {"b": [1, True]}}],
}
_NONE: list[Any] = [None, math.inf, -math.inf, math.nan, 10**400, -(10**400)]


@pytest.mark.parametrize("claim_type", CLAIM_TYPES)
def test_each_type_has_its_values_and_no_others(claim_type: str) -> None:
    for other, values in _VALUES.items():
        for value in values:
            assert is_of_type(claim_type, value) is (other == claim_type), value
    assert not any(is_of_type(claim_type, value) for value in _NONE)
    assert not is_of_type("unheard_of", "text")


@pytest.mark.parametrize("target", get_args(Target))
@pytest.mark.parametrize("claim_type", CLAIM_TYPES)
def test_no_token_holds_a_value_of_another_type(target: Target, claim_type: str) -> None:
    """A row may be older than the rule. Readers rely on the type; any JSON is JSON."""
    definition = ClaimDefinition(
        id="c", claim_name="c", claim_type=claim_type, include_in_id_token=True
    )
    shop = client(claim_definitions=(definition,))
    for other, values in _VALUES.items():
        for value in values:
            release = Release(facts(claims={"c": value}), shop, organization(), ISSUER, ("openid",))
            trace = Trace()
            document = build_claims(release, target=target, trace=trace).document
            told = claim_type in (other, "json")
            assert document == {"sub": "u-1"} | ({"c": value} if told else {})
            if told:
                assert type(document["c"]) is type(value)
            else:
                assert trace.absent["c"].reason == "wrong_type"
