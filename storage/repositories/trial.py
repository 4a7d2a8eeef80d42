"""Trial write: whether the database takes the writes that every sign-in makes."""

from __future__ import annotations

from storage.postgres.statement import Executor

# One row for all instances, in the table of codes and tokens. No index holds what changes: it is
# written anew in its place (a heap-only tuple), and leaves nothing to vacuum.
_WRITE = """
INSERT INTO artifacts (id, kind, organization_id, payload, expires_at)
VALUES ('trial', 'Trial', %(organization_id)s, '{}', 'infinity')
ON CONFLICT (id) DO UPDATE SET created_at = now()
"""

_NOBODY = "00000000-0000-0000-0000-000000000000"


class Trial:
    """The one row of `artifacts` that is nobody's."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def write(self) -> None:
        """Write the row and commit; raises Unreachable where the database cannot be written to."""
        await self._pg.execute(_WRITE, {"organization_id": _NOBODY})
