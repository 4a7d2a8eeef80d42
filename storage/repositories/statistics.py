"""Statistics: how many there are, in one round trip."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from storage.models.statistics import Counts
from storage.postgres.statement import Executor

_BY_STATUS = """(SELECT COALESCE(json_object_agg(status, n), '{{}}') FROM (
    SELECT status, count(*) AS n FROM {table} WHERE {condition} GROUP BY status) counted)"""
_OWN = "(%(organization_id)s::uuid IS NULL OR organization_id = %(organization_id)s::uuid)"
_PEOPLE = f"""
    (SELECT count(*) FROM users WHERE {{}} > now() - interval '{{}} days' AND {_OWN})
"""  # noqa: S608
_COUNT = f"""
    SELECT json_build_object(
        'organizations', {_BY_STATUS.format(table="organizations", condition="TRUE")},
        'applications', {_BY_STATUS.format(table="applications", condition="TRUE")},
        'clients', {_BY_STATUS.format(table="clients", condition=_OWN)},
        'users', {_BY_STATUS.format(table="users", condition=_OWN)},
        'created_7d', {_PEOPLE.format("created_at", 7)},
        'created_30d', {_PEOPLE.format("created_at", 30)},
        'active_30d', {_PEOPLE.format("last_login_at", 30)},
        'logins', (SELECT COALESCE(json_object_agg(kind, n), '{{}}') FROM (
            SELECT a.event_type || '/' || span.days AS kind, count(*) AS n
            FROM (VALUES (1), (7), (30)) AS span (days)
            JOIN audit_log a ON a.event_type = ANY(%(events)s)
                AND a.created_at > now() - make_interval(days => span.days) AND {_OWN}
            GROUP BY 1) counted))
"""  # noqa: S608
_TWO_FACTOR = """
    SELECT count(*), count(*) FILTER (WHERE two_factor_enabled),
        count(*) FILTER (WHERE two_factor_enabled AND two_factor_method = 'totp'),
        count(*) FILTER (WHERE two_factor_enabled AND two_factor_method = 'email')
    FROM users WHERE organization_id = %(organization_id)s
"""
_decode = msgspec.json.Decoder(Counts).decode


class Statistics:
    """Counts over several tables."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def count(self, events: Sequence[str], organization_id: str | None = None) -> Counts:
        """Count everything, or what belongs to one organization; sign-ins by `events`."""
        row = await self._pg.fetchrow(
            _COUNT, {"events": list(events), "organization_id": organization_id}
        )
        assert row is not None
        return _decode(row[0])

    async def count_second_factors(self, organization_id: str) -> tuple[int, int, int, int]:
        """Return how many people there are, with a second factor, with TOTP, with mailed codes."""
        row = await self._pg.fetchrow(_TWO_FACTOR, {"organization_id": organization_id})
        assert row is not None
        return (row[0], row[1], row[2], row[3])
