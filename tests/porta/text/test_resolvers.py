"""Addresses of resolvers, as settings spell them."""

from __future__ import annotations

import pytest

from porta.text.resolvers import parse_resolver

GOOD = {
    "192.0.2.1": ("192.0.2.1", 53),
    "192.0.2.1:5353": ("192.0.2.1", 5353),
    "2001:db8::1": ("2001:db8::1", 53),
    "[2001:db8::1]": ("2001:db8::1", 53),
    "[2001:db8::1]:5353": ("2001:db8::1", 5353),
}


@pytest.mark.parametrize("text", GOOD)
def test_an_address_may_have_a_port(text: str) -> None:
    assert parse_resolver(text) == GOOD[text]


@pytest.mark.parametrize("text", ["", "ns.example", "192.0.2.1:", "192.0.2.1:0", "1.1.1.1:70000"])
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="address"):
        parse_resolver(text)
