"""Columns: those that an UPDATE writes, and nothing beside them; the one that a key is of."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_id(text: str) -> bool:
    """Whether `text` is spelled as the id of a row."""
    return _ID.fullmatch(text) is not None


def key_column(key: str, otherwise: str = "slug") -> str:
    """Return the column that `key` is looked for in: `id`, or `otherwise`."""
    return "id" if is_id(key) else otherwise


def assignments(
    changes: Mapping[str, object],
    writable: Collection[str],
    placeholder: Callable[[str], str] = lambda name: f"%({name})s",
) -> str:
    """Return the SET of an UPDATE. Names come from records; ValueError for any other."""
    unknown = changes.keys() - set(writable)
    if unknown or not changes:
        raise ValueError(f"no columns to write: {sorted(unknown)}")
    return ", ".join(f"{name} = {placeholder(name)}" for name in changes)


def dated(prefix: str = "") -> str:
    """Return the columns created_at and updated_at (epoch seconds) and version."""
    return (
        f"EXTRACT(EPOCH FROM {prefix}created_at)::float8,"
        f" EXTRACT(EPOCH FROM {prefix}updated_at)::float8, {prefix}version"
    )
