"""Trusted proxies: the client's address is the peer's, or what they say of it (X-Forwarded-For)."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import islice

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
NEAR: tuple[Network, ...] = tuple(
    map(
        ip_network,
        (
            *("127.0.0.0/8", "169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
            *("::1/128", "fe80::/10", "fc00::/7"),
        ),
    )
)
"""Loopback, link-local (RFC 3927, RFC 4291) and private addresses (RFC 1918, RFC 4193)."""


def client_address(
    peer: str, forwarded: Sequence[str], trusted: Sequence[Network], hops: int | None = None
) -> str:
    """Return the client's address, canonically spelled.

    `peer` is the address of the socket, `forwarded` the `X-Forwarded-For` lines in their order,
    `trusted` the networks of the proxies. The lines are believed only from a trusted peer, and
    from the right: every trusted proxy appends whom it spoke to, so the first entry that is none
    of them is the client, and whatever stands left of it is the client's own claim. An entry that
    is no address ends the belief: the peer stands.

    `hops` is how many proxies there are at most, where that is known: so many entries are believed
    and no more, also where whoever stands in a trusted network writes the next ones.
    """
    if not trusted or not forwarded:
        return _canonical(peer)
    address = _parse(peer)
    if address is None or not _is_trusted(address, trusted):
        return _canonical(peer)
    hop: Address = address
    for entry in islice(reversed(",".join(forwarded).split(",")), hops):
        parsed = _parse(entry.strip(" \t"))
        if parsed is None:
            return str(address)
        hop = parsed
        if not _is_trusted(hop, trusted):
            break
    return str(hop)


def is_proxy(peer: str, trusted: Sequence[Network]) -> bool:
    """Whether the socket at `peer` is one of the proxies, and stands for many clients."""
    address = _parse(peer) if trusted else None
    return address is not None and _is_trusted(address, trusted)


def is_near(peer: str) -> bool:
    """Whether `peer` is of this host or a private network, where a proxy would stand."""
    return is_proxy(peer, NEAR)


def _canonical(peer: str) -> str:
    # Only an IPv6 address has two spellings on a socket.
    address = _parse(peer) if ":" in peer else None
    return peer if address is None else str(address)


def _parse(text: str) -> Address | None:
    """Read an address, IPv4 inside IPv6 as IPv4; a port, as some proxies write, is left out."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)
