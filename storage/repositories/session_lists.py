"""Sessions, as administrators read and end them."""

from __future__ import annotations

from storage.models.pages import Listed, Page
from storage.models.sessions import SessionEntry, SessionFilter
from storage.postgres.statement import Executor, Row
from storage.repositories.pagination import Selection, moment, select_page

_SECONDS = "EXTRACT(EPOCH FROM s.{})::float8"
_COLUMNS = ", ".join(
    (
        "s.uid",
        "s.organization_id",
        "s.account_id",
        """(SELECT f.client_id FROM token_families f
            WHERE f.session_uid = s.uid AND f.organization_id = s.organization_id
            ORDER BY f.created_at DESC LIMIT 1)""",
        "s.payload ->> 'address'",
        "s.payload ->> 'user_agent'",
        _SECONDS.format("created_at"),
        "(s.payload ->> 'expires_at')::float8",
        _SECONDS.format("used_at"),
        _SECONDS.format("consumed_at"),
    )
)
_SOURCE = "sessions s"
_SORTS = {"created_at": moment("s.created_at")}
_LIVES = "s.consumed_at IS NULL AND s.expires_at > now()"
_OF_CLIENT = """EXISTS (SELECT FROM token_families f
    WHERE f.session_uid = s.uid AND f.organization_id = s.organization_id
        AND f.client_id = %(client_id)s)"""


class SessionLists:
    """The table `sessions`, read; one that ended stays in it for an hour."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def list(self, wanted: SessionFilter, page: Page) -> Listed[SessionEntry]:
        """Return sessions of people, by when they began."""
        selection = Selection(_COLUMNS, _SOURCE, _SORTS, id="s.uid", id_type="text")
        selection.where("s.account_id IS NOT NULL")
        if wanted.organization_id is not None:
            selection.where(
                "s.organization_id = %(organization)s", organization=wanted.organization_id
            )
        if wanted.user_id is not None:
            selection.where("s.account_id = %(account)s", account=wanted.user_id)
        if wanted.client_id is not None:
            selection.where(_OF_CLIENT, client_id=wanted.client_id)
        if wanted.active_only:
            selection.where(_LIVES)
        return await select_page(self._pg, selection, page, _entry)

    async def find(self, id: str) -> SessionEntry | None:
        """Return the session of this `sid`, of whatever organization, also one that ended."""
        row = await self._pg.fetchrow(
            f"SELECT {_COLUMNS} FROM {_SOURCE} WHERE s.uid = %(id)s",  # noqa: S608
            {"id": id},
        )
        return _entry(row) if row else None

    async def of_person(
        self,
        user_id: str,
        organization_id: str,
        most: int,
        *,
        only: str | None = None,
        but: str | None = None,
    ) -> tuple[SessionEntry, ...]:
        """Return living sessions of a person, `most` at most, the one used last first: `only` this
        one, or all `but` that.
        """
        rows = await self._pg.fetch(
            f"""
            SELECT {_COLUMNS} FROM {_SOURCE}
            WHERE s.account_id = %(user_id)s AND s.organization_id = %(organization_id)s
                AND {_LIVES}
                AND (s.uid = %(only)s) IS NOT FALSE AND (s.uid <> %(but)s) IS NOT FALSE
            ORDER BY s.used_at DESC, s.uid LIMIT %(most)s
            """,  # noqa: S608
            {
                "user_id": user_id,
                "organization_id": organization_id,
                "most": most,
                "only": only,
                "but": but,
            },
        )
        return tuple(map(_entry, rows))

    async def count_living(self, user_id: str, organization_id: str) -> int:
        """Return how many sessions of a person live."""
        row = await self._pg.fetchrow(
            f"""
            SELECT count(*) FROM {_SOURCE}
            WHERE s.account_id = %(user_id)s AND s.organization_id = %(organization_id)s
                AND {_LIVES}
            """,  # noqa: S608
            {"user_id": user_id, "organization_id": organization_id},
        )
        return int(row[0]) if row else 0


def _entry(row: Row) -> SessionEntry:
    return SessionEntry(**dict(zip(SessionEntry.__struct_fields__, row, strict=True)))
