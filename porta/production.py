"""What makes settings unfit for production: placeholders, published keys, plain http."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from storage.dsn import parse as parse_dsn

if TYPE_CHECKING:
    from porta.settings import Settings

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_LOCAL_NAMES = frozenset({"localhost.localdomain", "localhost6", "ip6-localhost", "ip6-loopback"})
"""What /etc/hosts calls this host, beside `localhost` and what ends in it (RFC 6761 §6.3)."""
_PUBLISHED_KEYS = frozenset(
    bytes.fromhex(key) for key in ("0123456789abcdef" * 4, "fedcba9876543210" * 4, "aa" * 32)
)
"""Keys of the examples of Porta 1.x, and the one that it used when it was given none."""


def production_problems(settings: Settings) -> list[str]:
    """Return what makes these settings unfit for production; empty outside production."""
    if settings.environment != "production":
        return []
    rules = (
        (_any_in(settings.cookie_keys, "change-me", "change_me", "changeme"),
         "COOKIE_KEYS: holds a placeholder; generate each with `openssl rand -base64 48`"),
        (any(len(key.strip()) < 32 for key in settings.cookie_keys),
         "COOKIE_KEYS: every key needs at least 32 characters"),
        (settings.two_factor_encryption_key is None,
         "TWO_FACTOR_ENCRYPTION_KEY: missing; generate it with `openssl rand -hex 32`"),
        (_is_published(settings.two_factor_encryption_key),
         "TWO_FACTOR_ENCRYPTION_KEY: is a published example"),
        (_is_published(settings.signing_key_encryption_key),
         "SIGNING_KEY_ENCRYPTION_KEY: is a published example"),
        (parse_dsn(settings.database_url).get("password") == "porta_dev",
         "DATABASE_URL: uses the development password"),
        (not settings.secure and urlsplit(settings.issuer_base_url).hostname not in _LOCAL_HOSTS,
         "ISSUER_BASE_URL: must be https outside of this host"),
        (settings.log_level == "debug", "LOG_LEVEL: debug is not for production"),
        (settings.smtp_host is None or settings.smtp_from is None,
         "SMTP_HOST, SMTP_FROM: both are needed to reach people"),
        (_is_this_host(settings.smtp_host), "SMTP_HOST: is this host"),
    )  # fmt: skip
    return [problem for broken, problem in rules if broken]


def _any_in(keys: tuple[str, ...], *needles: str) -> bool:
    return any(needle in key.lower() for key in keys for needle in needles)


def _is_published(key: str | None) -> bool:
    return key is not None and bytes.fromhex(key) in _PUBLISHED_KEYS


def _is_this_host(host: str | None) -> bool:
    """Whether a name or an address, in any spelling that is dialled, leads nowhere else."""
    name = (host or "").strip().strip("[]").rstrip(".").lower()
    address = _parse_address(name)
    if address is None:
        return name in _LOCAL_NAMES or name.split(".")[-1] == "localhost"
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return address.is_loopback or address.is_unspecified


def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(text))  # 127.1 and 2130706433 too
    except (OSError, ValueError):
        return None
