"""The statements of people: how they are found, and how their attempts to sign in are counted."""

from __future__ import annotations

from storage.models.users import AUTO_LOCKOUT
from storage.postgres.statement import Statement
from storage.repositories.accounts import STANDS, USER, facts

_DAY = 86_400
LONGEST_LOCK = 3600
"""Seconds. No stranger keeps an owner out for longer."""
# (x = y) IS TRUE is served by no index. A plan made while a table is small, and kept, would rather
# read all users of an organization, or all grants, than look for one by its id.
OF_ORGANIZATION = "(u.organization_id = %(organization_id)s) IS TRUE"
BY_ADDRESS = f"""
    u.id = porta_user_of(%(organization_id)s::uuid, %(email)s::citext)
    AND u.email = %(email)s AND {OF_ORGANIZATION}
"""
"""Of `users u`: the index of addresses is no way for a statement that a policy is in front of."""
_AUTO_LOCKED = f"(u.status = 'locked' AND u.locked_reason = '{AUTO_LOCKOUT}') IS TRUE"
_OWN_LOCK = f"""
    ({_AUTO_LOCKED} AND EXTRACT(EPOCH FROM u.locked_at)::float8 = %(locked_at)s::float8)
"""
_FORGIVEN = f"""
    failed_login_count = 0,
    status = CASE WHEN {_AUTO_LOCKED} THEN 'active' ELSE u.status END,
    locked_at = CASE WHEN {_AUTO_LOCKED} THEN NULL ELSE u.locked_at END,
    locked_reason = CASE WHEN {_AUTO_LOCKED} THEN NULL ELSE u.locked_reason END
"""

FIND_BY_ID = Statement(
    "find_user_by_id",
    f"""
    SELECT {USER} FROM users u
    WHERE u.id = %(id)s AND {OF_ORGANIZATION}
    """,  # noqa: S608
)
FACTS = Statement(
    "account_facts",
    f"""
    SELECT {facts("%(application_id)s::uuid", "%(all_roles)s::bool")} FROM users u
    WHERE u.id = %(id)s AND {OF_ORGANIZATION}
    """,  # noqa: S608
)
STANDING = Statement(
    "account_standing",
    f"""
    SELECT u.id IS NOT NULL AND {STANDS}, g.payload,
        s.used_at <= now() - make_interval(secs => %(use_interval)s::float8), s.withdrawals
    FROM sessions s
    LEFT JOIN users u ON u.id = s.account_id AND (u.organization_id = s.organization_id) IS TRUE
    LEFT JOIN artifacts g ON g.id = %(grant_id)s AND (g.kind = 'Grant') IS TRUE
        AND g.organization_id = u.organization_id AND g.account_id = u.id
        AND g.expires_at > now() AND g.consumed_at IS NULL
    WHERE s.id = %(session_id)s AND (s.organization_id = %(organization_id)s) IS TRUE
        AND s.expires_at > now() AND s.consumed_at IS NULL
        AND s.used_at > now() - make_interval(secs => %(idle_ttl)s::float8)
    """,  # noqa: S608
)
# Twice as long with each failure above the limit. 2^20 of any length are more than an hour.
_LOCK_SECONDS = f"""
    LEAST({LONGEST_LOCK}, %(lock_seconds)s::float8 * 2::float8 ^
        CASE WHEN %(max_failed)s::int > 0
            THEN GREATEST(LEAST(u.failed_login_count - %(max_failed)s::int, 20), 0) ELSE 0 END)
"""
# Whoever comes second waits for the row, and sees what the first made of it. Not prepared: a plan
# that was made while the table is small, and kept, would read all users of an organization.
COUNT_ATTEMPT = f"""
    WITH found AS (
        SELECT u.id, u.status, u.failed_login_count, {_AUTO_LOCKED} AS shut,
            COALESCE(u.locked_at, '-infinity') + make_interval(secs => {_LOCK_SECONDS})
                <= to_timestamp(%(now)s::float8) AS due,
            u.failures_since,
            (u.failures_since <= to_timestamp(%(now)s::float8 - {_DAY})) IS TRUE AS forgotten
        FROM users u
        WHERE {BY_ADDRESS}
        FOR UPDATE
    ), counted AS (
        SELECT id, shut AND due AS unlocked, status = 'active' OR (shut AND due) AS open,
            CASE WHEN shut AND NOT due THEN failed_login_count WHEN forgotten THEN 1
                ELSE failed_login_count + 1 END AS attempts,
            CASE WHEN shut AND NOT due THEN failures_since
                WHEN forgotten OR failures_since IS NULL OR failed_login_count = 0
                THEN to_timestamp(%(now)s::float8) ELSE failures_since END AS since
        FROM found
    ), judged AS (
        SELECT id, unlocked, attempts, since,
            open AND %(max_failed)s::int > 0 AND attempts >= %(max_failed)s::int AS locked
        FROM counted
    )
    UPDATE users u SET
        failed_login_count = j.attempts,
        failures_since = j.since,
        status = CASE WHEN j.locked THEN 'locked' WHEN j.unlocked THEN 'active' ELSE u.status END,
        locked_at = CASE WHEN j.locked THEN to_timestamp(%(now)s::float8)
            WHEN j.unlocked THEN NULL ELSE u.locked_at END,
        locked_reason = CASE WHEN j.locked THEN '{AUTO_LOCKOUT}' WHEN j.unlocked THEN NULL
            ELSE u.locked_reason END
    FROM judged j
    WHERE u.id = j.id
    RETURNING {USER}, j.locked, j.unlocked
"""  # noqa: S608
GIVE_BACK_ATTEMPT = Statement(
    "decrement_login_attempts",
    f"""
    UPDATE users u SET
        failed_login_count = GREATEST(u.failed_login_count - 1, 0),
        status = CASE WHEN {_OWN_LOCK} THEN 'active' ELSE u.status END,
        locked_at = CASE WHEN {_OWN_LOCK} THEN NULL ELSE u.locked_at END,
        locked_reason = CASE WHEN {_OWN_LOCK} THEN NULL ELSE u.locked_reason END
    WHERE u.id = %(id)s AND {OF_ORGANIZATION}
    """,  # noqa: S608
)
# A hash that is another one than that which was judged is of another password, unless none was
# chosen for so long that it can only be the same one, hashed anew at a sign-in beside this one.
_AS_JUDGED = f"""
    u.id = %(id)s AND {OF_ORGANIZATION} AND {STANDS}
    AND (u.password_hash IS NOT DISTINCT FROM %(password_hash)s::text
        OR (u.password_changed_at > now() - interval '10 minutes') IS NOT TRUE)
"""
RECORD_LOGIN = Statement(
    "record_login",
    f"""
    UPDATE users u SET last_login_at = now(), login_count = login_count + 1, {_FORGIVEN}
    WHERE {_AS_JUDGED}
    """,  # noqa: S608
)
RECORD_KNOWN_LOGIN = Statement(
    "record_known_login",
    f"""
    UPDATE users u SET last_login_at = now(), login_count = login_count + 1
    WHERE {_AS_JUDGED}
    """,  # noqa: S608
)
FORGIVE_ATTEMPTS = Statement(
    "reset_login_attempts",
    f"""
    UPDATE users u SET {_FORGIVEN}
    WHERE u.id = %(id)s AND {OF_ORGANIZATION}
    """,  # noqa: S608
)
RECORD_FAILED_LOGIN = Statement(
    "record_failed_login",
    f"""
    UPDATE users u SET last_failed_login_at = now()
    WHERE u.id = %(id)s AND {OF_ORGANIZATION}
    """,  # noqa: S608
)
PASSWORD_COSTS = """
    SELECT organization_id::text, split_part(password_hash, '$', 4) AS cost, count(*) FROM users
    WHERE password_hash LIKE '$argon2id$v=%%$m=%%'
        AND split_part(password_hash, '$', 4) <> %(but)s
    GROUP BY organization_id, cost ORDER BY count(*) DESC, organization_id, cost
"""
