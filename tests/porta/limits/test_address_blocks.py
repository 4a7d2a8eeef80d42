"""Which addresses are counted as one (security 3, requirement F.7)."""

from __future__ import annotations

import pytest

from porta.limits.address_blocks import address_block, address_blocks


@pytest.mark.parametrize(
    ("address", "blocks"),
    [
        ("192.0.2.7", ("192.0.2.7",)),
        ("::ffff:192.0.2.7", ("192.0.2.7",)),
        (
            "2001:db8:1:2ff:aaaa::1",
            ("2001:db8:1:2ff::/64", "2001:db8:1:200::/56", "2001:db8:1::/48"),
        ),
        ("fe80::1%eth0", ("fe80::/64", "fe80::/56", "fe80::/48")),
        ("::1", ("::/64", "::/56", "::/48")),
        ("", ("",)),
        ("no address", ("no address",)),
    ],
)
def test_blocks_of_an_address(address: str, blocks: tuple[str, ...]) -> None:
    assert address_blocks(address) == blocks
    assert address_block(address) == blocks[0]


def test_security_3_one_customer_is_one_block() -> None:
    addresses = {f"2001:db8::{host:x}" for host in range(1, 200)}
    assert {address_block(address) for address in addresses} == {"2001:db8::/64"}
