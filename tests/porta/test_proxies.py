"""The client's address behind proxies (security requirement F.8)."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from porta.proxies import client_address

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
        ("10.0.0.1", ["not-an-address, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["\t198.51.100.1 "], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", ["2001:DB8:0::1"], "2001:db8::1"),
        ("fd00::1", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
    ],
)
def test_the_first_untrusted_address_from_the_right_is_the_client(
    peer: str, forwarded: list[str], expected: str
) -> None:
    assert client_address(peer, forwarded, TRUSTED) == expected


@pytest.mark.parametrize(
    "header",
    ["", " ", ",", "unknown", "198.51.100.1, unknown", "198.51.100.1,", "1.2.3", "999.1.1.1",
     "[", "[]", "::1::", "\x00", "198.51.100.1 10.0.0.2", "_hidden", "1" * 10_000],
)  # fmt: skip
def test_a_malformed_header_is_ignored(header: str) -> None:
    assert client_address("10.0.0.1", [header], TRUSTED) == "10.0.0.1"


def test_without_trusted_proxies_nothing_is_believed() -> None:
    assert client_address("10.0.0.1", ["198.51.100.1"], ()) == "10.0.0.1"


def test_an_ipv4_address_is_spelled_one_way_only() -> None:
    assert client_address("::ffff:203.0.113.7", [], ()) == "203.0.113.7"


def test_a_peer_without_an_address_is_kept_as_it_is() -> None:
    assert client_address("@socket", ["198.51.100.1"], TRUSTED) == "@socket"
