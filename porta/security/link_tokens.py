"""Link tokens: what a mailed link carries, once: 256 random bits, of which a digest is stored.

A further kind of mailed link is made of these pieces:

- here: `new_token()` gives the value for the URL and the digest for the table; `digest_of(value)`
  is what a value from a URL is looked up by. Both are what Porta 1.x wrote, so its pending links
  are found too.
- `storage/models/auth_tokens.py`: its line of LinkKind; the columns of its table are those of
  `password_reset_tokens`, with a policy for row-level security. `storage.auth_tokens` then finds
  a link that can be used (`find`), uses it, once, by one statement (`use`), and adds one (`add`).
- `limits/mailed_links.py`: `count`, before it is known whose address it is, `counting_password`
  where one is chosen by it, and `limits/even_time.py`, which answers known and unknown addresses
  alike.
- `handlers/links/base.py`: the page that it leads to.
"""

from __future__ import annotations

from typing import NamedTuple

from porta.security import opaque

_ID = 36
"""Characters of the id of a person, before the token in a link that is theirs by its own word."""


class LinkToken(NamedTuple):
    """What stands in the URL (43 characters of base64url), and what is stored (SHA-256, hex)."""

    value: str
    digest: str


def new_token() -> LinkToken:
    """Return a token for one link."""
    value = opaque.new_value()
    return LinkToken(value, opaque.sha256_hex(value))


def digest_of(value: str) -> str | None:
    """Return what a token is stored under; None for what is none, which reaches no store."""
    return opaque.sha256_hex(value) if opaque.well_formed(value) else None


def of_person(value: str) -> tuple[str, str | None]:
    """Return the id of the person that a value from a URL begins with, and what the token after it
    is stored under; None for what is none.
    """
    return value[:_ID].lower(), digest_of(value[_ID:])
