"""Production safety check: placeholders, published keys, plain connections are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from porta.config.asset_storage import is_in_the_open
from porta.config.hosts import is_private_host, is_this_host
from storage.postgres.dsn import parse as parse_dsn

if TYPE_CHECKING:
    from porta.config.settings import Settings

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_PUBLISHED_KEYS = frozenset(
    bytes.fromhex(key) for key in ("0123456789abcdef" * 4, "fedcba9876543210" * 4, "aa" * 32)
)
"""Keys of the examples of Porta 1.x, and the one that it used when it was given none."""
_READ_ONCE = (
    "holds a published example, under which anybody can encrypt; PORTA_SKIP_PROD_SAFETY=true, for"
    " porta keys reencrypt alone, reads what is encrypted with it"
)
_OR_ELSE = "or set STORES_WITHOUT_TLS=true where the network between is yours alone"
_ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})
"""Values of libpq's sslmode that never fall back to plain text."""


def production_problems(settings: Settings) -> list[str]:
    """Return what makes these settings unfit for production; empty outside production."""
    if settings.environment != "production":
        return []
    rules = (
        (_any_in(settings.cookie_keys, "change-me", "change_me", "changeme"),
         "COOKIE_KEYS: holds a placeholder; generate each with `openssl rand -base64 48`"),
        (any(len(key) < 32 for key in settings.cookie_keys),
         "COOKIE_KEYS: every key needs at least 32 characters"),
        (settings.two_factor_encryption_key is None,
         "TWO_FACTOR_ENCRYPTION_KEY: missing; generate it with `openssl rand -hex 32`"),
        (_is_published(settings.two_factor_encryption_key),
         "TWO_FACTOR_ENCRYPTION_KEY: is a published example"),
        (any(map(_is_published, settings.two_factor_decryption_keys)),
         f"TWO_FACTOR_DECRYPTION_KEYS: {_READ_ONCE}"),
        (_is_published(settings.signing_key_encryption_key),
         "SIGNING_KEY_ENCRYPTION_KEY: is a published example; where keys of the database are"
         " encrypted with it, PORTA_SKIP_PROD_SAFETY=true starts until they are encrypted anew"),
        (any(map(_is_published, settings.signing_key_decryption_keys)),
         f"SIGNING_KEY_DECRYPTION_KEYS: {_READ_ONCE}"),
        (parse_dsn(settings.database_url).get("password") == "porta_dev",
         "DATABASE_URL: uses the development password"),
        (not settings.secure and urlsplit(settings.issuer_base_url).hostname not in _LOCAL_HOSTS,
         "ISSUER_BASE_URL: must be https outside of this host"),
        (settings.secure and not settings.trusted_proxies,
         "TRUSTED_PROXIES: missing; https ends at a proxy before this server: name its address,"
         " or everybody behind it shares the limits of one; TRUST_PROXY=true, which 1.x took for"
         " said, is every private address"),
        (settings.log_level == "debug", "LOG_LEVEL: debug is not for production"),
        (settings.smtp_host is None or settings.smtp_from is None,
         "SMTP_HOST, SMTP_FROM: both are needed to reach people"),
        (is_this_host(settings.smtp_host),
         "SMTP_HOST: is this host; name a mail server, or this one by its address in the network"),
        (settings.smtp_tls == "none" and not is_private_host(settings.smtp_host),
         "SMTP_TLS: none hands mail over in the open to a host that may be public; use starttls,"
         " or implicit"),
        (not settings.stores_without_tls and _in_the_open(settings.database_url),
         "DATABASE_URL: sends secrets in the open to a host that may be public;"
         f" add ?sslmode=verify-full, {_OR_ELSE}"),
        (not settings.stores_without_tls and _redis_in_the_open(settings.redis_url),
         f"REDIS_URL: sends secrets in the open to a host that may be public; use rediss://,"
         f" {_OR_ELSE}"),
        (not settings.stores_without_tls and is_in_the_open(settings.asset_storage_endpoint),
         "ASSET_STORAGE_ENDPOINT: is spoken to in the open at a host that may be public; use"
         f" https://, {_OR_ELSE}"),
    )  # fmt: skip
    return [problem for broken, problem in rules if broken]


def _any_in(keys: tuple[str, ...], *needles: str) -> bool:
    return any(needle in key.lower() for key in keys for needle in needles)


def _is_published(key: str | None) -> bool:
    return key is not None and bytes.fromhex(key) in _PUBLISHED_KEYS


def _in_the_open(database_url: str) -> bool:
    given = parse_dsn(database_url)
    if given.get("sslmode") in _ENCRYPTED:
        return False
    hosts = given.get("hostaddr") or given.get("host") or ""
    # A path, or an abstract name, is a socket of this machine.
    return not all(host[:1] in ("/", "@") or is_private_host(host) for host in hosts.split(","))


def _redis_in_the_open(redis_url: str | None) -> bool:
    scheme, _, rest = (redis_url or "").partition("://")
    if not rest or scheme.partition("+")[0] == "rediss":
        return False
    places = rest.partition("/")[0].rpartition("@")[2].split(",")
    return not all(is_private_host(urlsplit(f"//{place}").hostname) for place in places)
