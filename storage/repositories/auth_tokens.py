"""Tokens that travel by mail: stored as digests, for one use."""

from __future__ import annotations

from typing import Any

from storage.models.auth_tokens import LinkKind, MailedLink
from storage.postgres.statement import Executor
from storage.repositories.user_sql import OF_ORGANIZATION

# A link is good for the address that it was sent to; those of Porta 1.x do not tell.
_USABLE = f"""
    u.id = l.user_id AND {OF_ORGANIZATION} AND (l.sent_to = u.email) IS NOT FALSE
    AND l.token_hash = %(digest)s AND l.used_at IS NULL AND l.expires_at > now()
"""
_ONE = "l.user_id::text, u.email::text, EXTRACT(EPOCH FROM l.expires_at)::float8"
_BOUND = {LinkKind.MAGIC_LINK: f"{_ONE}, l.interaction"}
_FIND = {
    kind: f"SELECT {_BOUND.get(kind, _ONE)} FROM {kind.value} l, users u WHERE {_USABLE}"  # noqa: S608
    for kind in LinkKind
}
# Whoever comes second waits for the row, and finds it used.
_USE = {
    kind: f"""
        UPDATE {kind.value} l SET used_at = now() FROM users u WHERE {_USABLE}
        RETURNING {_BOUND.get(kind, _ONE)}
    """  # noqa: S608
    for kind in LinkKind
}
# What is over is not worth a job: it goes when the next one is mailed.
_MINE, _OVER = "l.user_id = %(user_id)s", "l.expires_at < now()"
_END = {
    kind: f"""
        DELETE FROM {kind.value} l USING users u
        WHERE u.id = l.user_id AND {OF_ORGANIZATION} AND ({replaced})
    """  # noqa: S608
    for kind, replaced in (
        (LinkKind.MAGIC_LINK, f"l.interaction = %(interaction)s OR ({_MINE} AND {_OVER})"),
        (LinkKind.PASSWORD_RESET, _MINE),
    )
}
_ADD = {
    LinkKind.MAGIC_LINK: f"""
        INSERT INTO magic_link_tokens (user_id, token_hash, expires_at, sent_to, interaction)
        SELECT u.id, %(digest)s, now() + make_interval(secs => %(ttl)s), u.email, %(interaction)s
        FROM users u WHERE u.id = %(user_id)s AND {OF_ORGANIZATION}
    """,  # noqa: S608
    LinkKind.PASSWORD_RESET: f"""
        INSERT INTO password_reset_tokens (user_id, token_hash, expires_at, sent_to)
        SELECT u.id, %(digest)s, now() + make_interval(secs => %(ttl)s), u.email
        FROM users u WHERE u.id = %(user_id)s AND {OF_ORGANIZATION}
    """,  # noqa: S608
}


class AuthTokens:
    """The tables `magic_link_tokens`, `password_reset_tokens` and `invitation_tokens`."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def find(self, kind: LinkKind, digest: str, organization_id: str) -> MailedLink | None:
        """Return the link of this digest; None for one that is unknown here, used or over, or whose
        person has another address by now.
        """
        return await self._link(_FIND[kind], digest, organization_id)

    async def use(self, kind: LinkKind, digest: str, organization_id: str) -> MailedLink | None:
        """Use the link of this digest; None for what `find` does not find: of any number who come
        at once, one has it.
        """
        return await self._link(_USE[kind], digest, organization_id)

    async def _link(self, statement: str, digest: str, organization_id: str) -> MailedLink | None:
        key = {"digest": digest, "organization_id": organization_id}
        row = await self._pg.fetchrow(statement, key)
        if row is None:
            return None
        return MailedLink(user_id=row[0], email=row[1], expires_at=row[2], interaction=_bound(row))

    async def add(
        self,
        kind: LinkKind,
        user_id: str,
        organization_id: str,
        digest: str,
        ttl: float,
        *,
        interaction: str | None = None,
    ) -> None:
        """Store a link to the address of a person for `ttl` seconds, and end what it replaces: all
        earlier ones, those of a magic link where they were asked for at the same interaction.

        The person is held (`users.find`) by the transaction this is part of: of two that are asked
        for at once the later one is left.
        """
        key = {"user_id": user_id, "organization_id": organization_id, "interaction": interaction}
        await self._pg.execute(_END[kind], key)
        await self._pg.execute(_ADD[kind], {**key, "digest": digest, "ttl": ttl})

    async def end_resets(self, user_id: str, organization_id: str) -> None:
        """End every link by which the password of a person could be changed."""
        key = {"user_id": user_id, "organization_id": organization_id}
        await self._pg.execute(_END[LinkKind.PASSWORD_RESET], key)

    async def find_address(self, user_id: str) -> str | None:
        """Return the address of who invites, of whatever organization."""
        row = await self._pg.fetchrow(
            "SELECT email::text FROM users WHERE id = %(user_id)s::uuid", {"user_id": user_id}
        )
        return str(row[0]) if row else None


def _bound(row: Any) -> str | None:
    return row[3] if len(row) > 3 else None
