"""Checkpoints of the audit trail: how far each chain goes, signed, and each linked to the last.

Whoever holds one, in a file or at another host, can tell that nothing before it was taken away.
"""

from __future__ import annotations

import hashlib

import msgspec

from porta.security.audit_keys import AuditKeys
from storage.models.audit import Checkpoint, Head


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What was removed as too old: all up to a place, and the ends of what went of each chain."""

    place: int
    heads: list[Head]


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a checkpoint says."""

    version: int = 1
    number: int
    previous: str
    """SHA-256 of the content of the one before it; empty for the first."""
    at: str
    place: int
    """Of the last seal that it covers."""
    heads: list[Head]
    """The ends of all chains that have grown since the one before it."""
    backlog: int
    """Entries up to this number were there before the chain began."""
    closed_at: int | None
    """The place after which each entry has an authentication code."""
    start: Start | None = None


class Malformed(Exception):
    """A checkpoint says nothing that we understand."""


def build(content: Content, keys: AuditKeys) -> Checkpoint:
    """Return a signed checkpoint."""
    text = msgspec.json.encode(content).decode()
    return Checkpoint(
        number=content.number, content=text, kid=keys.kid, signature=keys.sign(text).hex()
    )


def parse(checkpoint: Checkpoint) -> Content:
    """Return what a checkpoint says, whoever signed it. Raises Malformed."""
    try:
        return msgspec.json.decode(checkpoint.content, type=Content)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(str(error)) from None


def digest(checkpoint: Checkpoint) -> str:
    """Return what the next checkpoint names this one by."""
    return hashlib.sha256(checkpoint.content.encode()).hexdigest()
