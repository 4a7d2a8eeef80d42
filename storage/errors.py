"""Storage errors. No status: callers translate where they know the meaning."""

from __future__ import annotations


class StorageError(Exception):
    """Something went wrong in a store."""


class AlreadyExists(StorageError):
    """A row with this key stands already; `constraint` names the rule it broke."""

    def __init__(self, constraint: str = "") -> None:
        super().__init__(constraint or "already exists")
        self.constraint = constraint


class AlreadyConsumed(StorageError):
    """What may be used once was used before; `artifact` is the record as it was saved."""

    def __init__(self, artifact: object) -> None:
        super().__init__("already consumed")
        self.artifact = artifact


class Unreachable(StorageError):
    """A database does not answer, or not in time."""


class Contended(Unreachable):
    """A lock was not to be had in time, or two waited for each other: another attempt may do."""


class NotPermitted(StorageError):
    """The role that we are may not do this (SQLSTATE 42501)."""


class Refused(Unreachable):
    """A database answered, and refuses what the settings say of it: waiting cures nothing."""


class AssetsUnusable(StorageError):
    """What the settings name for assets cannot be used; the message says where, and why."""
