"""Signing keys as an administrator handles them: made, rotated, revoked, listed."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Sequence
from math import floor
from typing import TYPE_CHECKING

from porta.audit import events
from porta.audit.actors import SYSTEM, Actor
from porta.config.system import build_config
from porta.errors import Conflict, NotFound
from porta.security.encryption import EncryptionKeys
from porta.security.key_schedule import State, build_schedule
from porta.security.keys import ALGORITHMS, KeyPair, generate, seal
from porta.services.key_listing import schedules
from porta.services.usable_keys import can_sign_without, check_encryption_key, resealed, usable
from storage.models.signing_keys import SigningKey

if TYPE_CHECKING:
    from storage.router import Storage


_FORGET_AFTER = 30 * 86_400
"""Seconds that a key has been gone when its row is put away and its private half erased.

Longer where sessions live longer: until then an ID token that it signed is a hint.
"""


async def ensure(
    storage: Storage,
    encryption_keys: EncryptionKeys,
    algorithms: Sequence[str] = ALGORITHMS,
    *,
    now: float,
    lead: float,
    organization_id: str | None = None,
    actor: Actor = SYSTEM,
) -> tuple[SigningKey, ...]:
    """Make the keys that a ring lacks, and return them; any number of processes may do so at once.
    Stored keys that are encrypted in another form than today's are encrypted anew.

    A first key of the global ring signs at once, for nothing else can. A first key of an
    organization's own is published `lead` seconds before it takes over from the global one.
    Raises Conflict when the stored keys are encrypted under none of `encryption_keys`.
    """
    stored = await storage.signing_keys.list()
    missing = _missing(stored, algorithms, organization_id)
    if not missing and not resealed(stored, encryption_keys):
        return ()
    if missing:
        check_encryption_key(stored, encryption_keys)
    # Whole seconds: the database rounds, and a key must not begin a microsecond too late.
    activated_at = floor(now) if organization_id is None else now + lead
    rows = await _make(missing, encryption_keys, organization_id, now, activated_at)
    async with storage.transaction() as tx:
        await tx.signing_keys.lock()
        # Another process may have made them while ours were being computed.
        stored = await tx.signing_keys.list()
        missing = _missing(stored, algorithms, organization_id)
        if missing:
            check_encryption_key(stored, encryption_keys)
        made = tuple(row for row in rows if row.algorithm in missing)
        await _insert(tx, made, "key.generated", actor)
        await _reseal(tx, stored, encryption_keys)
    return made


async def rotate(
    storage: Storage,
    encryption_keys: EncryptionKeys,
    *,
    now: float,
    lead: float,
    algorithm: str | None = None,
    organization_id: str | None = None,
    actor: Actor = SYSTEM,
) -> tuple[SigningKey, ...]:
    """Give each algorithm of a ring, or the one named, its next key, and return the new keys.

    A new key is published at once and signs `lead` seconds later; the private halves of keys that
    are long gone are erased. `now` is seconds since the epoch. Raises NotFound when the ring
    has no key to rotate, and Conflict while an earlier rotation waits to sign, or when the stored
    keys are encrypted under none of `encryption_keys`.
    """
    rows = await storage.signing_keys.list()
    algorithms = _rotatable(rows, algorithm, organization_id)
    _check_none_waits(rows, algorithms, organization_id, now)
    check_encryption_key(rows, encryption_keys)
    made = await _make(algorithms, encryption_keys, organization_id, now, now + lead)
    async with storage.transaction() as tx:
        await tx.signing_keys.lock()
        rows = await tx.signing_keys.list()
        _check_none_waits(rows, algorithms, organization_id, now)
        check_encryption_key(rows, encryption_keys)
        await _insert(tx, made, "key.rotated", actor)
        # What cannot sign has put nobody in retirement.
        await _forget(tx, usable(await tx.signing_keys.list(), encryption_keys), now)
        await _reseal(tx, rows, encryption_keys)
    return made


async def revoke(
    storage: Storage,
    encryption_keys: EncryptionKeys,
    kid: str,
    *,
    now: float,
    force: bool = False,
    actor: Actor = SYSTEM,
) -> SigningKey:
    """Take a key out of its ring for good: it signs no more, and verifies nothing it has signed.

    Return it as it was. `now` is seconds since the epoch. Raises NotFound for an unknown `kid`, and
    Conflict for one that is revoked already, and, unless `force` is set, when no other key of its
    ring and algorithm could sign then; the oldest that is published does, at once.
    """
    async with storage.transaction() as tx:
        await tx.signing_keys.lock()
        rows = await tx.signing_keys.list()
        row = next((each for each in rows if each.kid == kid), None)
        if row is None:
            raise NotFound(f"No signing key has the kid {kid!r}; porta keys list shows them.")
        if row.status == "revoked":
            raise Conflict(f"Signing key {kid} is revoked already.")
        if not force and not can_sign_without(row, rows, encryption_keys, now):
            raise Conflict(
                f"This ring has no other {row.algorithm} key that could sign. Rotate it first: the"
                " new key takes over at once when this one is revoked."
            )
        await _reseal(tx, rows, encryption_keys)
        await tx.signing_keys.set_status(kid, "revoked")
        await _record(tx, row, "key.revoked", actor)
    return row


def _own(
    rows: Iterable[SigningKey], algorithm: str, organization_id: str | None
) -> list[SigningKey]:
    return [
        row
        for row in rows
        if row.status == "active"
        and row.algorithm == algorithm
        and row.organization_id == organization_id
    ]


def _missing(
    rows: Iterable[SigningKey], algorithms: Iterable[str], organization_id: str | None
) -> tuple[str, ...]:
    kept = tuple(rows)
    return tuple(name for name in algorithms if not _own(kept, name, organization_id))


def _rotatable(
    rows: Sequence[SigningKey], algorithm: str | None, organization_id: str | None
) -> tuple[str, ...]:
    wanted = ALGORITHMS if algorithm is None else (algorithm,)
    found = tuple(name for name in wanted if _own(rows, name, organization_id))
    if not found:
        what = "signing key" if algorithm is None else f"{algorithm} key"
        raise NotFound(f"This ring has no {what} to rotate; generate one first.")
    return found


def _check_none_waits(
    rows: Sequence[SigningKey],
    algorithms: Iterable[str],
    organization_id: str | None,
    now: float,
) -> None:
    for algorithm in algorithms:
        own = _own(rows, algorithm, organization_id)
        for scheduled in build_schedule(rows, organization_id, algorithm, 0):
            if scheduled.row in own and scheduled.state(now) is State.PUBLISHED:
                seconds = round(scheduled.signs_from - now)
                raise Conflict(
                    f"{algorithm} key {scheduled.row.kid} is published and will sign in {seconds}"
                    " seconds; rotate again after that."
                )


async def _make(
    algorithms: Sequence[str],
    encryption_keys: EncryptionKeys,
    organization_id: str | None,
    now: float,
    activated_at: float,
) -> tuple[SigningKey, ...]:
    # An RSA key takes long to find: off the event loop, and before any lock is taken.
    pairs = await asyncio.to_thread(lambda: [generate(name) for name in algorithms])
    return tuple(_row(pair, encryption_keys, organization_id, now, activated_at) for pair in pairs)


def _row(
    pair: KeyPair,
    encryption_keys: EncryptionKeys,
    organization_id: str | None,
    now: float,
    activated_at: float,
) -> SigningKey:
    row = SigningKey(
        id=str(uuid.uuid4()),
        organization_id=organization_id,
        kid=pair.kid,
        algorithm=pair.algorithm,
        public_key=pair.public_key,
        private_key="",
        created_at=now,
        activated_at=activated_at,
    )
    return seal(row, pair.private_key, encryption_keys)


async def _reseal(tx: Storage, rows: Iterable[SigningKey], encryption_keys: EncryptionKeys) -> None:
    """Encrypt in today's form what was encrypted in another."""
    for row in resealed(rows, encryption_keys):
        await tx.signing_keys.replace(row)


async def _insert(tx: Storage, rows: Iterable[SigningKey], event_type: str, actor: Actor) -> None:
    for row in rows:
        await tx.signing_keys.insert(row)
        await _record(tx, row, event_type, actor)


async def _record(tx: Storage, row: SigningKey, event_type: str, actor: Actor) -> None:
    metadata = {
        "kid": row.kid,
        "algorithm": row.algorithm,
        "signs_from": round(row.activated_at),
    }
    await events.record(
        tx, event_type, organization_id=row.organization_id, metadata=metadata, actor=actor
    )


async def _forget(tx: Storage, rows: Sequence[SigningKey], now: float) -> None:
    config = build_config(await tx.system_config.all())
    for scheduled in schedules(rows, config):
        if scheduled.state(now - max(_FORGET_AFTER, config.session_ttl)) is State.GONE:
            await tx.signing_keys.set_status(scheduled.row.kid, "gone")
