"""Hosts in settings: which lead to this machine (RFC 6761 §6.3), which into a private network."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

_LOCAL_NAMES = frozenset({"localhost.localdomain", "localhost6", "ip6-localhost", "ip6-loopback"})
"""What /etc/hosts calls this host, beside `localhost` and what ends in it."""
_PRIVATE_NAMES = (".internal", ".local", ".svc", ".lan", ".home.arpa")
"""Endings that no public name has: ICANN's, RFC 6762's, RFC 8375's, and those of clusters."""


def is_this_host(host: str | None) -> bool:
    """Whether a name or an address, in any spelling that is dialled, leads nowhere else."""
    name = _bare(host)
    address = _parse_address(name)
    if address is None:
        return name in _LOCAL_NAMES or name.split(".")[-1] == "localhost"
    return address.is_loopback or address.is_unspecified


def is_private_host(host: str | None) -> bool:
    """Whether `host` stands for this machine or for one that only a private network knows.

    A name without a dot, as in a compose file or a cluster, is one; any other name may be public.
    """
    name = _bare(host)
    address = _parse_address(name)
    if address is None:
        return "." not in name or name.endswith(_PRIVATE_NAMES) or is_this_host(name)
    return not address.is_global


def _bare(host: str | None) -> str:
    return (host or "").strip().strip("[]").rstrip(".").lower()


def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        pass
    else:
        return getattr(address, "ipv4_mapped", None) or address
    try:
        return IPv4Address(socket.inet_aton(text))  # 127.1 and 2130706433 too
    except (OSError, ValueError):
        return None
