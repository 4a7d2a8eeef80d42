"""Outgoing HTTP: one request, bounded in time and size, and to no private address (OWASP SSRF).

The address that is checked is the one that is connected to: a name that resolves to another one a
moment later leads nowhere else. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from tornado.httpclient import HTTPError
from tornado.httputil import HTTPInputError
from tornado.iostream import UnsatisfiableReadError
from tornado.netutil import Resolver
from tornado.simple_httpclient import SimpleAsyncHTTPClient

TIMEOUT = 10.0
"""Seconds for all of it."""
_CONNECT_TIMEOUT = 5.0
_MOST_ANSWERED = 65_536
_USER_AGENT = "webhook/1"
"""Whatever is called is not told the product, nor its libraries."""
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv4 addresses behind a translator (RFC 6052)."""


class NotSent(Exception):
    """A request was not answered with success; the message says why, for an operator."""


class _PublicOnly(Resolver):
    """Resolves names to addresses of the public internet."""

    def initialize(self) -> None:
        """Nothing is configured."""

    async def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[tuple[int, Any]]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        public: list[tuple[int, Any]] = [
            (kind, at) for kind, _, _, _, at in found if is_public(str(at[0]))
        ]
        if not public:
            raise OSError("it is at no public address; OUTBOUND_PRIVATE_ADDRESSES allows others")
        return public


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet, whatever it is wrapped in."""
    try:
        address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _TRANSLATED:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


async def post(url: str, body: bytes, *, content_type: str, private_addresses: bool) -> None:
    """Post `body`; raises NotSent for everything but a status of 2xx within TIMEOUT."""
    client = SimpleAsyncHTTPClient(
        force_instance=True,
        resolver=None if private_addresses else _PublicOnly(),
        max_buffer_size=2 * _MOST_ANSWERED,
        max_body_size=_MOST_ANSWERED,
    )
    try:
        await client.fetch(
            url,
            method="POST",
            body=body,
            headers={"Content-Type": content_type, "User-Agent": _USER_AGENT},
            follow_redirects=False,
            connect_timeout=_CONNECT_TIMEOUT,
            request_timeout=TIMEOUT,
        )
    except HTTPError as error:
        raise NotSent(f"answered with {error.code}: {error.message}") from None
    except (OSError, HTTPInputError, UnsatisfiableReadError, ValueError) as error:
        raise NotSent(" ".join(str(error).split()) or type(error).__name__) from None
    finally:
        client.close()
