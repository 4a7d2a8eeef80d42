"""Former addresses of a person: letters that went there, by which a change is refused or undone.

What somebody does who has got into an account takes no letter back that went to an address before
theirs: each is good for a week at least, whatever was asked for, made, or given up after it, and
for as long as any that went out later (decisions/0056).
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import msgspec

from porta.limits.rate_limits import Throttled
from porta.security import opaque
from storage.models.artifact import artifact_id
from storage.models.artifacts import FormerAddresses, FormerLetter
from storage.models.users import User
from storage.stores.counters import Excess, Limit

if TYPE_CHECKING:
    from storage.router import Storage

MOST = 200
"""Letters that are kept of a person; then no other address is asked for until some are over."""
_OF_CHANGE = 2
"""Letters to the address of before: when a change is asked for, and when it is made."""


async def remember(tx: Storage, user: User, letter: FormerLetter, now: float) -> None:
    """Keep what a letter to an address of a person is known by, until its time is over. The person
    is held by the transaction, as with all that follows.

    Those before it are good for as long as this one: whoever had the account first is not outlived
    by who came after them.
    """
    living = [
        msgspec.structs.replace(each, until=max(each.until, letter.until))
        for each in await _letters(tx, user)
        if each.until > now
    ]
    await _keep(tx, user, (*living, letter), now)


async def check_room(storage: Storage, user: User, now: float) -> None:
    """Raise Throttled where the letters of one more change could not be kept: each that is sent
    has to be good.
    """
    ends = [each.until for each in await _letters(storage, user) if each.until > now]
    if len(ends) + _OF_CHANGE > MOST:
        wait = ceil(max(ends) - now)
        excess = Excess(Limit("former_addresses", MOST, wait), wait, first=False)
        raise Throttled(excess, reason="email_change_limit")


async def find_kept(storage: Storage, user: User) -> tuple[FormerLetter, ...]:
    """Return every letter that is kept of a person, whether it is still good or not."""
    return await _letters(storage, user)


async def is_home(storage: Storage, user: User, address: str, now: float) -> bool:
    """Whether a person had `address` so lately that a letter which went there is still good: who
    goes back there leaves nobody a letter.
    """
    return any(each.email == address for each in await _letters(storage, user) if each.until > now)


async def come_home(tx: Storage, user: User, address: str, now: float) -> None:
    """End the letters that went elsewhere since the first one to `address`: whose mailbox the
    account had meanwhile has no say in it any more.
    """
    kept: list[FormerLetter] = []
    for each in await _letters(tx, user):
        since = any(earlier.email == address for earlier in kept)
        if each.until > now and (each.email == address or not since):
            kept.append(each)
    await _keep(tx, user, tuple(kept), now)


async def find(
    storage: Storage, organization_id: str, person: str, digest: str, now: float
) -> tuple[str, FormerLetter] | None:
    """Return the letter whose token has this digest, while it is good, and the id of its person,
    who is whatever a link says.
    """
    value = FormerAddresses.value_of(person)
    found = await storage.artifacts.find(FormerAddresses, value, organization_id)
    for each in found.letters if found is not None else ():
        if found is not None and opaque.equal(each.digest, digest):
            return (found.account_id, each) if each.until > now else None
    return None


async def end_since(tx: Storage, user: User, letter: FormerLetter, now: float) -> None:
    """End a letter, and all that went out after it. Those before stay: whoever had the account
    first has the last word.
    """
    earlier = [each for each in await _letters(tx, user) if each.at < letter.at]
    await _keep(tx, user, tuple(earlier), now)


async def forget(tx: Storage, user: User) -> None:
    """End every letter, and forget the addresses."""
    await _keep(tx, user, (), 0)


async def _letters(storage: Storage, user: User) -> tuple[FormerLetter, ...]:
    value = FormerAddresses.value_of(user.id)
    found = await storage.artifacts.find(FormerAddresses, value, user.organization_id)
    return found.letters if found is not None else ()


async def _keep(tx: Storage, user: User, letters: tuple[FormerLetter, ...], now: float) -> None:
    kept = FormerAddresses(
        id=artifact_id(FormerAddresses.value_of(user.id)), organization_id=user.organization_id,
        account_id=user.id, letters=letters,
    )  # fmt: skip
    if letters:
        await tx.artifacts.save(kept, max(each.until for each in letters) - now)
    else:
        await tx.artifacts.delete(kept)
