"""Usable keys: which stored signing keys the encryption key at hand is good for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from porta.errors import Conflict
from porta.security.encryption import EncryptionKeys
from porta.security.key_schedule import State, build_schedule
from porta.security.keys import KeyUnusable, is_sealed, load_private, reseal
from storage.models.signing_keys import SigningKey


def check_encryption_key(rows: Sequence[SigningKey], encryption_keys: EncryptionKeys) -> None:
    """Raise Conflict when none of what is stored encrypted can be decrypted.

    A key made under another key than the others is of no use to whoever serves with theirs.
    """
    encrypted = [row for row in rows if row.encrypted and row.status != "revoked"]
    if encrypted and not any(_is_usable(row, encryption_keys) for row in encrypted):
        raise Conflict(
            f"The stored signing keys ({', '.join(row.kid for row in encrypted)}) were encrypted"
            " under another key. Set SIGNING_KEY_ENCRYPTION_KEY to the value it had when they were"
            " made, or name that value in SIGNING_KEY_DECRYPTION_KEYS. If it is lost, give up each"
            " of them: porta keys revoke KID --force"
        )


def can_sign_without(
    revoked: SigningKey, rows: Iterable[SigningKey], encryption_keys: EncryptionKeys, now: float
) -> bool:
    """Tell whether the ring of `revoked` could sign with its algorithm at `now` without that key:
    with an older one, or with the next that is published.

    `rows` are all that is stored, `now` is seconds since the epoch.
    """
    same = (row for row in rows if row.algorithm == revoked.algorithm)
    others = [row for row in usable(same, encryption_keys) if row.kid != revoked.kid]
    schedule = build_schedule(others, revoked.organization_id, revoked.algorithm, 0)
    return any(scheduled.state(now) is State.ACTIVE for scheduled in schedule)


def _is_usable(row: SigningKey, encryption_keys: EncryptionKeys) -> bool:
    try:
        load_private(row, encryption_keys)
    except KeyUnusable:
        return False
    return True


def usable(rows: Iterable[SigningKey], encryption_keys: EncryptionKeys) -> tuple[SigningKey, ...]:
    """Return those of `rows` that are not revoked and that `encryption_keys` vouch for."""
    standing = (row for row in rows if row.status != "revoked")
    return tuple(row for row in standing if _is_usable(row, encryption_keys))


def resealed(rows: Iterable[SigningKey], encryption_keys: EncryptionKeys) -> tuple[SigningKey, ...]:
    """Return, sealed, the usable keys among `rows` that were encrypted in another form.

    So are keys of earlier versions, which bound to its row what Porta 1.x has to read.
    """
    old = (row for row in rows if not is_sealed(row))
    return tuple(reseal(row, encryption_keys) for row in usable(old, encryption_keys))
