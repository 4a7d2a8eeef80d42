"""Addresses of DNS resolvers, as settings spell them."""

from __future__ import annotations

from ipaddress import ip_address

_PORT = 53


def parse_resolver(text: str) -> tuple[str, int]:
    """Return address and port of `192.0.2.1`, `192.0.2.1:5353`, or `[2001:db8::1]:5353`.

    Raises ValueError.
    """
    address, port = text, str(_PORT)
    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
    if not port.isascii() or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ValueError(f"{text} is no address, with a port where it is not {_PORT}")
    return str(ip_address(address)), int(port)
