"""Tokens that travel by mail: stored as digests, for one use."""

from __future__ import annotations

from collections.abc import Sequence
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
_USE_ELSEWHERE = f"""
    UPDATE magic_link_tokens l SET used_at = now(), code_digest = %(code_digest)s FROM users u
    WHERE {_USABLE} AND l.interaction IS NOT NULL
    RETURNING {_BOUND[LinkKind.MAGIC_LINK]}
"""  # noqa: S608
_USE_CODE = f"""
    UPDATE magic_link_tokens l SET code_digest = NULL FROM users u
    WHERE u.id = l.user_id AND {OF_ORGANIZATION} AND (l.sent_to = u.email) IS NOT FALSE
        AND l.interaction = %(interaction)s AND l.code_digest = ANY(%(code_digests)s::text[])
        AND l.used_at > now() - make_interval(secs => %(ttl)s)
    RETURNING {_BOUND[LinkKind.MAGIC_LINK]}
"""  # noqa: S608
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
        return _decode(await self._pg.fetchrow(statement, key))

    async def use_elsewhere(
        self, digest: str, organization_id: str, code_digest: str
    ) -> MailedLink | None:
        """Use a magic link for a code, of which this digest is kept, to be typed in where the link
        was asked for; None as with `use`.
        """
        key = {"digest": digest, "organization_id": organization_id, "code_digest": code_digest}
        return _decode(await self._pg.fetchrow(_USE_ELSEWHERE, key))

    async def use_code(
        self, interaction: str, organization_id: str, code_digests: Sequence[str], ttl: float
    ) -> MailedLink | None:
        """Use the code of a magic link that was asked for at an interaction, which has one of these
        digests, once, within `ttl` seconds after it was given.
        """
        key = {"interaction": interaction, "organization_id": organization_id}
        code = {"code_digests": [*code_digests], "ttl": ttl}
        return _decode(await self._pg.fetchrow(_USE_CODE, {**key, **code}))

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


def _decode(row: Sequence[Any] | None) -> MailedLink | None:
    if row is None:
        return None
    bound = row[3] if len(row) > 3 else None
    return MailedLink(user_id=row[0], email=row[1], expires_at=row[2], interaction=bound)
