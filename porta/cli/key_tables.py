"""Signing keys on a terminal: as a table, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

from porta.cli.commands import rfc3339
from porta.services.key_listing import ListedKey
from storage.models.signing_keys import SigningKey

GLOBAL = "global"

_COLUMNS = ("Algorithm", "Ring", "State", "Signs from", "Leaves JWKS")


_STYLES = {
    "active": "green",
    "published": "cyan",
    "gone": "dim",
    "revoked": "red",
    "refused": "red",
}


def table(listed: Sequence[ListedKey], slugs: Mapping[str, str]) -> Table:
    """Return keys as a table for a terminal."""
    table = Table(header_style="bold")
    table.add_column("KID", min_width=16)  # Half a kid is of no use.
    for column in _COLUMNS:
        table.add_column(column, overflow="fold")
    for key in listed:
        shown = listed_as_json(key, slugs)
        style = _STYLES.get(key.state, "")
        table.add_row(*(value or "—" for value in shown.values()), style=style)
    return table


def listed_as_json(key: ListedKey, slugs: Mapping[str, str]) -> dict[str, str | None]:
    """Return a key as it is listed in JSON."""
    ring = key.organization_id
    return {
        "kid": key.kid,
        "algorithm": key.algorithm,
        "ring": GLOBAL if ring is None else slugs.get(ring, ring),
        "state": str(key.state),
        "signs_from": rfc3339(key.signs_from),
        "leaves_jwks": None if key.leaves is None else rfc3339(key.leaves),
    }


def new_as_json(row: SigningKey, organization: str | None) -> dict[str, str]:
    """Return a key that was just made, in JSON."""
    return {
        "kid": row.kid,
        "algorithm": row.algorithm,
        "ring": organization or GLOBAL,
        "signs_from": rfc3339(row.activated_at),
    }
