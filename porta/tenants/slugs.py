"""Slugs: the names that stand in URLs, tokens and files, and their one canonical spelling."""

from __future__ import annotations

import re
import unicodedata

from porta.errors import Invalid

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,98}[a-z0-9]")
_ROLE = re.compile(r"[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?")
_PERMISSION = re.compile(r"[a-z0-9-]+(:[a-z0-9-]+){2,}")
_PERMISSION_LENGTH = 150

RESERVED_ORGANIZATION_SLUGS = frozenset(
    (
        *("health", "ready", "live", "metrics", "static", "interaction", ".well-known"),
        *("favicon.ico", "robots.txt", "sitemap.xml"),
        *("admin", "api", "portal", "dashboard", "settings", "account"),
        *("auth", "oauth", "oidc", "token", "jwks", "callback"),
        *("login", "logout", "register", "signup"),
    )
)
"""Names that the root of an installation answers to, or may one day."""

RESERVED_APPLICATION_SLUGS = frozenset(
    ["admin", "api", "default", "health", "internal", "status", "system"]
)


def slugify(name: str) -> str:
    """Return a slug made of `name`; it may still be too short or reserved: check it."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:100].strip("-")


def is_slug(text: str) -> bool:
    """Whether `text` is spelled as a slug, reserved or not: Porta 1.x reserved fewer of them."""
    return _SLUG.fullmatch(text) is not None


def parse_organization_slug(slug: str) -> str:
    """Return `slug`. Raises Invalid unless it is 3 to 100 of a-z, 0-9 and -, and not reserved."""
    return _accepted(slug, RESERVED_ORGANIZATION_SLUGS)


def parse_application_slug(slug: str) -> str:
    """Return the slug of an application or one of its modules. Raises Invalid."""
    return _accepted(slug, RESERVED_APPLICATION_SLUGS)


def parse_role_slug(slug: str) -> str:
    """Return `slug`. Raises Invalid unless it is 1 to 100 of a-z, 0-9 and -."""
    if not _ROLE.fullmatch(slug):
        raise Invalid("slug: 1 to 100 of a-z, 0-9 and '-', beginning and ending in a-z or 0-9")
    return slug


def parse_permission_slug(slug: str) -> str:
    """Return `slug`. Raises Invalid unless it looks like `application:resource:action`."""
    if len(slug) > _PERMISSION_LENGTH or not _PERMISSION.fullmatch(slug):
        raise Invalid(
            "slug: at least three parts of a-z, 0-9 and '-' joined by ':', at most"
            f" {_PERMISSION_LENGTH} characters (crm:contacts:read)"
        )
    return slug


def _accepted(slug: str, reserved: frozenset[str]) -> str:
    if not is_slug(slug):
        raise Invalid("slug: 3 to 100 of a-z, 0-9 and '-', beginning and ending in a-z or 0-9")
    if slug in reserved:
        raise Invalid(f"slug: '{slug}' is reserved")
    return slug
