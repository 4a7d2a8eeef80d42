"""URLs that a person's profile may hold, and that tokens then carry to everybody who trusts us."""

from __future__ import annotations

from urllib.parse import urlsplit

from porta.errors import Invalid

_MAX_LENGTH = 2048


def parse_web_url(url: str) -> str:
    """Return `url`. Raises Invalid unless it is an absolute http or https URL without a user.

    Clients put it into links: `javascript:` and its like end here.
    """
    if len(url) > _MAX_LENGTH or not url.isascii() or any(c <= " " or c in '"<>\\`' for c in url):
        raise Invalid("an absolute URL of at most 2048 ASCII characters is needed")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - parsing it is the check
    except ValueError:
        raise Invalid("the URL cannot be parsed") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise Invalid("an absolute http or https URL without user name is needed")
    return url
