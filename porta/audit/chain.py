"""Hash chain of the audit trail: an entry is sealed with the hash of the one before it.

What is personal enters the chain as salted commitments. Salt and text are erased together, and the
chain holds as before; without the salt nobody can try out what the text may have been.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum

import msgspec

from porta.audit.entries import authenticated, content_of, origin_of, pack, public_part
from porta.security.audit_keys import AuditKeys
from storage.models.audit import INSTALLATION, Head, Recorded, Seal

SALT_BYTES = 16
GENESIS = ""
"""The hash before the first entry of a chain."""


class Proof(StrEnum):
    """What the authentication code of an entry proved when it was sealed."""

    OURS = "ours"
    """A process that has the installation's key has written it."""
    NONE = "none"
    """It has no code: of Porta 1.x, of a version before codes, or somebody else's."""
    WRONG = "wrong"
    """Its code is not that of this entry, or not of a key of ours."""


def prove(entry: Recorded, keys: AuditKeys) -> Proof:
    """Judge the authentication code of an entry of which nothing is erased."""
    if entry.mac is None:
        return Proof.NONE
    return Proof.OURS if keys.judge(authenticated(entry), entry.mac) else Proof.WRONG


def seal(
    entry: Recorded, head: Head, place: int, proof: Proof, salts: bytes, sealed_at: str
) -> Seal:
    """Return the seal that puts an entry after `head`. `salts` are 2 * SALT_BYTES of chance."""
    origin_salt, content_salt = salts[:SALT_BYTES].hex(), salts[SALT_BYTES:].hex()
    made = Seal(
        place=place,
        chain=head.chain,
        position=head.position + 1,
        entry=entry.id,
        proof=proof.value,
        origin=commit_origin(entry, origin_salt),
        origin_salt=origin_salt,
        content=commit_content(entry, content_salt),
        content_salt=content_salt,
        sealed_at=sealed_at,
        hash="",
    )
    return msgspec.structs.replace(made, hash=hash_of(made, entry, head.hash))


def chain_of(entry: Recorded) -> str:
    """Return the chain that an entry belongs to."""
    return entry.organization_id or INSTALLATION


def hash_of(made: Seal, entry: Recorded, previous: str) -> str:
    """Return the hash of a seal over all that is never erased, and the hash before it."""
    return _digest(
        pack(
            (
                *("audit seal 1", previous, made.place, made.chain, made.position, made.entry),
                *(made.proof, made.origin, made.content, made.sealed_at, public_part(entry)),
            )
        )
    )


def commit_origin(entry: Recorded, salt: str) -> str:
    """Return the commitment to where an entry came from."""
    return _digest(pack(("audit origin 1", salt, *origin_of(entry))))


def commit_content(entry: Recorded, salt: str) -> str:
    """Return the commitment to what an entry tells."""
    return _digest(pack(("audit content 1", salt, *content_of(entry))))


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
