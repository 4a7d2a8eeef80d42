"""The statements of tokens. Each is one round trip, and atomic: it decides, and it acts.

A token of an account lives as long as its row and its family do. Whoever revokes writes one row,
the family's; whoever reads joins it. So there is no moment at which a token that is being issued,
or rotated, could slip past a revocation: whatever hangs on a revoked family was born dead.
"""

from __future__ import annotations

from storage.postgres.statement import Statement
from storage.repositories.accounts import STANDS, facts

ISSUE = Statement(
    "issue_token",
    """
    INSERT INTO artifacts (
        id, kind, organization_id, payload, family_id, account_id, client_id, expires_at
    ) VALUES (
        %(id)s, %(kind)s, %(organization_id)s, %(payload)s, %(family_id)s, %(account_id)s,
        %(client_id)s, now() + %(ttl)s::float8 * interval '1 second'
    )
    """,
)

REDEEM = Statement(
    "redeem_code",
    # A session that is being ended waits for this statement, or this one for it: it then sees
    # the end, and founds no family; so it does where a consent was withdrawn in the session since
    # the code was issued. A tombstone (KILL_CODE) is redeemed, and stays revoked.
    """
    WITH session AS (
        SELECT consumed_at, withdrawals FROM sessions
        WHERE uid = %(session_uid)s AND organization_id = %(organization_id)s
        FOR SHARE
    ), family AS (
        INSERT INTO token_families (
            id, organization_id, client_id, account_id, grant_id, session_uid, expires_at,
            redeemed_at
        )
        SELECT %(family_id)s, %(organization_id)s, %(client_id)s, %(account_id)s::uuid,
            %(grant_id)s, %(session_uid)s,
            now() + %(family_ttl)s::float8 * interval '1 second', now()
        WHERE NOT EXISTS (
            SELECT FROM session
            WHERE consumed_at IS NOT NULL OR withdrawals <> %(withdrawals)s
        )
        ON CONFLICT (id) DO UPDATE SET redeemed_at = now()
            WHERE token_families.redeemed_at IS NULL
        RETURNING id
    ), tokens AS (
        INSERT INTO artifacts (
            id, kind, organization_id, payload, family_id, account_id, client_id, expires_at
        )
        SELECT token.id, token.kind, %(organization_id)s, token.payload, family.id,
            %(account_id)s::uuid, %(client_id)s, now() + token.ttl * interval '1 second'
        FROM family, (VALUES
            (%(access_id)s, 'AccessToken', %(access)s::json, %(access_ttl)s::float8),
            (%(refresh_id)s, 'RefreshToken', %(refresh)s::json, %(refresh_ttl)s::float8)
        ) AS token (id, kind, payload, ttl)
        WHERE token.id IS NOT NULL
    )
    SELECT 1 FROM family
    """,
)

KILL_CODE = Statement(
    "revoke_code",
    """
    INSERT INTO token_families (
        id, organization_id, client_id, account_id, grant_id, session_uid, expires_at,
        revoked_at, revoked_reason
    ) VALUES (
        %(id)s, %(organization_id)s, %(client_id)s, %(account_id)s, %(grant_id)s,
        %(session_uid)s, to_timestamp(%(expires_at)s), now(), %(reason)s
    )
    ON CONFLICT (id) DO UPDATE SET revoked_at = now(), revoked_reason = EXCLUDED.revoked_reason
        WHERE token_families.revoked_at IS NULL
    """,
)

# (kind = ...) IS TRUE in these: a plan made before there are statistics takes the index of refresh
# tokens by family (0048), which holds none of other kinds, for the cheapest way to one of them.
ROTATE = Statement(
    "rotate_refresh_token",
    # Of many callers one marks the row first, and names what follows; the others wait for it, and
    # then judge what it wrote: whatever they would derive, no second token follows. Whoever has
    # used the successor had the answer: nobody asks again for one that was lost, the token is two
    # generations old. The family is not locked: revoked a moment later, it takes along what was
    # added here.
    """
    WITH old AS (
        UPDATE artifacts SET consumed_at = COALESCE(artifacts.consumed_at, now()),
            successor_id = COALESCE(artifacts.successor_id, %(successor_id)s)
        FROM token_families family
        WHERE artifacts.id = %(old_id)s AND (artifacts.kind = 'RefreshToken') IS TRUE
            AND artifacts.organization_id = %(organization_id)s
            AND artifacts.client_id = %(client_id)s
            AND artifacts.expires_at > now()
            AND family.id = artifacts.family_id
            AND family.revoked_at IS NULL AND family.expires_at > now()
        RETURNING family.id AS family_id, artifacts.account_id, artifacts.successor_id,
            artifacts.consumed_at = now() OR (
                %(grace)s::float8 > 0
                AND artifacts.consumed_at >= now() - %(grace)s::float8 * interval '1 second'
                AND NOT EXISTS (
                    SELECT FROM artifacts later
                    WHERE later.id = artifacts.successor_id AND later.consumed_at IS NOT NULL
                )
            ) AS fresh
    ), successor AS (
        INSERT INTO artifacts (
            id, kind, organization_id, payload, family_id, account_id, client_id, expires_at
        )
        SELECT %(successor_id)s, 'RefreshToken', %(organization_id)s, %(successor)s::json,
            family_id, account_id, %(client_id)s,
            now() + %(successor_ttl)s::float8 * interval '1 second'
        FROM old WHERE fresh AND successor_id = %(successor_id)s
        ON CONFLICT (id) DO NOTHING
    ), access AS (
        INSERT INTO artifacts (
            id, kind, organization_id, payload, family_id, account_id, client_id, expires_at
        )
        SELECT %(access_id)s, 'AccessToken', %(organization_id)s, %(access)s::json,
            family_id, account_id, %(client_id)s,
            now() + %(access_ttl)s::float8 * interval '1 second'
        FROM old WHERE fresh
    ), reused AS (
        UPDATE token_families SET revoked_at = now(), revoked_reason = 'refresh_token_reused'
        FROM old
        WHERE token_families.id = old.family_id AND NOT old.fresh
            AND token_families.revoked_at IS NULL
    )
    SELECT fresh, successor_id FROM old
    """,
)

# Organizations are compared as (x = y) IS TRUE, which no index serves: a plan that is made before
# the tables have statistics, and kept, must find a user by id, not read all of an organization's.
_ALIVE = """
    a.id = %(id)s AND a.organization_id = %(organization_id)s AND a.expires_at > now()
"""

_CLIENT = """clients c ON c.client_id = a.client_id COLLATE "default"
            AND (c.organization_id = a.organization_id) IS TRUE"""


def _presented(name: str, account: str, join: str = "") -> Statement:
    return Statement(
        name,
        f"""
        SELECT a.kind, a.payload, {account}
        FROM artifacts a
        LEFT JOIN token_families f ON f.id = a.family_id
        LEFT JOIN users u ON u.id = a.account_id AND (u.organization_id = a.organization_id) IS TRUE
        {join}
        WHERE {_ALIVE} AND a.consumed_at IS NULL
            AND (a.kind = 'ClientCredentials' OR (
                a.kind IN ('AccessToken', 'RefreshToken') AND {STANDS}
                AND f.revoked_at IS NULL AND f.expires_at > now()
            ))
        """,  # noqa: S608
    )


FIND = _presented("find_token", "NULL")
FIND_OPAQUE = _presented(
    "find_opaque_token",
    f"CASE WHEN a.kind = 'AccessToken' THEN {facts('c.application_id', 'c.tells_all_roles')} END",
    f"LEFT JOIN {_CLIENT}",
)


def _with_account(name: str, kind: str, condition: str) -> Statement:
    return Statement(
        name,
        f"""
        SELECT a.payload, f.session_uid, floor(EXTRACT(EPOCH FROM f.expires_at))::bigint,
            {facts("c.application_id", "c.tells_all_roles")}
        FROM artifacts a
        JOIN token_families f ON f.id = a.family_id
            AND f.revoked_at IS NULL AND f.expires_at > now()
        JOIN {_CLIENT}
        JOIN users u ON u.id = a.account_id
            AND (u.organization_id = a.organization_id) IS TRUE
        WHERE {_ALIVE} AND (a.kind = '{kind}') IS TRUE AND {condition}
        """,  # noqa: S608
    )


FIND_REFRESH = _with_account("find_refresh_token", "RefreshToken", "TRUE")
FIND_ACCESS = _with_account(
    "find_access_token", "AccessToken", f"a.consumed_at IS NULL AND {STANDS}"
)

FIND_ADDRESS = Statement(
    "find_refresh_token_address",
    """
    SELECT payload ->> 'address' FROM artifacts
    WHERE id = %(id)s AND organization_id = %(organization_id)s AND (kind = 'RefreshToken') IS TRUE
    """,
)

REVOKE_FAMILY = Statement(
    "revoke_family",
    """
    UPDATE token_families SET revoked_at = now(), revoked_reason = %(reason)s
    WHERE id = %(id)s AND organization_id = %(organization_id)s AND client_id = %(client_id)s
        AND revoked_at IS NULL
    """,
)

REVOKE_TOKEN = Statement(
    "revoke_token",
    """
    WITH presented AS (
        SELECT id, kind, family_id FROM artifacts
        WHERE id = %(id)s AND organization_id = %(organization_id)s
            AND client_id = %(client_id)s
            AND kind IN ('AccessToken', 'RefreshToken', 'ClientCredentials')
    ), family AS (
        UPDATE token_families SET revoked_at = now(), revoked_reason = 'revoked_by_client'
        FROM presented
        WHERE presented.kind = 'RefreshToken' AND token_families.id = presented.family_id
            AND token_families.revoked_at IS NULL
    ), token AS (
        DELETE FROM artifacts USING presented
        WHERE presented.kind <> 'RefreshToken' AND artifacts.id = presented.id
    )
    SELECT 1 FROM presented
    """,
)
