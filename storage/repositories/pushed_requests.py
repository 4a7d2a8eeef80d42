"""Pushed authorization requests as what they are good for: one code each (RFC 9126 §4)."""

from __future__ import annotations

from storage.models.artifacts import PushedAuthorizationRequest
from storage.postgres.statement import Executor, Statement

# The row may be gone: a person may take longer than a reference lives. What is left says no more
# than that it was used.
_USE = Statement(
    "use_pushed_request",
    """
INSERT INTO artifacts AS old (id, kind, organization_id, payload, expires_at, consumed_at)
VALUES (%(id)s, %(kind)s, %(organization_id)s, '{}',
  now() + make_interval(secs => %(ttl)s::float8), now())
ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, client_id = NULL,
  expires_at = excluded.expires_at, consumed_at = excluded.consumed_at
WHERE old.consumed_at IS NULL
  AND (old.kind, old.organization_id) = (excluded.kind, excluded.organization_id)
""",
)


class PushedRequests:
    """The use of pushed requests; elsewhere they are artifacts."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def use(self, id: str, organization_id: str, ttl: float) -> bool:
        """Tell one caller ever that the request of this `id` is theirs to answer.

        Nobody finds it afterwards. `ttl`, in seconds, is how long somebody may still come who
        found it before.
        """
        row = {"id": id, "organization_id": organization_id, "ttl": ttl}
        kind = PushedAuthorizationRequest.__name__
        return await self._pg.execute(_USE, row | {"kind": kind}) > 0
