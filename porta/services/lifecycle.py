"""Status machines: which status follows which, and the event that tells of it."""

from __future__ import annotations

from collections.abc import Mapping

from porta.errors import Invalid

Lifecycle = Mapping[tuple[str, str], str]
"""From (status, next status) to the type of the event."""

ORGANIZATION: Lifecycle = {
    ("active", "suspended"): "org.suspended",
    ("suspended", "active"): "org.activated",
    ("active", "archived"): "org.archived",
    ("suspended", "archived"): "org.archived",
    ("archived", "active"): "org.restored",
}
APPLICATION: Lifecycle = {
    ("active", "inactive"): "app.deactivated",
    ("inactive", "active"): "app.activated",
    ("active", "archived"): "app.archived",
    ("inactive", "archived"): "app.archived",
}
CLIENT: Lifecycle = {
    ("active", "inactive"): "client.deactivated",
    ("inactive", "active"): "client.activated",
    ("active", "revoked"): "client.revoked",
    ("inactive", "revoked"): "client.revoked",
}
USER: Lifecycle = {
    ("active", "inactive"): "user.deactivated",
    ("inactive", "active"): "user.reactivated",
    ("active", "suspended"): "user.suspended",
    ("suspended", "active"): "user.activated",
    ("active", "locked"): "user.locked",
    ("locked", "active"): "user.unlocked",
}


def event_of(lifecycle: Lifecycle, status: str, wanted: str) -> str:
    """Return the event of going from `status` to `wanted`. Raises Invalid where no way leads."""
    event_type = lifecycle.get((status, wanted))
    if event_type is None:
        raise Invalid.at("status", message=f"'{wanted}' does not follow '{status}'")
    return event_type
