"""Outgoing HTTP: each request bounded in time and size, and to no private address (OWASP SSRF).

The address that is checked is the one that is connected to: a name that resolves to another one a
moment later leads nowhere else. Redirects are not followed. A destination that does not answer is
left alone for a while, and takes nobody else's places.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

from tornado.httpclient import HTTPError, HTTPRequest
from tornado.httputil import HTTPInputError
from tornado.iostream import UnsatisfiableReadError
from tornado.netutil import Resolver
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from porta.outbound.breaker import MOST_OF_ALL, Breakers, LeftAlone

TIMEOUT = 10.0
"""Seconds for all of it."""
_CONNECT_TIMEOUT = 5.0
_MOST_ANSWERED = 131_072
"""Bytes of an answer, and as many again for its headers."""
_LOOKUPS = 64
"""Names that are looked up at once; threads are made as they are needed."""
_USER_AGENT = "webhook/1"
"""Whatever is called is not told the product, nor its libraries."""
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv4 addresses behind a translator (RFC 6052)."""
_GIVEN_OUT = IPv6Network("2000::/3")
"""All of IPv6 that the public internet is made of (RFC 4291 §2.4). Beside it are translators of a
network's own (RFC 8215), site-local and IPv4-compatible addresses, which Python calls global.
"""
_EXAMPLES = IPv6Network("3fff::/20")
"""RFC 9637."""
_ISATAP = (0x00005EFE, 0x02005EFE)
"""What an interface identifier begins with that holds an IPv4 address (RFC 5214 §6.1)."""


class NotSent(Exception):
    """A request was not answered as it should be; the message says why, for an operator."""


class NotAnswered(NotSent):
    """A destination that does not work: no connection, no answer in time, or a status of 5xx."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent; without a `body` it is a GET, else a POST."""

    url: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    plain: bool = False
    """Whether it may travel without TLS to a public address."""
    of: str = ""
    """The organization whose wish it is; empty for the operator's."""
    by: str = ""
    """The connection of it that asks, if one does: each has a breaker of its own."""
    seconds: float | None = None
    """How long all of it may take, where that is less than TIMEOUT."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status below 500, which may be a redirect that nobody followed."""

    status: int
    body: bytes


class _Resolver(Resolver):
    """Resolves names, to addresses of the public internet unless others are allowed.

    In threads of its own: a name server that does not answer keeps one waiting for longer than any
    request, and what else runs in threads goes on.
    """

    def initialize(self, *, private_addresses: bool) -> None:
        """Called by whatever makes one (`Configurable`)."""
        self._private_addresses = private_addresses
        self._threads = ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="resolver")

    def close(self) -> None:
        """Wait for nothing that is under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[tuple[int, Any]]:
        loop = asyncio.get_running_loop()
        ask = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM)
        found = await loop.run_in_executor(self._threads, ask)
        public: list[tuple[int, Any]] = [
            (kind, at)
            for kind, _, _, _, at in found
            if self._private_addresses or is_public(str(at[0]))
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
        if not _is_given_out(address):
            return False
    return address.is_global and not address.is_multicast


def _is_given_out(address: IPv6Address) -> bool:
    if address not in _GIVEN_OUT or address in _EXAMPLES or address.teredo is not None:
        return False
    return int(address) >> 32 & 0xFFFFFFFF not in _ISATAP


class Outbound:
    """What a process calls, and whether those who are called answer."""

    def __init__(self, *, private_addresses: bool, breakers: Breakers | None = None) -> None:
        self._private_addresses = private_addresses
        self._breakers = breakers or Breakers()

    async def fetch(self, request: Request) -> Answer:
        """Send a request, and return its answer within TIMEOUT, or its `seconds`; raises
        NotSent."""
        destination = _destination(request, plain=request.plain or self._private_addresses)
        try:
            with self._breakers.guard(destination, NotAnswered, request.of, request.by):
                return await self._fetch(request)
        except LeftAlone as refusal:
            raise NotSent(str(refusal)) from None

    async def post(self, url: str, body: bytes, *, content_type: str) -> None:
        """Post `body` to where an operator said; raises NotSent for all but a status of 2xx."""
        request = Request(url, body, {"Content-Type": content_type}, plain=True)
        answer = await self.fetch(request)
        if not 200 <= answer.status < 300:
            raise NotSent(f"answered with {answer.status}")

    async def close(self) -> None:
        """End what is under way."""
        if "_client" in self.__dict__:
            self._client.close()
            self._resolver.close()

    @cached_property
    def _resolver(self) -> Resolver:
        made: Resolver = _Resolver(private_addresses=self._private_addresses)
        return made

    @cached_property
    def _client(self) -> SimpleAsyncHTTPClient:
        """Made by the first request: it belongs to the event loop that it runs in."""
        return SimpleAsyncHTTPClient(
            force_instance=True,
            resolver=self._resolver,
            max_clients=MOST_OF_ALL,
            max_buffer_size=2 * _MOST_ANSWERED,
            max_header_size=_MOST_ANSWERED,
            max_body_size=_MOST_ANSWERED,
        )

    async def _fetch(self, request: Request) -> Answer:
        try:
            response = await self._client.fetch(
                HTTPRequest(
                    request.url,
                    method="GET" if request.body is None else "POST",
                    body=request.body,
                    headers={**request.headers, "User-Agent": _USER_AGENT},
                    follow_redirects=False,
                    decompress_response=False,
                    connect_timeout=min(_CONNECT_TIMEOUT, request.seconds or TIMEOUT),
                    request_timeout=request.seconds or TIMEOUT,
                ),
                raise_error=False,
            )
        except HTTPError as error:
            raise NotAnswered(f"answered with {error.code}: {error.message}") from None
        except (OSError, HTTPInputError, UnsatisfiableReadError, ValueError) as error:
            raise NotAnswered(" ".join(str(error).split()) or type(error).__name__) from None
        if response.code >= 500:
            raise NotAnswered(f"answered with {response.code}")
        return Answer(response.code, response.body)


def _destination(request: Request, *, plain: bool) -> str:
    """Return whom a request is for. Raises NotSent for what is no URL that may be called."""
    try:
        parts = urlsplit(request.url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in ("https", "http") or parts.username is not None:
        raise NotSent("it is no URL that can be called")
    if parts.scheme == "http" and not plain:
        raise NotSent("only https is called")
    return f"{parts.scheme}://{host}:{port or ''}"
