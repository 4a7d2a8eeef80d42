"""Tokens and their families: issued, rotated, found and revoked, each in one statement."""

from __future__ import annotations

from typing import cast

from storage.models.artifact import Artifact, artifact_id
from storage.models.artifacts import (
    ARTIFACTS,
    AccessToken,
    ClientCredentials,
    RefreshToken,
    Session,
)
from storage.models.tokens import PresentedToken, Rotated, Rotation, TokenFamily, TokenWithAccount
from storage.postgres.statement import Executor, Statement
from storage.repositories import ending_sql, token_sql
from storage.repositories.accounts import decode_facts
from storage.stores import decode, encode

_KINDS = {
    record.__name__: ARTIFACTS[record] for record in (AccessToken, RefreshToken, ClientCredentials)
}


class Tokens:
    """What was issued. Every lifetime is in seconds, counted by the database's clock."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def issue(self, token: AccessToken | ClientCredentials, ttl: float) -> None:
        """Keep a token of its own, or one more of a family that stands."""
        await self._pg.execute(
            token_sql.ISSUE,
            {
                "id": token.id,
                "kind": type(token).__name__,
                "organization_id": token.organization_id,
                "payload": _payload(token),
                "family_id": token.family_id if isinstance(token, AccessToken) else None,
                "account_id": token.account_id if isinstance(token, AccessToken) else None,
                "client_id": token.client_id,
                "ttl": ttl,
            },
        )

    async def redeem(
        self,
        family: TokenFamily,
        family_ttl: float,
        access: AccessToken,
        access_ttl: float,
        refresh: RefreshToken | None,
        refresh_ttl: float,
    ) -> bool:
        """Found the family of a code with its first tokens.

        False, and nothing is kept, when the code was redeemed before, its session has ended, or a
        consent was withdrawn in it since.
        When the code was killed meanwhile, its tokens are kept and dead.
        """
        rows = await self._pg.fetch(
            token_sql.REDEEM,
            {
                "family_id": family.id,
                "organization_id": family.organization_id,
                "client_id": family.client_id,
                "account_id": family.account_id,
                "grant_id": family.grant_id,
                "session_uid": family.session_uid,
                "withdrawals": family.withdrawals,
                "family_ttl": family_ttl,
                "access_id": access.id,
                "access": _payload(access),
                "access_ttl": access_ttl,
                "refresh_id": refresh.id if refresh else None,
                "refresh": _payload(refresh) if refresh else None,
                "refresh_ttl": refresh_ttl,
            },
        )
        return bool(rows)

    async def revoke_code(self, family: TokenFamily, reason: str) -> bool:
        """Revoke the family of a code that was seen twice, also when it is yet to be founded.

        Tells whether it was not revoked before.
        """
        changed = await self._pg.execute(
            token_sql.KILL_CODE,
            {
                "id": family.id,
                "organization_id": family.organization_id,
                "client_id": family.client_id,
                "account_id": family.account_id,
                "grant_id": family.grant_id,
                "session_uid": family.session_uid,
                "expires_at": family.expires_at,
                "reason": reason,
            },
        )
        return changed > 0

    async def rotate(
        self,
        old: RefreshToken,
        successor: RefreshToken,
        successor_ttl: float,
        access: AccessToken,
        access_ttl: float,
        grace: float,
    ) -> Rotated:
        """Put `successor` in the place of `old`, with a new access token.

        Whoever comes within `grace` seconds of the first gets an access token of their own beside
        the successor of the first, whose id is told: it need not be this one's. Later, the family
        is revoked in the same statement.
        """
        row = await self._pg.fetchrow(
            token_sql.ROTATE,
            {
                "old_id": old.id,
                "organization_id": old.organization_id,
                "client_id": old.client_id,
                "grace": grace,
                "successor_id": successor.id,
                "successor": _payload(successor),
                "successor_ttl": successor_ttl,
                "access_id": access.id,
                "access": _payload(access),
                "access_ttl": access_ttl,
            },
        )
        if row is None:
            return Rotated(Rotation.GONE, successor.id)
        fresh, successor_id = row
        return Rotated(Rotation.ROTATED if fresh else Rotation.REUSED, successor_id)

    async def find(self, value: str, organization_id: str) -> PresentedToken | None:
        """Return the token of any kind that `value` is, while it can be used.

        A token of an account also needs an account that stands, and a refresh token its turn. An
        access token that is no JWT comes with its account at the application of its client.
        """
        id = artifact_id(value)
        statement = token_sql.FIND if "." in value else token_sql.FIND_OPAQUE
        row = await self._pg.fetchrow(statement, {"id": id, "organization_id": organization_id})
        if row is None:
            return None
        kind, payload, account = row
        token = decode(_KINDS[kind], id, payload.encode())
        return PresentedToken(
            token=cast(AccessToken | ClientCredentials | RefreshToken, token),  # as `kind` says
            account=decode_facts(account) if account is not None else None,
        )

    async def find_refresh(self, value: str, organization_id: str) -> TokenWithAccount | None:
        """Return a refresh token of a living family with its account, whatever its status, at the
        application of the token's client. It may be consumed.
        """
        return await self._find(token_sql.FIND_REFRESH, RefreshToken, value, organization_id)

    async def find_access(self, value: str, organization_id: str) -> TokenWithAccount | None:
        """Return a living access token with its account at the application of its client."""
        return await self._find(token_sql.FIND_ACCESS, AccessToken, value, organization_id)

    async def find_address(self, id: str, organization_id: str) -> str | None:
        """Return where the refresh token of this id was asked for, also when it is dead."""
        row = await self._pg.fetchrow(
            token_sql.FIND_ADDRESS, {"id": id, "organization_id": organization_id}
        )
        return row[0] if row else None

    async def revoke_family(
        self, id: str, organization_id: str, client_id: str, reason: str
    ) -> None:
        """End everything that descends from one authorization of a client."""
        await self._pg.execute(
            token_sql.REVOKE_FAMILY,
            {
                "id": id,
                "organization_id": organization_id,
                "client_id": client_id,
                "reason": reason,
            },
        )

    async def revoke_token(self, value: str, organization_id: str, client_id: str) -> bool:
        """Revoke a token at the wish of its client (RFC 7009): a refresh token with its family,
        an access token alone. Tells whether there was one.
        """
        rows = await self._pg.fetch(
            token_sql.REVOKE_TOKEN,
            {
                "id": artifact_id(value),
                "organization_id": organization_id,
                "client_id": client_id,
            },
        )
        return bool(rows)

    async def end_session(self, session: Session) -> frozenset[str]:
        """End a session with its grants and every token issued in it; return the ids it had.

        Its row stays for a while, consumed: a code that is still out redeems to nothing.
        """
        rows = await self._pg.fetch(
            ending_sql.END_SESSION,
            {"uid": session.uid, "organization_id": session.organization_id},
        )
        return frozenset({session.id, *(row[0] for row in rows)})

    async def find_last_client(self, session: Session) -> str | None:
        """Return the client_id that the newest tokens of a session, also an ended one, are for."""
        row = await self._pg.fetchrow(
            """
            SELECT client_id FROM token_families
            WHERE session_uid = %(uid)s AND organization_id = %(organization_id)s
            ORDER BY created_at DESC LIMIT 1
            """,
            {"uid": session.uid, "organization_id": session.organization_id},
        )
        return row[0] if row else None

    async def end_account(self, account_id: str, organization_id: str, reason: str) -> list[str]:
        """End every session of an account with its grants, and every token issued for it; return
        the ids of the sessions.
        """
        rows = await self._pg.fetch(
            ending_sql.END_ACCOUNT,
            {"account_id": account_id, "organization_id": organization_id, "reason": reason},
        )
        return [row[0] for row in rows]

    async def end_others(
        self, account_id: str, organization_id: str, kept: str, reason: str
    ) -> list[str]:
        """End what `end_account` ends, but the session of the uid `kept` and what hangs on it;
        return the ids of the sessions.
        """
        key = {"account_id": account_id, "organization_id": organization_id}
        rows = await self._pg.fetch(ending_sql.END_OTHERS, {**key, "kept": kept, "reason": reason})
        return [row[0] for row in rows]

    async def _find(
        self,
        statement: Statement,
        record: type[AccessToken | RefreshToken],
        value: str,
        organization_id: str,
    ) -> TokenWithAccount | None:
        id = artifact_id(value)
        row = await self._pg.fetchrow(statement, {"id": id, "organization_id": organization_id})
        if row is None:
            return None
        payload, session_uid, family_expires_at, account = row
        token = decode(ARTIFACTS[record], id, payload.encode())
        return TokenWithAccount(
            token=cast(AccessToken | RefreshToken, token),  # the kind names the record
            account=decode_facts(account),
            session_uid=session_uid,
            family_expires_at=family_expires_at,
        )


def _payload(artifact: Artifact) -> str:
    return encode(artifact).decode()
