"""Settings of the system as they are stored."""

from __future__ import annotations

from typing import Any

import msgspec


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `system_config`, or the default of a setting that has none."""

    key: str
    value: Any
    value_type: str
    description: str | None = None
    is_sensitive: bool = False
    updated_at: float | None = None
    """Seconds since the epoch; None for a default."""
    version: int = 0
    """How often it was written; 0 for a default."""
