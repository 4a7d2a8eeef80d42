"""Domains of organizations: claimed, proven by a DNS record, and looked at again."""

from __future__ import annotations

from collections.abc import Mapping

from storage.models.domains import Domain
from storage.models.pages import Listed, Page
from storage.postgres.statement import Executor, Row
from storage.repositories.by_organization import find_row, hold_count
from storage.repositories.columns import assignments, dated
from storage.repositories.pagination import Selection, Sort, moment, select_page

_SECONDS = "EXTRACT(EPOCH FROM {})::float8"
_COLUMNS = (
    "id, organization_id, domain, challenge, connection_id, mode,"
    f" {_SECONDS.format('verified_at')}, {_SECONDS.format('checked_at')}, failures,"
    f" {_SECONDS.format('lapsed_at')}, {dated()}"
)
_WRITABLE = frozenset({"connection_id", "mode"})
SORTS = {"domain": Sort("domain"), "created_at": moment("created_at")}
"""What a list of domains can be sorted by."""


class Domains:
    """The table `domains`."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def find(self, id: str, *, hold: bool = False) -> Domain | None:
        """Return the domain of this id in whichever organization: it is for the caller to compare.
        `hold` keeps the row from changing until the transaction ends.
        """
        row = await find_row(self._pg, _COLUMNS, "domains", id, hold)
        return _domain(row) if row else None

    async def list_page(self, organization_id: str, page: Page) -> Listed[Domain]:
        """Return a page of the domains of an organization."""
        selection = Selection(_COLUMNS, "domains", SORTS)
        selection.where("organization_id = %(organization_id)s", organization_id=organization_id)
        return await select_page(self._pg, selection, page, _domain)

    async def count(self, organization_id: str) -> int:
        """Return how many domains an organization has; others who count wait until the transaction
        ends.
        """
        return await hold_count(self._pg, "domains", organization_id)

    async def requires(self, connection_id: str, organization_id: str) -> str | None:
        """Return a domain whose people have to sign in at a connection, if there is one."""
        row = await self._pg.fetchrow(
            """
            SELECT domain FROM domains
            WHERE connection_id = %(connection_id)s AND organization_id = %(organization_id)s
                AND mode = 'require' ORDER BY domain LIMIT 1
            """,
            {"connection_id": connection_id, "organization_id": organization_id},
        )
        return str(row[0]) if row else None

    async def insert(self, domain: Domain) -> Domain | None:
        """Add a domain that nobody has proven; None when the organization has it already."""
        row = await self._pg.fetchrow(
            f"""
            INSERT INTO domains (id, organization_id, domain, challenge, connection_id, mode)
            VALUES (%(id)s, %(organization_id)s, %(domain)s, %(challenge)s, %(connection_id)s,
                %(mode)s)
            ON CONFLICT (organization_id, domain) DO NOTHING
            RETURNING {_COLUMNS}
            """,  # noqa: S608
            {
                "id": domain.id,
                "organization_id": domain.organization_id,
                "domain": domain.domain,
                "challenge": domain.challenge,
                "connection_id": domain.connection_id,
                "mode": domain.mode,
            },
        )
        return _domain(row) if row else None

    async def update(
        self, id: str, organization_id: str, changes: Mapping[str, object]
    ) -> Domain | None:
        """Write these columns alone, and return the domain as it is then."""
        row = await self._pg.fetchrow(
            f"""
            UPDATE domains SET {assignments(changes, _WRITABLE)}
            WHERE id = %(id)s AND organization_id = %(organization_id)s RETURNING {_COLUMNS}
            """,  # noqa: S608
            {**changes, "id": id, "organization_id": organization_id},
        )
        return _domain(row) if row else None

    async def delete(self, id: str, organization_id: str) -> bool:
        """Delete a domain; tell whether there was one."""
        deleted = await self._pg.execute(
            "DELETE FROM domains WHERE id = %(id)s AND organization_id = %(organization_id)s",
            {"id": id, "organization_id": organization_id},
        )
        return deleted == 1

    async def found(self, id: str, organization_id: str) -> Domain | None:
        """Note that its record is there: it is proven, and has not lapsed."""
        row = await self._pg.fetchrow(
            f"""
            UPDATE domains SET verified_at = COALESCE(verified_at, now()), checked_at = now(),
                failures = 0, lapsed_at = NULL
            WHERE id = %(id)s AND organization_id = %(organization_id)s RETURNING {_COLUMNS}
            """,  # noqa: S608
            {"id": id, "organization_id": organization_id},
        )
        return _domain(row) if row else None

    async def missed(self, seen: Domain, most: int) -> Domain | None:
        """Note that the record of a proven domain is not there; it has lapsed when that was so
        `most` times in a row. None where it has changed since it was `seen`.
        """
        row = await self._pg.fetchrow(
            f"""
            UPDATE domains SET checked_at = now(), failures = failures + 1,
                lapsed_at = CASE WHEN failures + 1 >= %(most)s
                    THEN COALESCE(lapsed_at, now()) ELSE lapsed_at END
            WHERE id = %(id)s AND organization_id = %(organization_id)s
                AND version = %(version)s AND verified_at IS NOT NULL
            RETURNING {_COLUMNS}
            """,  # noqa: S608
            {
                "id": seen.id,
                "organization_id": seen.organization_id,
                "version": seen.version,
                "most": most,
            },
        )
        return _domain(row) if row else None

    async def due(self, every: float, soon: float, after: str, limit: int) -> tuple[Domain, ...]:
        """Return proven domains that were looked at more than `every` seconds ago, or `soon` where
        their record was missed; in the order of their ids, those that follow `after`.
        """
        rows = await self._pg.fetch(
            f"""
            SELECT {_COLUMNS} FROM domains
            WHERE verified_at IS NOT NULL AND id > %(after)s
                AND checked_at < now() - make_interval(secs => CASE
                    WHEN failures > 0 AND lapsed_at IS NULL THEN %(soon)s ELSE %(every)s END)
            ORDER BY id LIMIT %(limit)s
            """,  # noqa: S608
            {"every": every, "soon": soon, "after": after, "limit": limit},
        )
        return tuple(map(_domain, rows))


def _domain(row: Row) -> Domain:
    return Domain(**dict(zip(Domain.__struct_fields__, row, strict=True)))
