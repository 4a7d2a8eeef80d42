"""Statistics of an installation, or of one organization."""

from __future__ import annotations

import msgspec


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many there are, by kind and status. A status that nothing has is absent."""

    organizations: dict[str, int]
    applications: dict[str, int]
    clients: dict[str, int]
    users: dict[str, int]
    created_7d: int
    """People who were added in the last seven days, and so on."""
    created_30d: int
    active_30d: int
    logins: dict[str, int]
    """Sign-ins by event type and days: `user.login.password/7`."""
