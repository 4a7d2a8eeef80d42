"""Redis URLs: one server, the primary that Sentinels name, or a cluster."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import SplitResult, unquote, urlsplit

from storage.redis.connection import Address, Command


class Topology(Enum):
    """What answers at the places of a URL."""

    SERVER = "server"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


Place = tuple[str, int]
"""A host and a port."""

FORMS = (
    "a Redis URL is redis[s]://[user:password@]host[:port][/database],"
    " redis[s]+sentinel://[user:password@]host[:port],host[:port]/service[/database]"
    " or redis[s]+cluster://[user:password@]host[:port],host[:port],"
    " with special characters of the password as %XX"
)
_TOPOLOGIES = {
    "": Topology.SERVER, "+sentinel": Topology.SENTINEL, "+cluster": Topology.CLUSTER,
}  # fmt: skip
_PORTS = {Topology.SERVER: 6379, Topology.SENTINEL: 26379, Topology.CLUSTER: 6379}


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """A parsed URL; the credentials are those of servers and Sentinels alike."""

    topology: Topology
    places: tuple[Place, ...]
    tls: ssl.SSLContext | None
    user: str | None
    password: str | None = field(repr=False)
    service: str
    """What Sentinels call the primary; empty for another topology."""
    database: str

    @property
    def place(self) -> str:
        """Name it for a person."""
        places = ", ".join(told(place) for place in self.places)
        if self.topology is Topology.SENTINEL:
            return f"Redis at {self.service} of the Sentinels {places}"
        return f"Redis at {places}"

    @property
    def auth(self) -> tuple[Command, ...]:
        """AUTH, or nothing."""
        if self.password is None:
            return ()
        return (("AUTH", self.user, self.password) if self.user else ("AUTH", self.password),)

    def address(self, place: Place) -> Address:
        """Return what to connect to for a server of this URL at `place`."""
        cluster = self.topology is Topology.CLUSTER
        select: tuple[Command, ...] = () if cluster else (("SELECT", self.database),)
        return Address(
            *place,
            self.tls,
            (*self.auth, HELLO, *select, ("PING",)),
            mode="cluster" if cluster else "standalone",
            primary=self.topology is Topology.SENTINEL,
        )


HELLO: Command = ("HELLO", 2)
"""Tells the mode and the role of a server, to any user (Redis 6 and later)."""


def told(place: Place) -> str:
    """Return `host:port`."""
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_redis_url(url: str) -> RedisUrl:
    """Parse a URL of one of the FORMS; default ports are 6379, and 26379 of a Sentinel.

    Raises ValueError, without quoting the URL, which may hold a password.
    """
    first, others = _first_place(url)
    try:
        parts = urlsplit(first)
        topology = _TOPOLOGIES[parts.scheme.removeprefix("redis").removeprefix("s")]
        places = tuple(_places(parts, others, topology))
    except (KeyError, ValueError):  # which quotes it
        raise ValueError(FORMS) from None
    if not parts.scheme.startswith("redis") or parts.query or parts.fragment:
        raise ValueError(FORMS)
    service, database = _path(parts.path, topology)
    return RedisUrl(
        topology=topology,
        places=places,
        tls=ssl.create_default_context() if parts.scheme.startswith("rediss") else None,
        user=unquote(parts.username or "") or None,
        password=unquote(parts.password or "") or None,
        service=service,
        database=database,
    )


def _first_place(url: str) -> tuple[str, list[str]]:
    """Return `url` with the first of its places alone, and the others.

    A list of hosts is no authority by RFC 3986 §3.2: urlsplit refuses one with an IPv6 address.
    """
    scheme, mark, rest = url.partition("://")
    ends = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    credentials, at, hosts = rest[:ends].rpartition("@")
    first, *others = hosts.split(",")
    return f"{scheme}{mark}{credentials}{at}{first}{rest[ends:]}", others


def _places(first: SplitResult, others: list[str], topology: Topology) -> list[Place]:
    port = _PORTS[topology]
    if topology is Topology.SERVER:
        if others:
            raise ValueError(FORMS)
        return [(first.hostname or "localhost", first.port or port)]
    places = []
    for each in (first, *(urlsplit(f"//{other}") for other in others)):
        if not each.hostname:
            raise ValueError(FORMS)
        places.append((each.hostname, each.port or port))
    return places


def _path(path: str, topology: Topology) -> tuple[str, str]:
    """Return the service and the number of the database."""
    words = path.strip("/").split("/")
    service = ""
    if topology is Topology.SENTINEL:
        service, words = unquote(words[0]), words[1:]
        if not service:
            raise ValueError("the path of a Sentinel URL is /service[/database]")
    database = "/".join(words) or "0"
    if topology is Topology.CLUSTER and database != "0":
        raise ValueError("a cluster has no database but 0")
    if not (database.isascii() and database.isdigit()):
        raise ValueError("the path of a Redis URL is the number of a database")
    return service, database
