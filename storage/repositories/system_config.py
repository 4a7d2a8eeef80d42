"""Settings of the system, and everything a process keeps for a minute in one read."""

from __future__ import annotations

from typing import Any

import msgspec

from storage.models.settings import Setting
from storage.models.signing_keys import SigningKey
from storage.postgres.statement import Executor
from storage.repositories.signing_keys import KEYS_AS_JSON, decode_keys

_VALUES_AS_JSON = "SELECT json_object_agg(key, value) FROM system_config"


_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('provisioning', 27))"
_HOLD = "SELECT pg_advisory_xact_lock(hashtextextended('setting ' || %(key)s, 27))"


class SystemConfig:
    """The table `system_config`."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def all(self) -> dict[str, Any]:
        """Return every setting that has a row, as its decoded JSON value."""
        row = await self._pg.fetchrow(_VALUES_AS_JSON)
        return _decode(row[0] if row else None)

    async def rows(self, key: str | None = None) -> tuple[Setting, ...]:
        """Return the rows as they are, by key; or that of one `key`."""
        found = await self._pg.fetch(
            """
            SELECT key, value, value_type, description, is_sensitive,
                EXTRACT(EPOCH FROM updated_at)::float8, version
            FROM system_config WHERE %(key)s::text IS NULL OR key = %(key)s ORDER BY key
            """,
            {"key": key},
        )
        return tuple(
            Setting(
                key=key,
                value=msgspec.json.decode(value),
                value_type=value_type,
                description=description,
                is_sensitive=is_sensitive,
                updated_at=updated_at,
                version=version,
            )
            for key, value, value_type, description, is_sensitive, updated_at, version in found
        )

    async def hold(self, key: str) -> None:
        """Keep others who hold this setting, which may have no row, until the transaction ends."""
        await self._pg.fetchrow(_HOLD, {"key": key})

    async def with_signing_keys(self) -> tuple[dict[str, Any], tuple[SigningKey, ...]]:
        """Return every setting and every signing key, of one moment, in one round trip."""
        row = await self._pg.fetchrow(f"SELECT ({_VALUES_AS_JSON}), ({KEYS_AS_JSON})")
        assert row is not None
        return _decode(row[0]), decode_keys(row[1])

    async def try_provisioning_lock(self) -> bool:
        """Whether this transaction alone provisions from now on until it ends; never waits."""
        row = await self._pg.fetchrow(_TRY_LOCK)
        assert row is not None
        return bool(row[0])

    async def put(
        self, key: str, value: Any, value_type: str, description: str | None = None
    ) -> None:
        """Set a value. `value_type` is string, number, boolean, duration (seconds) or json."""
        # A duration is stored as a string of digits, as Porta 1.x reads and writes it.
        stored = str(value) if value_type == "duration" else value
        await self._pg.execute(
            """
            INSERT INTO system_config (key, value, value_type, description)
            VALUES (%(key)s, %(value)s, %(value_type)s, %(description)s)
            ON CONFLICT (key) DO UPDATE SET
                value = EXCLUDED.value,
                value_type = EXCLUDED.value_type,
                description = COALESCE(EXCLUDED.description, system_config.description)
            """,
            {
                "key": key,
                "value": msgspec.json.encode(stored).decode(),
                "value_type": value_type,
                "description": description,
            },
        )


def _decode(raw: str | None) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.json.decode(raw) if raw else {}
    return values
