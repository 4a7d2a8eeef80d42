"""Refresh tokens of Porta 1.x: read, and put among ours. Their rows stay as they are."""

from __future__ import annotations

import msgspec

from storage.models.artifacts import RefreshToken
from storage.models.legacy_tokens import LegacyRefreshToken
from storage.models.tokens import TokenFamily
from storage.postgres.statement import Executor, Statement
from storage.stores import encode

_DECODER = msgspec.json.Decoder(LegacyRefreshToken)

# The row of the token is the mark that it was taken over: it lives as long as that of 1.x, so none
# is taken over twice, whatever becomes of its family. Tokens of a grant are one family, as in 1.x.
_TAKE_OVER = Statement(
    "take_over_refresh_token",
    """
    WITH token AS (
        INSERT INTO artifacts (
            id, kind, organization_id, payload, family_id, account_id, client_id, expires_at
        ) VALUES (
            %(id)s, 'RefreshToken', %(organization_id)s, %(payload)s, %(family_id)s,
            %(account_id)s, %(client_id)s, to_timestamp(%(expires_at)s::float8)
        )
        ON CONFLICT (id) DO NOTHING
        RETURNING family_id
    )
    INSERT INTO token_families (
        id, organization_id, client_id, account_id, grant_id, session_uid, expires_at, redeemed_at
    )
    SELECT family_id, %(organization_id)s, %(client_id)s, %(account_id)s::uuid, %(grant_id)s,
        %(session_uid)s, to_timestamp(%(family_expires_at)s), now()
    FROM token
    ON CONFLICT (id) DO NOTHING
    """,
)


class LegacyTokens:
    """The rows of `oidc_payloads`, where the database is one of Porta 1.x."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def find(self, value: str) -> LegacyRefreshToken | None:
        """Return the refresh token of this value, unless it has expired; it may be consumed.

        None as well for one that is not what 1.x wrote.
        """
        row = await self._pg.fetchrow("SELECT porta_1x_refresh_token(%(value)s)", {"value": value})
        if row is None or row[0] is None:
            return None
        try:
            return _DECODER.decode(row[0])
        except msgspec.ValidationError:
            return None

    async def lock_account(self, id: str, organization_id: str) -> None:
        """Have whoever ends the rights of this account wait for this transaction, or wait for
        them: a person's row is changed with their status and their password.
        """
        await self._pg.execute(
            "SELECT FROM users WHERE id = %(id)s"
            " AND (organization_id = %(organization_id)s) IS TRUE FOR SHARE",
            {"id": id, "organization_id": organization_id},
        )

    async def take_over(self, token: RefreshToken, family: TokenFamily, expires_at: float) -> None:
        """Put a refresh token among ours, with the family of its grant; once, whoever calls.

        `expires_at` is that of its row, in seconds since the epoch.
        """
        await self._pg.execute(
            _TAKE_OVER,
            {
                "id": token.id,
                "organization_id": token.organization_id,
                "payload": encode(token).decode(),
                "family_id": family.id,
                "account_id": token.account_id,
                "client_id": token.client_id,
                "expires_at": expires_at,
                "grant_id": family.grant_id,
                "session_uid": family.session_uid,
                "family_expires_at": family.expires_at,
            },
        )
