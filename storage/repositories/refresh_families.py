"""Refresh families, as administrators read and end them."""

from __future__ import annotations

from storage.models.pages import Listed, Page
from storage.models.refresh_families import FamilyFilter, RefreshFamily
from storage.postgres.statement import Executor, Row
from storage.repositories.pagination import Selection, moment, select_page

_SECONDS = "EXTRACT(EPOCH FROM {})::float8"
_COLUMNS = ", ".join(
    (
        "f.id",
        "f.organization_id",
        "f.account_id",
        "f.client_id",
        "f.session_uid",
        "newest.scope",
        _SECONDS.format("f.created_at"),
        _SECONDS.format("newest.created_at"),
        _SECONDS.format("f.expires_at"),
        _SECONDS.format("f.revoked_at"),
        "f.revoked_reason",
    )
)
# A family without a refresh token is an access token, which is over before anybody reads of it.
_SOURCE = """token_families f CROSS JOIN LATERAL (
    SELECT a.payload ->> 'scope' AS scope, a.created_at FROM artifacts a
    WHERE a.family_id = f.id AND a.kind = 'RefreshToken'
    ORDER BY a.created_at DESC LIMIT 1
) newest"""
_SORTS = {"created_at": moment("f.created_at")}
_LIVES = "f.revoked_at IS NULL AND f.expires_at > now()"


class RefreshFamilies:
    """The table `token_families`, where it has refresh tokens; one that ended stays for a while."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def list(self, wanted: FamilyFilter, page: Page) -> Listed[RefreshFamily]:
        """Return families of a person or of a client, by when they began."""
        selection = Selection(_COLUMNS, _SOURCE, _SORTS, id="f.id", id_type="text")
        if wanted.organization_id is not None:
            selection.where(
                "f.organization_id = %(organization)s", organization=wanted.organization_id
            )
        if wanted.user_id is not None:
            selection.where("f.account_id = %(account)s", account=wanted.user_id)
        if wanted.client_id is not None:
            selection.where("f.client_id = %(client)s", client=wanted.client_id)
        if wanted.active_only:
            selection.where(_LIVES)
        return await select_page(self._pg, selection, page, _family)

    async def find(self, id: str) -> RefreshFamily | None:
        """Return the family of this id, of whatever organization, also one that ended."""
        row = await self._pg.fetchrow(
            f"SELECT {_COLUMNS} FROM {_SOURCE} WHERE f.id = %(id)s",  # noqa: S608
            {"id": id},
        )
        return _family(row) if row else None


def _family(row: Row) -> RefreshFamily:
    return RefreshFamily(**dict(zip(RefreshFamily.__struct_fields__, row, strict=True)))
