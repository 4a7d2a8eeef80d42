"""Signing keys: the rows, of every ring.

They stand in two tables: `signing_keys` holds what Porta 1.x can load, should it come back, and
`ring_keys` all others.
"""

from __future__ import annotations

import msgspec

from storage.models.signing_keys import SigningKey
from storage.postgres.statement import Executor

_TABLES = ("signing_keys", "ring_keys")
_COLUMNS = ", ".join(SigningKey.__struct_fields__)
_ALL = " UNION ALL ".join(f"SELECT {_COLUMNS} FROM {table}" for table in _TABLES)  # noqa: S608

KEYS_AS_JSON = f"""
    SELECT json_agg(json_build_object(
        'id', id, 'organization_id', organization_id, 'kid', kid, 'algorithm', algorithm,
        'public_key', public_key, 'private_key', private_key,
        'private_key_iv', private_key_iv, 'private_key_tag', private_key_tag,
        'encrypted', encrypted, 'status', status,
        'created_at', EXTRACT(EPOCH FROM created_at)::float8,
        'activated_at', EXTRACT(EPOCH FROM activated_at)::float8,
        'retired_at', EXTRACT(EPOCH FROM retired_at)::float8,
        'expires_at', EXTRACT(EPOCH FROM expires_at)::float8
        ) ORDER BY activated_at, created_at, kid)
    FROM ({_ALL}) keys WHERE status <> 'gone'
"""  # noqa: S608
_DECODER = msgspec.json.Decoder(tuple[SigningKey, ...])


def decode_keys(raw: str | None) -> tuple[SigningKey, ...]:
    """Return the keys that `KEYS_AS_JSON` selects."""
    return _DECODER.decode(raw) if raw else ()


class SigningKeys:
    """The tables `signing_keys` and `ring_keys`."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def list(self) -> tuple[SigningKey, ...]:
        """Return every key of every ring that is not gone, in the order they are activated."""
        row = await self._pg.fetchrow(KEYS_AS_JSON)
        return decode_keys(row[0] if row else None)

    async def lock(self) -> None:
        """Keep every other process from adding keys until this transaction ends."""
        await self._pg.execute(f"LOCK TABLE {', '.join(_TABLES)} IN SHARE ROW EXCLUSIVE MODE")

    async def insert(self, key: SigningKey) -> None:
        """Add a key; AlreadyExists when its kid is taken."""
        await self._pg.execute(
            f"""
            INSERT INTO {_table_of(key)} ({_COLUMNS}) VALUES (
                %(id)s, %(organization_id)s, %(kid)s, %(algorithm)s, %(public_key)s,
                %(private_key)s, %(private_key_iv)s, %(private_key_tag)s, %(encrypted)s,
                %(status)s, to_timestamp(%(created_at)s), to_timestamp(%(activated_at)s),
                to_timestamp(%(retired_at)s), to_timestamp(%(expires_at)s)
            )
            """,  # noqa: S608
            msgspec.structs.asdict(key),
        )

    async def replace(self, key: SigningKey) -> None:
        """Write a key whose private half was encrypted anew, unless that is erased meanwhile."""
        taken = "DELETE FROM {table} WHERE kid = %(kid)s AND status NOT IN ('gone', 'revoked')"
        if await self._in_either(taken, kid=key.kid):
            await self.insert(key)

    async def set_status(self, kid: str, status: str) -> bool:
        """Change the status and tell whether there is such a key.

        A key that is retired is dated. The private half of one that is gone or revoked is erased:
        nothing is to be signed with it again.
        """
        return await self._in_either(
            """
            UPDATE {table} SET
                status = %(status)s,
                retired_at = CASE WHEN %(status)s = 'retired' THEN COALESCE(retired_at, now())
                    ELSE retired_at END,
                private_key = CASE WHEN %(status)s IN ('gone', 'revoked') THEN ''
                    ELSE private_key END
            WHERE kid = %(kid)s
            """,
            kid=kid,
            status=status,
        )

    async def _in_either(self, sql: str, **values: str) -> bool:
        touched = [await self._pg.execute(sql.format(table=name), values) for name in _TABLES]
        return any(touched)


def _table_of(key: SigningKey) -> str:
    """Return the table of a key; PostgreSQL refuses it in `signing_keys` where 1.x could not load
    it.
    """
    return _TABLES[0] if key.is_shared and not key.is_bound else _TABLES[1]
