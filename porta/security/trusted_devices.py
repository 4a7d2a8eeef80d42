"""Trusted-device tokens: a browser at which a second factor was shown, and is not asked for again.

They are no known-browser tokens (`known_browsers`): another purpose, another cookie, and good only
together with a row that whoever owns the account can take away.
"""

from __future__ import annotations

from collections.abc import Sequence

from porta.security import browser_tokens
from porta.security.browser_tokens import Account, Kept, Purpose
from storage.models.artifact import artifact_id

MOST_DAYS = 90
LIFETIME = MOST_DAYS * 86_400
"""Seconds for which the cookie stays at most: its tokens say themselves when they end."""
_PURPOSE = Purpose("trusted device", LIFETIME, 6)


def find(
    keys: Sequence[str], cookie: str | None, organization_id: str, user_id: str, now: float
) -> str | None:
    """Return the digest of the secret that this browser holds for a person; None without one.

    One cookie serves all organizations of the installation: 50 are all that a browser promises
    (RFC 6265 §6.1).
    """
    secret = browser_tokens.find(keys, _PURPOSE, cookie, Account(organization_id, user_id), now)
    return artifact_id(secret) if secret is not None else None


def keep(
    keys: Sequence[str],
    cookie: str | None,
    organization_id: str,
    user_id: str,
    now: float,
    days: int,
) -> tuple[str, str]:
    """Return the cookie with a new secret in it, and the digest of that."""
    account, seconds = Account(organization_id, user_id), days * 86_400
    kept: Kept = browser_tokens.keep(keys, _PURPOSE, cookie, account, now, seconds)
    return kept.cookie, artifact_id(kept.id)
