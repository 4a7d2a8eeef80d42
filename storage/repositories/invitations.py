"""Invitations that wait: made, listed, counted and ended. Their tokens are stored as digests."""

from __future__ import annotations

import msgspec

from storage.models.invitations import InvitationDetails, PendingInvitation, decode_details
from storage.models.pages import Listed, Page
from storage.postgres.statement import Executor, Row
from storage.repositories.pagination import Selection, moment, select_page

SORTS = {"created_at": moment("i.created_at")}
"""What a list of invitations can be sorted by."""
_PENDING = (
    "i.id::text, i.user_id::text, u.organization_id::text, u.email::text, u.given_name,"
    " u.family_name, EXTRACT(EPOCH FROM i.created_at)::float8,"
    " EXTRACT(EPOCH FROM i.expires_at)::float8, i.invited_by::text, i.invited_by_client::text,"
    " i.details::text, i.expires_at <= now()"
)
_SOURCE = "invitation_tokens i JOIN users u ON u.id = i.user_id"
# Of two who count the same at once, the second finds what the first has made.
_HOLD = "SELECT pg_advisory_xact_lock(hashtextextended('invitations ' || %(key)s, 0))"
_COUNT = f"""
    SELECT
        (SELECT count(*) FROM invitation_tokens WHERE user_id = %(user_id)s
            AND created_at > now() - make_interval(secs => %(within)s)),
        (SELECT count(*) FROM {_SOURCE} WHERE u.email = %(email)s::citext
            AND i.created_at > now() - make_interval(secs => %(within)s)),
        (SELECT count(*) FROM invitation_tokens
            WHERE COALESCE(invited_by, invited_by_client) = %(inviter)s::uuid
            AND organization_id = (SELECT organization_id FROM users WHERE id = %(user_id)s)
            AND created_at > now() - make_interval(secs => %(within)s))
"""  # noqa: S608
_INVITE = """
    WITH earlier AS (
        UPDATE invitation_tokens SET used_at = now()
        WHERE user_id = %(user_id)s AND used_at IS NULL
    )
    INSERT INTO invitation_tokens (
        user_id, token_hash, expires_at, sent_to, invited_by, invited_by_client, details)
    SELECT u.id, %(token_hash)s, now() + make_interval(secs => %(ttl)s), u.email,
        (SELECT id FROM users WHERE id = %(invited_by)s::uuid), %(invited_by_client)s::uuid,
        %(details)s::jsonb
    FROM users u WHERE u.id = %(user_id)s
    RETURNING id::text, EXTRACT(EPOCH FROM expires_at)::float8
"""


class Invitations:
    """The table `invitation_tokens`, as administrators see it. What was accepted, taken back or
    followed by a newer one waits no more, and is unknown here.
    """

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def hold_count(
        self, user_id: str, email: str, inviter: str | None, within: float
    ) -> tuple[int, int, int]:
        """Return how many invitations were sent in the last `within` seconds: to a person, to an
        address anywhere, and by `inviter` (the id of a person or a client) to people of the same
        organization. Nobody else counts the same until the transaction ends.
        """
        for key in sorted(filter(None, (email, inviter))):
            await self._pg.fetchrow(_HOLD, {"key": key})
        row = await self._pg.fetchrow(
            _COUNT,
            {"user_id": user_id, "email": email, "inviter": inviter, "within": within},
        )
        assert row is not None, "counts are always there"
        here, anywhere, by_inviter = row
        return here, anywhere, by_inviter

    async def insert(
        self,
        user_id: str,
        token_hash: str,
        ttl: float,
        details: InvitationDetails,
        *,
        invited_by: str | None,
        invited_by_client: str | None,
    ) -> tuple[str, float]:
        """Store an invitation for `ttl` seconds, and end all earlier ones of the person; return its
        id and when it ends (seconds since the epoch).
        """
        row = await self._pg.fetchrow(
            _INVITE,
            {
                "user_id": user_id,
                "token_hash": token_hash,
                "ttl": ttl,
                "details": msgspec.json.encode(details).decode(),
                "invited_by": invited_by,
                "invited_by_client": invited_by_client,
            },
        )
        assert row is not None, "an insert returns its row"
        return row[0], row[1]

    async def list_page(
        self, organization_id: str, page: Page, *, expired: bool | None = None
    ) -> Listed[PendingInvitation]:
        """Return a page of what waits in an organization; of the `expired` or the others alone,
        where that is said.
        """
        selection = Selection(_PENDING, _SOURCE, SORTS, id="i.id")
        selection.where(
            "i.organization_id = %(organization_id)s AND i.used_at IS NULL",
            organization_id=organization_id,
        )
        if expired is not None:
            selection.where(f"i.expires_at {'<=' if expired else '>'} now()")
        return await select_page(self._pg, selection, page, _decode)

    async def find(
        self, id: str, organization_id: str, *, hold: bool = False
    ) -> PendingInvitation | None:
        """Return one that waits. `hold` keeps it from being used until the transaction ends: who
        holds its person too has held them before.
        """
        row = await self._pg.fetchrow(
            f"""
            SELECT {_PENDING} FROM {_SOURCE} WHERE i.id = %(id)s
                AND u.organization_id = %(organization_id)s AND i.used_at IS NULL
            {"FOR NO KEY UPDATE OF i" if hold else ""}
            """,  # noqa: S608
            {"id": id, "organization_id": organization_id},
        )
        return _decode(row) if row else None

    async def find_link(self, digest: str, organization_id: str) -> PendingInvitation | None:
        """Return the invitation whose token has this digest; whether it can be used is for
        `auth_tokens` to say.
        """
        row = await self._pg.fetchrow(
            f"""
            SELECT {_PENDING} FROM {_SOURCE} WHERE i.token_hash = %(digest)s
                AND u.organization_id = %(organization_id)s
            """,  # noqa: S608
            {"digest": digest, "organization_id": organization_id},
        )
        return _decode(row) if row else None

    async def forget_inviter(self, user_id: str) -> None:
        """Take the name of who invited from every invitation that a person sent, to people of
        whatever organization; the invitations stay as they are.
        """
        await self._pg.execute(
            "UPDATE invitation_tokens SET details = details - 'inviterName'"
            " WHERE COALESCE(invited_by, invited_by_client) = %(user_id)s::uuid"
            " AND details ? 'inviterName'",
            {"user_id": user_id},
        )

    async def end(self, id: str) -> None:
        """Take one back: its link is worth nothing from then on."""
        await self._pg.execute(
            "UPDATE invitation_tokens SET used_at = now() WHERE id = %(id)s AND used_at IS NULL",
            {"id": id},
        )


def _decode(row: Row) -> PendingInvitation:
    named = dict(zip(PendingInvitation.__struct_fields__, row, strict=True))
    return PendingInvitation(**{**named, "details": decode_details(named["details"])})
