"""Signing keys: the rows, of every ring."""

from __future__ import annotations

import msgspec

from storage.models.signing_keys import SigningKey
from storage.postgres.statement import Executor

KEYS_AS_JSON = """
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
    FROM signing_keys WHERE status <> 'gone'
"""
_DECODER = msgspec.json.Decoder(tuple[SigningKey, ...])


def decode_keys(raw: str | None) -> tuple[SigningKey, ...]:
    """Return the keys that `KEYS_AS_JSON` selects."""
    return _DECODER.decode(raw) if raw else ()


class SigningKeys:
    """The table `signing_keys`."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def list(self) -> tuple[SigningKey, ...]:
        """Return every key of every ring that is not gone, in the order they are activated."""
        row = await self._pg.fetchrow(KEYS_AS_JSON)
        return decode_keys(row[0] if row else None)

    async def lock(self) -> None:
        """Keep every other process from adding keys until this transaction ends."""
        await self._pg.execute("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE")

    async def insert(self, key: SigningKey) -> None:
        """Add a key; AlreadyExists when its kid is taken."""
        await self._pg.execute(
            """
            INSERT INTO signing_keys (
                id, organization_id, kid, algorithm, public_key, private_key, private_key_iv,
                private_key_tag, encrypted, status, created_at, activated_at, retired_at,
                expires_at
            ) VALUES (
                %(id)s, %(organization_id)s, %(kid)s, %(algorithm)s, %(public_key)s,
                %(private_key)s, %(private_key_iv)s, %(private_key_tag)s, %(encrypted)s,
                %(status)s, to_timestamp(%(created_at)s), to_timestamp(%(activated_at)s),
                to_timestamp(%(retired_at)s), to_timestamp(%(expires_at)s)
            )
            """,
            msgspec.structs.asdict(key),
        )

    async def set_private_key(self, key: SigningKey) -> None:
        """Write the private half of a key, encrypted anew, unless it is erased."""
        await self._pg.execute(
            """
            UPDATE signing_keys SET private_key = %(private_key)s,
                private_key_iv = %(private_key_iv)s, private_key_tag = %(private_key_tag)s,
                encrypted = %(encrypted)s
            WHERE kid = %(kid)s AND status NOT IN ('gone', 'revoked')
            """,
            msgspec.structs.asdict(key),
        )

    async def set_status(self, kid: str, status: str) -> bool:
        """Change the status and tell whether there is such a key.

        A key that is retired is dated. The private half of one that is gone or revoked is erased:
        nothing is to be signed with it again.
        """
        touched = await self._pg.execute(
            """
            UPDATE signing_keys SET
                status = %(status)s,
                retired_at = CASE WHEN %(status)s = 'retired' THEN COALESCE(retired_at, now())
                    ELSE retired_at END,
                private_key = CASE WHEN %(status)s IN ('gone', 'revoked') THEN ''
                    ELSE private_key END
            WHERE kid = %(kid)s
            """,
            {"kid": kid, "status": status},
        )
        return touched == 1
