"""Audit log, as administrators read it."""

from __future__ import annotations

from typing import Any

import msgspec

from storage.models.audit import AuditEntry, AuditFilter, Placed
from storage.models.pages import Listed, Page
from storage.postgres.statement import Executor, Row
from storage.repositories.pagination import Selection, Sort, moment, select_page

_EXPRESSIONS = {
    "metadata": "COALESCE(a.metadata, '{}')::text",
    "ip_address": "host(a.ip_address)",
    "created_at": "EXTRACT(EPOCH FROM a.created_at)::float8",
}
_FIELDS = AuditEntry.__struct_fields__
_COLUMNS = ", ".join(_EXPRESSIONS.get(name, f"a.{name}") for name in _FIELDS)
_SORTS = {
    "created_at": moment("a.created_at"),
    "sequence": Sort("a.sequence", value="%(cursor_value)s::bigint"),
}
_LEADING = {name: f"(a.metadata ->> '{name}')" for name in ("application_id", "client_id")}
_CONDITIONS = {
    "event_type": "a.event_type = %(event_type)s",
    "event_prefix": "starts_with(a.event_type, %(event_prefix)s)",
    "organization_id": "a.organization_id = %(organization_id)s",
    "user_id": "a.user_id = %(user_id)s",
    "actor_id": "a.actor_id = %(actor_id)s",
    "application_id": f"{_LEADING['application_id']} = %(application_id)s",
    "client_id": f"a.event_category = 'admin' AND {_LEADING['client_id']} = %(client_id)s",
    "since": "a.created_at >= to_timestamp(%(since)s::float8)",
    "until": "a.created_at < to_timestamp(%(until)s::float8)",
}
_INDEXED = ("event_type", "organization_id", "user_id", "application_id", "client_id")
"""What an index finds together with the time: one of them, and the rest is read on the way."""
# From one type to the next by an index of types: a few hundred steps, however many entries.
_TYPES = """
    WITH RECURSIVE types (event_type) AS (
        (SELECT a.event_type FROM audit_log a WHERE {of} ORDER BY a.event_type LIMIT 1)
        UNION ALL
        SELECT (
            SELECT a.event_type FROM audit_log a WHERE {of} AND a.event_type > types.event_type
            ORDER BY a.event_type LIMIT 1
        )
        FROM types WHERE types.event_type IS NOT NULL
    )
    SELECT event_type FROM types WHERE starts_with(event_type, %(event_prefix)s)
"""
# It looks at those that stand first: there is no index of moments alone.
_COUNT_OLD = """
    SELECT count(*) FROM (
        SELECT created_at FROM audit_log ORDER BY sequence LIMIT %(limit)s
    ) first
    WHERE created_at < now() - make_interval(days => %(days)s)
"""
# A page is so many seals, whatever is looked for among their entries.
_SEALED_AFTER = f"""
    SELECT s.place, {_COLUMNS}
    FROM (
        SELECT place, entry FROM audit_seals WHERE place > %(place)s ORDER BY place LIMIT %(limit)s
    ) s
    LEFT JOIN audit_log a ON a.id = s.entry
        AND a.sequence > (SELECT backlog_last FROM audit_state)
    ORDER BY s.place
"""  # noqa: S608


class Audit:
    """The table `audit_log`, read."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def list(self, wanted: AuditFilter, page: Page) -> Listed[AuditEntry]:
        """Return entries, the newest first; `page.sort` is not asked for."""
        given = {
            name: value for name, value in msgspec.structs.asdict(wanted).items()
            if value is not None
        }  # fmt: skip
        if given.keys() & {"event_prefix", *_INDEXED} - {"organization_id"} == {"event_prefix"}:
            return await self._list_of_types(given, page)
        leading = next((_LEADING[name] for name in _LEADING if name in given), "")
        selection = Selection(_COLUMNS, "audit_log a", _SORTS, id="a.id", leading=leading)
        for name, value in given.items():
            selection.where(_CONDITIONS[name], **{name: value})
        sort = "created_at" if given.keys() & set(_INDEXED) else "sequence"
        return await select_page(
            self._pg, selection, msgspec.structs.replace(page, sort=sort), _entry
        )

    async def _list_of_types(self, given: dict[str, object], page: Page) -> Listed[AuditEntry]:
        """Return entries whose type begins so, merged from one index scan for each type: by the
        moment alone, all entries, or all of an organization, would be walked through for a few that
        are old or rare.
        """
        of = _CONDITIONS["organization_id"] if "organization_id" in given else "TRUE"
        named = {name: given[name] for name in ("organization_id",) if name in given}
        found = await self._pg.fetch(
            _TYPES.format(of=of), {"event_prefix": given.pop("event_prefix"), **named}
        )
        if not found:
            return Listed(rows=(), total=None if page.number is None else 0)
        types = {f"type_{number}": row[0] for number, row in enumerate(found)}
        branches = tuple(f"a.event_type = %({name})s" for name in types)
        selection = Selection(_COLUMNS, "audit_log a", _SORTS, id="a.id", branches=branches)
        selection.parameters.update(types)
        for name, value in given.items():
            selection.where(_CONDITIONS[name], **{name: value})
        page = msgspec.structs.replace(page, sort="created_at")
        return await select_page(self._pg, selection, page, _entry)

    async def sealed_after(self, place: int, limit: int) -> tuple[Placed, ...]:
        """Return what is sealed after that place, in order; without what was there before seals."""
        rows = await self._pg.fetch(_SEALED_AFTER, {"place": place, "limit": limit})
        return tuple(
            Placed(place=int(row[0]), entry=_entry(row[1:]) if row[1] is not None else None)
            for row in rows
        )

    async def last_place(self) -> int:
        """Return the place of the last seal; 0 before the first."""
        row = await self._pg.fetchrow("SELECT place FROM audit_state")
        return int(row[0]) if row else 0

    async def count_old(self, days: int, limit: int) -> int:
        """Return how many of the `limit` entries that stand first are older than `days`."""
        row = await self._pg.fetchrow(_COUNT_OLD, {"days": days, "limit": limit})
        return int(row[0]) if row else 0


def _entry(row: Row) -> AuditEntry:
    values: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
    values["metadata"] = msgspec.json.decode(values["metadata"])
    return AuditEntry(**values)
