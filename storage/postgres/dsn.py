"""What a connection is asked for beyond its address: keepalives, a writable server, time limits."""

from __future__ import annotations

import socket
from collections.abc import Mapping

import psycopg2
from psycopg2 import extensions

from storage.errors import StorageError, Unreachable

_PLACE = ("host", "hostaddr", "port")

_FORM = (
    "the address of the database is postgresql://user:password@host:port/name,"
    " with special characters of the password as %XX"
)
_DEFAULTS = {
    "application_name": "porta",
    "connect_timeout": "2",
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "4000",
    # After a failover a pool must not settle on the server that was demoted.
    "target_session_attrs": "read-write",
}


class DsnInvalid(StorageError):
    """An address that cannot be read. The message quotes nothing of it: it may hold a password."""


def parse(dsn: str) -> dict[str, str]:
    """Parse a URL or libpq's key=value form. Raises DsnInvalid."""
    try:
        given: dict[str, str] = extensions.parse_dsn(dsn)
    except (psycopg2.Error, ValueError):
        raise DsnInvalid(_FORM) from None
    # What is not escaped in a password ends up here, and libpq would quote it.
    if not all(_is_port(port) for port in given.get("port", "").split(",")):
        raise DsnInvalid(_FORM)
    return given


def _is_port(text: str) -> bool:
    return not text or (text.isascii() and text.isdigit() and 0 < int(text) < 65536)


def connection_parameters(given: Mapping[str, str]) -> dict[str, str]:
    """Return the connection parameters to connect with; what is given wins over our defaults."""
    return {**_DEFAULTS, **given}


def session_settings(statement_timeout: float) -> dict[str, str]:
    """Return what has to hold in a session, as SET takes it.

    `statement_timeout` is in seconds, 0 for none. The server ends a statement by it even when
    nobody on our side is left to do so.
    """
    return {
        "statement_timeout": f"{statement_timeout * 1000:.0f}",
        "idle_in_transaction_session_timeout": "10000",
        # Rows are read by key. A plan for any value is as good as one for this value; made while a
        # table is small, and kept while it grows, it must not read all of it.
        "plan_cache_mode": "force_generic_plan",
        "enable_seqscan": "off",
        # It is taken for cheap where nearly all tokens are one client's, and then walks the whole
        # index up to the client, or the person, that this token is of.
        "enable_mergejoin": "off",
        "random_page_cost": "1.1",
        "jit": "off",
    }


def resolve(parameters: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the parameters once for each address to try, in order. Blocks: run it in a thread.

    libpq would resolve names while it holds up the whole interpreter. Raises Unreachable when no
    name can be resolved.
    """
    listed = {name: parameters[name].split(",") for name in _PLACE if parameters.get(name)}
    count = max((len(values) for values in listed.values()), default=1)
    if any(len(values) not in (1, count) for values in listed.values()):
        return [dict(parameters)]  # libpq says what is wrong with it.
    places = [
        {name: values[number % len(values)] for name, values in listed.items()}
        for number in range(count)
    ]
    found = [{**parameters, **each} for place in places for each in _resolved(place)]
    if not found:
        raise Unreachable("the database's host name cannot be resolved")
    return found


def _resolved(place: dict[str, str]) -> list[dict[str, str]]:
    host = place.get("host", "")
    if place.get("hostaddr") or not host or host[0] in "/@":  # An address, or a socket's path.
        return [place]
    return [{**place, "hostaddr": address} for address in _addresses(host)]


def _addresses(host: str) -> list[str]:
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))
