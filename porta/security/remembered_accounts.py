"""Remembered accounts: who asked a browser to remember them, sealed so that it alone shows them.

One cookie holds those of every organization: a browser promises room for few of them (RFC 6265
§6.1). What is in it is read by us alone, and shown at the organization that it is of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from porta.security import boxes, opaque
from storage.models.users import User

LIFETIME = 180 * 86_400
"""Seconds from the last sign-in for which an account is remembered."""
MOST_OF_ONE = 3
"""How many accounts of one organization a browser remembers; the oldest makes room."""
LONGEST = 1024
"""Characters of the cookie; what does not fit is forgotten, the oldest first."""
_MOST_LETTERS = 40
_PURPOSE = "remembered accounts"


class Remembered(msgspec.Struct, frozen=True, array_like=True):
    """An account. `ends` is in seconds since the epoch; `name` is a given name, or ""."""

    organization_id: str
    account_id: str
    ends: int
    email: str
    name: str = ""


_Kept = tuple[Remembered, ...]
_decode = msgspec.msgpack.Decoder(_Kept).decode
_encode = msgspec.msgpack.Encoder().encode


def find(keys: Sequence[str], value: str | None, organization_id: str, now: float) -> _Kept:
    """Return who is remembered at an organization, the last first; `value` is the cookie."""
    kept = _read(keys, value, now)
    return tuple(each for each in kept if each.organization_id == organization_id)


def remember(
    keys: Sequence[str], value: str | None, user: User, now: float, *, asked: bool
) -> str | None:
    """Return the cookie of a browser that somebody has just signed in at; None where it stays as it
    is, because nobody `asked` to be remembered, and they were not.
    """
    kept = _read(keys, value, now)
    others = tuple(each for each in kept if each.account_id != user.id)
    if not asked and len(others) == len(kept):
        return None
    ends, name = int(now) + LIFETIME, (user.given_name or "").strip()[:_MOST_LETTERS]
    own = Remembered(user.organization_id, user.id, ends, user.email, name)
    return _close(keys, tuple(_bounded((own, *others))))


def forget(keys: Sequence[str], value: str | None, account_id: str, now: float) -> str | None:
    """Return the cookie without an account; None where nobody is left."""
    kept = tuple(each for each in _read(keys, value, now) if each.account_id != account_id)
    return _close(keys, kept) if kept else None


def handle(keys: Sequence[str], account: Remembered) -> str:
    """Return what names an account in a page: it tells nothing to whoever reads that."""
    text = f"{account.organization_id} {account.account_id}"
    return opaque.sign_value(keys, _PURPOSE, text)[:16]


def masked(email: str) -> str:
    """Return an address as its owner recognizes it, and nobody who looks on reads it."""
    local, _, domain = email.rpartition("@")
    last = local[-1] if len(local) > 3 else ""
    return f"{local[:1]}***{last}@{domain}"


def _read(keys: Sequence[str], value: str | None, now: float) -> _Kept:
    data = boxes.unlock(keys, _PURPOSE, value) if value else None
    try:
        kept = _decode(data) if data else ()
    except msgspec.DecodeError:
        return ()
    return tuple(each for each in kept if each.ends > now)


def _bounded(kept: _Kept) -> Iterator[Remembered]:
    of_one: dict[str, int] = {}
    for each in kept:
        of_one[each.organization_id] = of_one.get(each.organization_id, 0) + 1
        if of_one[each.organization_id] <= MOST_OF_ONE:
            yield each


def _close(keys: Sequence[str], kept: _Kept) -> str | None:
    """Return as many of them as there is room for, sealed; one of any length has it as a rule."""
    while kept:
        box = boxes.close(keys, _PURPOSE, _encode(kept))
        if len(box) <= LONGEST:
            return box
        kept = kept[:-1]
    return None
