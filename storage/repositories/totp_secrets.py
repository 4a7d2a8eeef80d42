"""TOTP secrets: the rows, as they are encrypted."""

from __future__ import annotations

from collections.abc import Sequence

from storage.models.users import TotpSecret
from storage.postgres.statement import Executor

_COLUMNS = ", ".join(TotpSecret.__struct_fields__)
_BATCH = f"""
    SELECT {_COLUMNS} FROM user_totp WHERE id > %(after)s::uuid ORDER BY id LIMIT %(limit)s
"""  # noqa: S608
_FIRST = "00000000-0000-0000-0000-000000000000"


class TotpSecrets:
    """The table `user_totp`."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def batch(
        self, after: str | None, limit: int, *, lock: bool = False
    ) -> tuple[TotpSecret, ...]:
        """Return the next `limit` rows by id, of every organization, `lock`ed until the transaction
        ends.
        """
        rows = await self._pg.fetch(
            _BATCH + (" FOR UPDATE" if lock else ""), {"after": after or _FIRST, "limit": limit}
        )
        return tuple(TotpSecret(*row) for row in rows)

    async def replace(self, secrets: Sequence[TotpSecret]) -> None:
        """Write secrets that were encrypted anew."""
        await self._pg.execute(
            """
            UPDATE user_totp t SET encrypted_secret = anew.secret, encryption_iv = anew.iv,
                encryption_tag = anew.tag
            FROM unnest(%(ids)s::uuid[], %(secrets)s::text[], %(ivs)s::text[], %(tags)s::text[])
                AS anew (id, secret, iv, tag)
            WHERE t.id = anew.id
            """,
            {
                "ids": [each.id for each in secrets],
                "secrets": [each.encrypted_secret for each in secrets],
                "ivs": [each.encryption_iv for each in secrets],
                "tags": [each.encryption_tag for each in secrets],
            },
        )
