"""The client's address behind proxies (security requirement F.8)."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from porta.limits.proxies import client_address, is_near

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


@pytest.mark.parametrize(
    ("hops", "forwarded", "expected"),
    [
        (1, ["10.9.9.9"], "10.9.9.9"),
        (1, ["1.2.3.4, 10.9.9.9"], "10.9.9.9"),
        (1, ["10.1.1.1", "10.9.9.9"], "10.9.9.9"),
        (2, ["1.2.3.4, 10.9.9.9"], "1.2.3.4"),
        (2, ["1.2.3.4, 10.9.9.9, 10.0.0.2"], "10.9.9.9"),
        (2, ["1.2.3.4, 5.6.7.8, 10.0.0.2"], "5.6.7.8"),
        (5, ["1.2.3.4, 10.9.9.9"], "1.2.3.4"),
        (2, ["unknown, 10.9.9.9"], "10.0.0.1"),
        (1, ["unknown, 10.9.9.9"], "10.9.9.9"),
        (None, ["1.2.3.4, 10.9.9.9"], "1.2.3.4"),
    ],
)
def test_security_14_whoever_stands_among_the_proxies_chooses_no_address(
    hops: int | None, forwarded: list[str], expected: str
) -> None:
    """10.9.9.9 is a client in the network that was named; its entries are its own claim."""
    assert client_address("10.0.0.1", forwarded, TRUSTED, hops) == expected
    assert client_address("203.0.113.7", forwarded, TRUSTED, hops) == "203.0.113.7"


@pytest.mark.parametrize(
    ("peer", "near"),
    [
        ("127.0.0.1", True), ("::1", True), ("10.0.0.1", True), ("172.17.0.1", True),
        ("192.168.1.1", True), ("fd00::1", True), ("::ffff:10.0.0.1", True), ("fe80::1%eth0", True),
        ("8.8.8.8", False), ("2606:4700::1", False), ("", False), ("@socket", False),
    ],
)  # fmt: skip
def test_security_4_a_proxy_would_stand_near(peer: str, near: bool) -> None:
    assert is_near(peer) == near
