"""Consents: a grant kept while nothing was withdrawn, and withdrawn with all that stands on it."""

from __future__ import annotations

import msgspec

from storage.models.artifacts import Grant
from storage.postgres.statement import Executor, Statement
from storage.stores import encode

# Whoever withdraws changes the row of the session: one of the two waits for the other, and this
# one sees how often something was withdrawn by then.
_GROW = Statement(
    "grow_grant",
    """
    WITH session AS (
        SELECT withdrawals FROM sessions
        WHERE uid = %(session_uid)s AND organization_id = %(organization_id)s
        FOR SHARE
    )
    INSERT INTO artifacts AS old (
        id, kind, organization_id, payload, account_id, client_id, expires_at
    )
    SELECT %(id)s, 'Grant', %(organization_id)s::uuid, %(payload)s::json, %(account_id)s::uuid,
        %(client_id)s, now() + %(ttl)s::float8 * interval '1 second'
    WHERE NOT EXISTS (SELECT FROM session WHERE withdrawals <> %(withdrawals)s)
    ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, expires_at = excluded.expires_at
        WHERE old.kind = 'Grant' AND old.organization_id = excluded.organization_id
            AND old.account_id = excluded.account_id
    """,
)
_MINE = "account_id = %(account_id)s AND organization_id = %(organization_id)s"
_MY_GRANTS = f"""id = ANY(porta_grants_of(%(organization_id)s::uuid, ARRAY(
        SELECT uid FROM sessions WHERE {_MINE}
    ))) AND {_MINE}"""  # noqa: S608
_LIVES = "revoked_at IS NULL AND expires_at > now()"
_OF = "client_id = ANY(%(client_ids)s::text[])"
# The person is held first, as by whoever ends their rights: a token of 1.x that is being taken over
# is waited for. The rest is in the order in which sessions are ended.
_WITHDRAW = f"""
    SELECT FROM users WHERE id = %(account_id)s AND organization_id = %(organization_id)s
    FOR NO KEY UPDATE;
    UPDATE sessions SET withdrawals = withdrawals + 1 WHERE {_MINE} AND consumed_at IS NULL;
    UPDATE token_families SET revoked_at = now(), revoked_reason = %(reason)s
    WHERE {_MINE} AND {_OF} AND revoked_at IS NULL;
    DELETE FROM artifacts WHERE {_MY_GRANTS} AND {_OF};
    INSERT INTO withdrawn_consents (account_id, client_id, withdrawn_at)
    SELECT u.id, c.client_id, clock_timestamp()
    FROM users u CROSS JOIN unnest(%(client_ids)s::text[]) AS c (client_id)
    WHERE u.id = %(account_id)s AND u.organization_id = %(organization_id)s
        AND to_regclass('oidc_payloads') IS NOT NULL
    ON CONFLICT (account_id, client_id) DO UPDATE SET withdrawn_at = EXCLUDED.withdrawn_at
"""  # noqa: S608
# A family outlives its grant, and whom it lets act is known by the client alone: one that never
# asks stands on no consent.
_HELD = f"""
    WITH allowed AS (
        SELECT client_id, json_array_length(payload -> 'consents') > 0 AS asked
        FROM artifacts WHERE {_MY_GRANTS} AND expires_at > now() AND consumed_at IS NULL
        UNION ALL
        SELECT client_id, FALSE FROM token_families WHERE {_MINE} AND {_LIVES}
    )
    SELECT a.client_id, bool_or(a.asked OR (c.is_first_party IS FALSE))
    FROM allowed a LEFT JOIN clients c ON c.client_id = a.client_id COLLATE "default"
        AND (c.organization_id = %(organization_id)s) IS TRUE
    GROUP BY 1 ORDER BY 1
"""  # noqa: S608


class AllowedClient(msgspec.Struct, frozen=True):
    """A client that acts for a person, or may ask to without the person being asked again."""

    client_id: str
    is_consented: bool
    """Whether the person was asked; one of the organization's own may never ask."""


class Consents:
    """What people allowed clients. What is another organization's is unknown."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def grow(self, grant: Grant, ttl: float, withdrawals: int) -> bool:
        """Keep a grant for `ttl` seconds, unless something was withdrawn in its session since
        `withdrawals` were counted; tell whether it is kept.
        """
        return bool(
            await self._pg.execute(
                _GROW,
                {
                    "id": grant.id,
                    "organization_id": grant.organization_id,
                    "payload": encode(grant).decode(),
                    "account_id": grant.account_id,
                    "client_id": grant.client_id,
                    "session_uid": grant.session_uid,
                    "ttl": ttl,
                    "withdrawals": withdrawals,
                },
            )
        )

    async def allowed(self, account_id: str, organization_id: str) -> tuple[AllowedClient, ...]:
        """Return the clients that a person has grants or living token families of."""
        rows = await self._pg.fetch(
            _HELD, {"account_id": account_id, "organization_id": organization_id}
        )
        return tuple(AllowedClient(*row) for row in rows)

    async def withdraw(
        self, account_id: str, organization_id: str, client_ids: tuple[str, ...], reason: str
    ) -> None:
        """End the grants of a person to these clients with every token that stands on them, those
        included that a code on its way would found; in a transaction.
        """
        await self._pg.execute(
            _WITHDRAW,
            {
                "account_id": account_id,
                "organization_id": organization_id,
                "client_ids": list(client_ids),
                "reason": reason,
            },
        )
