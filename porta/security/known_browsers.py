"""Known-browser tokens: a browser that signed in to an account before (OWASP "device cookies").

Whoever guesses at an account from elsewhere uses up the attempts of strangers. A browser that holds
a token of the account is none: it is counted by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from porta.security import browser_tokens
from porta.security.browser_tokens import Account, Purpose

LIFETIME = 180 * 86_400
"""Seconds from the last sign-in for which a browser is known."""
MAX_ACCOUNTS = 4
"""How many accounts of one organization a browser is known for; the oldest makes room."""
_PURPOSE = Purpose("known browser", LIFETIME, MAX_ACCOUNTS)


def find(
    keys: Sequence[str], value: str | None, organization_id: str, email: str, now: float
) -> str | None:
    """Return what this browser is counted by at the account, or None where it is a stranger.

    `value` is its cookie, `keys` are the cookie keys, any of which may have sealed it.
    """
    return browser_tokens.find(keys, _PURPOSE, value, Account(organization_id, email), now)


def remember(
    keys: Sequence[str], value: str | None, organization_id: str, email: str, now: float
) -> str:
    """Return the cookie of a browser that has just signed in to the account; `value` is its old
    one, of which the tokens of other accounts stay. It is good for LIFETIME.
    """
    account = Account(organization_id, email)
    return browser_tokens.keep(keys, _PURPOSE, value, account, now).cookie


def after_reset(email: str) -> str:
    """Return what stands for an account in a token that somebody got by a mailed link to another
    password. It is no address, and good for guesses at the password alone: who reads somebody's
    mail has no further guesses at their second factor by it.
    """
    return f"{email} by reset"
