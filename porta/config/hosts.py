"""Hosts in settings: an issuer's form, this machine (RFC 6761 §6.3), and private networks."""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

_LOCAL_NAMES = frozenset({"localhost.localdomain", "localhost6", "ip6-localhost", "ip6-loopback"})
"""What /etc/hosts calls this host, beside `localhost` and what ends in it."""
_PRIVATE_NAMES = (".internal", ".local", ".svc", ".lan", ".home.arpa")
"""Endings that no public name has: ICANN's, RFC 6762's, RFC 8375's, and those of clusters."""


_ISSUER = re.compile(
    # Capitals stay: 1.x took them, and clients compare the issuer letter by letter.
    r"[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+])(:(?P<port>[1-9][0-9]{0,4}))?"
    # Segments of RFC 3986 §3.3; not ";", which ends the path of a cookie (RFC 6265 §4.1.1).
    r"(?P<path>(/(?!\.\.?(/|$))([A-Za-z0-9._~!$&'()*+,=:@-]|%[0-9A-F]{2})+)*)",
    re.ASCII,
)


def check_issuer(url: str) -> None:
    """Raise ValueError where `url` is in no form that an issuer can have (ISSUER_FORM)."""
    match = _ISSUER.fullmatch(url)
    if match is None or int(match["port"] or 1) > 65535:
        raise ValueError("is malformed")


def is_this_host(host: str | None) -> bool:
    """Whether a name or an address, in any spelling that is dialled, leads nowhere else."""
    name = _bare(host)
    address = _parse_address(name)
    if address is None:
        return name in _LOCAL_NAMES or name.split(".")[-1] == "localhost"
    return address.is_loopback or address.is_unspecified


def is_address(host: str | None) -> bool:
    """Whether it is an IP address, in any spelling that is dialled, and no name."""
    return _parse_address(_bare(host)) is not None


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
