"""Known-browser tokens: a browser that signed in to an account before (OWASP "device cookies").

Whoever guesses at an account from elsewhere uses up the attempts of strangers. A browser that holds
a token of the account is none: it is counted by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from porta.security import opaque

LIFETIME = 180 * 86_400
"""Seconds from the last sign-in for which a browser is known."""
MAX_ACCOUNTS = 4
"""How many accounts of one organization a browser is known for; the oldest makes room."""
_PURPOSE = "known browser"
_TIME, _ID, _SEAL = 10, 22, 43
_LENGTH = _TIME + _ID + _SEAL


class _Token(NamedTuple):
    """When it ends (seconds since the epoch, ten digits), what is counted by, and its seal."""

    ends: str
    id: str
    seal: str


def find(
    keys: Sequence[str], value: str | None, organization_id: str, email: str, now: float
) -> str | None:
    """Return what this browser is counted by at the account, or None where it is a stranger.

    `value` is its cookie, `keys` are the cookie keys, any of which may have sealed it.
    """
    return next(
        (
            token.id
            for token in _tokens(value)
            if _is_of(keys, token, organization_id, email) and int(token.ends) > now
        ),
        None,
    )


def remember(
    keys: Sequence[str], value: str | None, organization_id: str, email: str, now: float
) -> str:
    """Return the cookie of a browser that has just signed in to the account; `value` is its old
    one, of which the tokens of other accounts stay. It is good for LIFETIME.
    """
    ends, id = f"{int(now) + LIFETIME:0{_TIME}d}", opaque.new_value()[:_ID]
    seal = opaque.sign_value(keys, _PURPOSE, _text(organization_id, email, ends, id))
    others = [t for t in _tokens(value) if not _is_of(keys, t, organization_id, email)]
    kept = [_Token(ends, id, seal), *others][:MAX_ACCOUNTS]
    return "".join("".join(token) for token in kept)


def after_reset(email: str) -> str:
    """Return what stands for an account in a token that somebody got by a mailed link to another
    password. It is no address, and good for guesses at the password alone: who reads somebody's
    mail has no further guesses at their second factor by it.
    """
    return f"{email} by reset"


def _tokens(value: str | None) -> Iterator[_Token]:
    if value is None or len(value) > MAX_ACCOUNTS * _LENGTH or len(value) % _LENGTH:
        return
    for start in range(0, len(value), _LENGTH):
        token = value[start : start + _LENGTH]
        ends, id, seal = token[:_TIME], token[_TIME:-_SEAL], token[-_SEAL:]
        if ends.isascii() and ends.isdigit():
            yield _Token(ends, id, seal)


def _is_of(keys: Sequence[str], token: _Token, organization_id: str, email: str) -> bool:
    text = _text(organization_id, email, token.ends, token.id)
    return opaque.verify_value(keys, _PURPOSE, text, token.seal)


def _text(organization_id: str, email: str, ends: str, id: str) -> str:
    # Of fixed length, all but the last: no two accounts have one text.
    return f"{ends} {id} {organization_id} {email}"
