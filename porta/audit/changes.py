"""Before and after: what a change did to a record, as the audit trail keeps it, redacted."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import msgspec

from porta.audit import events
from porta.audit.actors import Actor

if TYPE_CHECKING:
    from storage.router import Storage

REDACTED = "***"
_SECRET = frozenset({"password_hash", "secrets", "private_key", "client_secret"})
_PERSONAL = frozenset(
    {
        *("email", "given_name", "family_name", "middle_name", "nickname", "preferred_username"),
        *("profile_url", "picture_url", "website_url", "gender", "birthdate", "phone_number"),
        *("address_street", "address_locality", "address_region", "address_postal_code"),
        *("address_country", "zoneinfo"),
    }
)
"""Fields of people: a trail that is kept for years tells that they changed, and not to what."""
_COUNTED = frozenset({"id", "created_at", "updated_at", "version", "era"})
"""What no administrator changes by itself."""
_LONGEST = 1000
"""Characters of a text that are kept."""


async def record_change(
    tx: Storage,
    actor: Actor,
    event_type: str,
    before: msgspec.Struct | None = None,
    after: msgspec.Struct | None = None,
    *,
    fields: Collection[str] | None = None,
    organization_id: str | None = None,
    user_id: str | None = None,
    **metadata: object,
) -> None:
    """Record that `before` became `after`; one of them is None for what is made or deleted,
    and both where what it was is told to nobody.

    Only what differs is kept, of `fields` where they are given.
    """
    changed = [name for name in differing(before, after) if fields is None or name in fields]
    told: dict[str, Any] = dict(metadata)
    if before is not None and after is not None:
        told["changed"] = changed
    if before is not None:
        told["before"] = _redacted(before, changed)
    if after is not None:
        told["after"] = _redacted(after, changed)
    await events.record(
        tx,
        event_type,
        organization_id=organization_id,
        user_id=user_id,
        metadata=told,
        actor=actor,
    )


def differing(before: msgspec.Struct | None, after: msgspec.Struct | None) -> tuple[str, ...]:
    """Return the names of what differs; of what has no other side, all that is not its default."""
    one = after if after is not None else before
    other = before if after is not None else None
    if one is None:
        return ()
    defaults = {field.name: field.default for field in msgspec.structs.fields(one)}
    return tuple(
        name
        for name in one.__struct_fields__
        if name not in _COUNTED
        and getattr(one, name) != (getattr(other, name) if other is not None else defaults[name])
    )


def _redacted(record: msgspec.Struct, names: Collection[str]) -> dict[str, Any]:
    return {name: _told(name, getattr(record, name)) for name in names}


def _told(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _SECRET or name in _PERSONAL:
        return REDACTED
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]}… ({len(value)} characters)"
    return msgspec.to_builtins(value)
