"""Address blocks: which addresses are counted as one, for limits of every kind (IPv4, IPv6 /64)."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

WIDTHS = (64, 56, 48)
"""Prefix lengths of IPv6 blocks, the narrowest first: a host's, a home's, a site's."""


@lru_cache(maxsize=4096)
def address_blocks(address: str) -> tuple[str, ...]:
    """Return what `address` is counted as, the narrowest block first.

    An IPv4 address (also one written inside IPv6) is one block. An IPv6 address stands for its
    /64, since whoever has one of it has all of it, and for the /56 and /48 around that, which
    deserve higher limits. What is no address at all is a block of its own.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return (address,)
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    if not isinstance(parsed, IPv6Address):
        return (str(parsed),)
    return tuple(_block(parsed, width) for width in WIDTHS)


def address_block(address: str) -> str:
    """Return the narrowest block of `address`: the key of a limit that has one width only."""
    return address_blocks(address)[0]


def _block(address: IPv6Address, width: int) -> str:
    bits = int(address) >> (128 - width) << (128 - width)
    return f"{IPv6Address(bits)}/{width}"
