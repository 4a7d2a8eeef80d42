"""Types of settings: how a variable is read, what is refused of it, and what stands in where it is
not set.
"""

from __future__ import annotations

import os
from email.utils import getaddresses
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, StringConstraints
from pydantic_settings import NoDecode

from porta.config import asset_storage
from porta.config.hosts import check_issuer, is_this_host
from porta.config.setting_errors import find_leftover
from porta.errors import Invalid
from porta.text.email_addresses import canonical_email
from porta.text.resolvers import parse_resolver
from storage.postgres.dsn import DsnInvalid
from storage.postgres.dsn import parse as parse_dsn
from storage.redis.urls import parse_redis_url

Network = IPv4Network | IPv6Network
Tls = Literal["starttls", "implicit", "none"]
HEX_KEY = r"^[0-9a-fA-F]{64}$"


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _split(value: Any) -> Any:
    return tuple(_parts(value)) if isinstance(value, str) else value


def _split_as_it_is(value: Any) -> Any:
    return tuple(value.split(",")) if isinstance(value, str) else value


def _accept_cookie_keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    for problem in filter(None, map(find_leftover, keys)):
        raise ValueError(problem)
    keys = tuple(key.strip() for key in keys)
    if any(len(key) < 16 for key in keys):
        raise ValueError("every key needs at least 16 characters")
    return keys


def _parse_networks(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(ip_network(part, strict=False) for part in _parts(value))


def _accept_resolvers(resolvers: tuple[str, ...]) -> tuple[str, ...]:
    for each in resolvers:
        parse_resolver(each)
    return resolvers


def _accept_sender(value: str) -> str:
    found = getaddresses([value])
    try:
        ((_, address),) = found
        canonical_email(address)
    except (ValueError, Invalid):
        raise ValueError("is no address: id@example.com, or Name <id@example.com>") from None
    return value


def _accept_issuer(value: str) -> str:
    check_issuer(value)
    return value


def _accept_database_url(value: str) -> str:
    try:
        parse_dsn(value)
    except DsnInvalid:
        raise ValueError("is malformed") from None
    return value


def _accept_redis_url(value: str) -> str:
    try:
        parse_redis_url(value)
    except ValueError:
        raise ValueError("is malformed") from None
    return value


def _accept_http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("must be https://host/path")
    return value


def _accept_asset_place(value: str) -> str:
    asset_storage.check_place(value)
    return value


def _accept_asset_endpoint(value: str) -> str:
    asset_storage.check_endpoint(value)
    return value


HexKeys = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=HEX_KEY)], ...],
    NoDecode,
    BeforeValidator(_split),
]
CookieKeys = Annotated[
    tuple[str, ...],
    NoDecode,
    BeforeValidator(_split_as_it_is),
    AfterValidator(_accept_cookie_keys),
]
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_parse_networks)]
Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Resolvers = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_accept_resolvers)
]
Sender = Annotated[str, AfterValidator(_accept_sender)]
IssuerUrl = Annotated[str, AfterValidator(_accept_issuer)]
DatabaseUrl = Annotated[str, AfterValidator(_accept_database_url)]
RedisUrl = Annotated[str, AfterValidator(_accept_redis_url)]
HttpUrl = Annotated[str, AfterValidator(_accept_http_url)]
AssetPlace = Annotated[str, AfterValidator(_accept_asset_place)]
AssetEndpoint = Annotated[str, AfterValidator(_accept_asset_endpoint)]


def usable_cores() -> int:
    """Return how many cores this process may run on: more hashes at once would only take turns."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(2)
    return min(len(usable), 64)


def default_drain(known: dict[str, Any]) -> float:
    """In production a load balancer is given time to notice."""
    return 5.0 if known.get("environment") == "production" else 0.0


def default_tls(known: dict[str, Any]) -> Tls:
    """Only on this very machine is mail handed over in plain text unless somebody says so."""
    if known.get("smtp_port") == 465:
        return "implicit"  # RFC 8314 §3.3
    return "none" if is_this_host(known.get("smtp_host")) else "starttls"


def default_host(known: dict[str, Any]) -> str:
    """A container is reached from outside; a server without safety rules is for its own machine."""
    return "127.0.0.1" if known.get("environment") == "development" else "0.0.0.0"  # noqa: S104
