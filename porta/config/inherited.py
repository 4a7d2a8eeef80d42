"""Settings of Porta 1.x: values that it took and we spell otherwise, read where that is safe.

Each function returns what a value means here and, where that is not what is written, a note for the
operator. It raises ValueError, which names the way on, where a guess could open something or change
what clients compare. No text quotes a value: it may hold a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from porta.config.setting_errors import find_leftover
from porta.limits.proxies import NEAR


class Reading(NamedTuple):
    """What a value means, and what the operator is told of it."""

    value: str
    note: str | None = None


_ON = frozenset({"true", "1"})
_OFF = frozenset({"", "false", "0", "no", "off"})
_NODE_OPTIONS = frozenset({
    "max", "min", "idleTimeoutMillis", "connectionTimeoutMillis", "allowExitOnIdle", "maxUses",
    "maxLifetimeSeconds", "statement_timeout", "query_timeout", "lock_timeout",
    "idle_in_transaction_session_timeout", "keepAlive", "keepAliveInitialDelayMillis", "binary",
    "encoding", "uselibpqcompat", "schema", "connection_limit", "pool_timeout", "pool_size",
    "pgbouncer", "socket_timeout",
})  # fmt: skip
"""Of node-pg and of what pools for it: none of them says where the database is, or how safely."""
_REDIS_OPTIONS = frozenset({
    "family", "connectTimeout", "commandTimeout", "keepAlive", "noDelay", "connectionName",
    "lazyConnect", "maxRetriesPerRequest", "enableReadyCheck", "enableOfflineQueue",
})  # fmt: skip
_BARE_REDIS = re.compile(
    r"(?:[^@/?#\s]*@)?(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+]):[0-9]{1,5}(?:/[0-9]+)?"
)
_ORIGIN = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?(?P<path>/[^?#]*)?"
)
_NO_ORIGINS = frozenset({"about", "blob", "data", "file", "ftp", "javascript", "ws", "wss"})
_WORDS = ", as in 1.x for any word but true and 1; name your proxies in TRUSTED_PROXIES"


def read_issuer(url: str) -> Reading:
    """ISSUER_BASE_URL: blanks around it and a slash at its end were taken by 1.x."""
    bare = url.strip(" ").removesuffix("/")
    try:
        host = urlsplit(bare).hostname or ""
        ascii_host = host.encode("idna").decode()
    except (ValueError, UnicodeError):
        return Reading(url)
    if ascii_host != host:
        raise ValueError(
            f"has a host that is not ASCII; write it as {ascii_host}, and tell your clients: they"
            " compare the issuer letter by letter"
        )
    if bare == url:
        return Reading(url)
    slash = " (1.x told clients an issuer with two slashes: see that they know the one without)"
    return Reading(
        bare, f"is read without blanks and a slash at its end{slash if url.strip() != bare else ''}"
    )


def read_database_url(url: str) -> Reading:
    """DATABASE_URL: options of node-pg that say nothing to libpq are left out."""
    if url.startswith("socket:"):
        raise ValueError(
            "is in a form of node-pg for sockets; write"
            " postgresql://user:password@/name?host=/folder/of/the/socket"
        )
    place, mark, query = url.rpartition("?")
    if not mark or not url.startswith(("postgres://", "postgresql://")):
        return Reading(url)
    kept, notes = [], []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name in _NODE_OPTIONS or (name == "ssl" and value in _OFF):
            notes.append(f"{name} is left out")
        elif name == "ssl":
            raise ValueError("has ssl, an option of node-pg; write sslmode=verify-full")
        elif (name, value) == ("sslmode", "no-verify"):
            kept.append("sslmode=require")
            notes.append("sslmode=no-verify is read as require, which encrypts and verifies nobody")
        else:
            kept.append(part)
    if not notes:
        return Reading(url)
    return Reading(place + (f"?{'&'.join(kept)}" if kept else ""), _of_node("node-pg", notes))


def read_redis_url(url: str) -> Reading:
    """REDIS_URL: `host:port`, and options of ioredis that say nothing here."""
    if url.startswith(("/", "unix:")):
        raise ValueError("is a socket, which is not spoken to; write redis://host:port")
    if "://" not in url:
        if _BARE_REDIS.fullmatch(url) is None:
            return Reading(url)
        return Reading(f"redis://{url}", "is read as redis:// and what is written")
    place, mark, query = url.rpartition("?")
    options = [part.partition("=")[0] for part in query.split("&")]
    if not mark or not set(options) <= _REDIS_OPTIONS:
        return Reading(url)
    return Reading(place, _of_node("ioredis", [f"{name} is left out" for name in options]))


def read_switch(value: str) -> Reading:
    """METRICS_ENABLED: `true` and `1` were on, and anything else off."""
    return _switch(value, _ON)


def read_safety_switch(value: str) -> Reading:
    """PORTA_SKIP_PROD_SAFETY: only `true` switched safety off."""
    return _switch(value, frozenset({"true"}))


def _switch(value: str, on: frozenset[str]) -> Reading:
    if value in on:
        return Reading("true")
    words = " or ".join(sorted(on, reverse=True))
    return Reading("false", None if value in _OFF else f"is off, as in 1.x; on is {words}")


def read_origins(value: str) -> Reading:
    """ADMIN_CORS_ORIGINS: URLs in 1.x, compared with what browsers send: lower case, no slash."""
    parts = [part.strip() for part in value.split(",") if part.strip()]
    read = ",".join(map(_origin, parts))
    changed = read != ",".join(parts)
    return Reading(
        read, "is read as browsers send origins: lower case, no slash" if changed else None
    )


def _origin(text: str) -> str:
    match = _ORIGIN.fullmatch(text)
    if match is None or int(match["port"] or 1) > 65535 or match["scheme"].lower() in _NO_ORIGINS:
        raise ValueError("is malformed")
    if match["path"] not in (None, "/"):
        raise ValueError("holds a path, and an origin has none: take it off")
    return text.removesuffix("/").lower()


def _of_node(library: str, notes: list[str]) -> str:
    return f"holds options of {library}: {', '.join(notes)}"


READERS: Mapping[str, Callable[[str], Reading]] = {
    "issuer_base_url": read_issuer,
    "database_url": read_database_url,
    "redis_url": read_redis_url,
    "metrics_enabled": read_switch,
    "porta_skip_prod_safety": read_safety_switch,
    "admin_cors_origins": read_origins,
}
"""By the field of Settings."""


def adapt(given: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the settings `given`, by field, as they are meant here, and a note for each that is
    read otherwise than it is written. What cannot be read stays, for its own check to refuse.
    """
    adapted, notes = dict(given), []
    for name, reader in READERS.items():
        value = adapted.get(name)
        if not isinstance(value, str) or value == "" or find_leftover(value):
            continue
        try:
            adapted[name], note = reader(value)
        except ValueError:
            continue
        if note is not None:
            notes.append(f"{name.upper()}: {note}")
    if adapted.get("trusted_proxies") in (None, "", ()):
        adapted, trusted = _trust(adapted)
        notes += trusted
    return adapted, tuple(notes)


def _trust(given: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """TRUST_PROXY: every peer that stands near is a proxy. 1.x believed whoever connected."""
    value = str(given.get("trust_proxy") or "").strip().lower()
    if value in _ON:
        told = (
            "TRUST_PROXY: peers on loopback, link-local and private addresses are taken for"
            " proxies; name those that are in TRUSTED_PROXIES"
        )
        return given | {"trusted_proxies": NEAR}, [told]
    return given, [f"TRUST_PROXY: is off{_WORDS}"] if value not in _OFF else []
