"""Browser tokens: what a browser was given at an account, sealed, and several of them to a cookie.

What a token is for is in its seal: one for another purpose, account or organization is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from porta.security import opaque

_TIME, _ID, _SEAL = 10, 22, 43
_LENGTH = _TIME + _ID + _SEAL


class Purpose(NamedTuple):
    """What a token says of a browser."""

    name: str
    lifetime: int
    """Seconds for which one is good at most."""
    most: int
    """How many of them a cookie holds; the oldest makes room."""


class Account(NamedTuple):
    """Whose token it is: an account, by whatever stands for it, of an organization."""

    organization_id: str
    name: str


class Kept(NamedTuple):
    """A cookie with a new token in it, whose `id` is 130 random bits."""

    cookie: str
    id: str


class _Token(NamedTuple):
    """When it ends (seconds since the epoch, ten digits), its id, and its seal."""

    ends: str
    id: str
    seal: str


def find(
    keys: Sequence[str], purpose: Purpose, cookie: str | None, account: Account, now: float
) -> str | None:
    """Return the id of the token of this account; None where the cookie holds no good one.

    `keys` are the cookie keys, any of which may have sealed it.
    """
    return next(
        (
            token.id
            for token in _tokens(purpose, cookie)
            if _is_of(keys, purpose, token, account) and int(token.ends) > now
        ),
        None,
    )


def keep(
    keys: Sequence[str],
    purpose: Purpose,
    cookie: str | None,
    account: Account,
    now: float,
    lifetime: int | None = None,
) -> Kept:
    """Make a token that is good for `lifetime` seconds, or as long as its purpose says; put it into
    the `cookie` in the place of that account's own. Those of other accounts stay.
    """
    lasts = purpose.lifetime if lifetime is None else min(lifetime, purpose.lifetime)
    ends, id = f"{int(now) + lasts:0{_TIME}d}", opaque.new_value()[:_ID]
    seal = opaque.sign_value(keys, purpose.name, _text(account, ends, id))
    tokens = _tokens(purpose, cookie)
    others = [each for each in tokens if not _is_of(keys, purpose, each, account)]
    kept = [_Token(ends, id, seal), *others][: purpose.most]
    return Kept("".join("".join(token) for token in kept), id)


def _tokens(purpose: Purpose, cookie: str | None) -> Iterator[_Token]:
    if cookie is None or len(cookie) > purpose.most * _LENGTH or len(cookie) % _LENGTH:
        return
    for start in range(0, len(cookie), _LENGTH):
        token = cookie[start : start + _LENGTH]
        ends, id, seal = token[:_TIME], token[_TIME:-_SEAL], token[-_SEAL:]
        if ends.isascii() and ends.isdigit():
            yield _Token(ends, id, seal)


def _is_of(keys: Sequence[str], purpose: Purpose, token: _Token, account: Account) -> bool:
    text = _text(account, token.ends, token.id)
    return opaque.verify_value(keys, purpose.name, text, token.seal)


def _text(account: Account, ends: str, id: str) -> str:
    # Of fixed length, all but the last: no two accounts have one text.
    return f"{ends} {id} {account.organization_id} {account.name}"
