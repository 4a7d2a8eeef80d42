"""The statements of the job queue."""

from __future__ import annotations

from storage.models.jobs import JobState

CLAIMED = ("id", "kind", "payload", "organization_id", "attempts", "max_attempts", "scheduled")
STATES = {
    JobState.DONE: "done_at IS NOT NULL",
    JobState.CANCELLED: "dead_at IS NOT NULL AND cancelled_at IS NOT NULL",
    JobState.DEAD: "dead_at IS NOT NULL AND cancelled_at IS NULL",
    JobState.RUNNING: "lease IS NOT NULL",
    JobState.READY: "ready",
    JobState.WAITING: "NOT ready AND lease IS NULL AND done_at IS NULL AND dead_at IS NULL",
}
"""A job is in one of these, and in no other."""


def _seconds(column: str) -> str:
    return f"EXTRACT(EPOCH FROM {column})::float8"


TOLD = f"""
    id, kind, organization_id::text,
    CASE {" ".join(f"WHEN {rule} THEN '{state}'" for state, rule in STATES.items())} END,
    attempts, max_attempts, schedule IS NOT NULL, priority, {_seconds("run_at")},
    {_seconds("created_at")}, {_seconds("done_at")},
    CASE WHEN cancelled_at IS NULL THEN {_seconds("dead_at")} END, {_seconds("cancelled_at")},
    last_error,
    progress_done, progress_total, progress_message
"""
"""The columns of a `Job`."""
_DUE = "COALESCE(locked_until, run_at)"
_WAITS = "NOT ready AND done_at IS NULL AND dead_at IS NULL"
_FREE = "lease = NULL, locked_until = NULL"
_MINE = "id = %(id)s AND lease = %(lease)s::uuid"
_TELL = "pg_notify('porta_jobs', id::text)"
_LEASES = "unnest(%(ids)s::bigint[], %(leases)s::uuid[]) AS held (id, lease)"

# Full is a queue in which so many wait.
_FULL = """
    SELECT FROM jobs
    WHERE queue = COALESCE(%(organization_id)s::uuid, %(anybody)s::uuid)
        AND done_at IS NULL AND dead_at IS NULL
    OFFSET %(most)s::int - 1
"""
HAS_ROOM = f"SELECT NOT EXISTS ({_FULL})"
ENQUEUE = f"""
    WITH new AS (
        INSERT INTO jobs (kind, payload, organization_id, run_at, priority, max_attempts, ready)
        SELECT %(kind)s, %(payload)s::json, %(organization_id)s::uuid, at.moment, %(priority)s,
            %(max_attempts)s, at.moment <= now()
        FROM (
            SELECT COALESCE(to_timestamp(%(run_at)s::float8), now()) AS moment
        ) at
        WHERE NOT EXISTS ({_FULL})
        RETURNING id
    )
    SELECT id, pg_notify('porta_jobs', '') FROM new
"""  # noqa: S608

# Scattered over the first interval: not all at once, and an installation that has just begun has
# other things to do.
SCHEDULE = """
    INSERT INTO jobs (kind, schedule, run_at)
    SELECT kind, kind, now() + random() * make_interval(secs => seconds)
    FROM unnest(%(kinds)s::text[], %(seconds)s::float8[]) AS recurring (kind, seconds)
    ON CONFLICT (schedule) DO NOTHING
"""

HASTEN = """
    UPDATE jobs SET ready = TRUE, run_at = now()
    WHERE schedule = %(schedule)s AND NOT ready AND lease IS NULL
    RETURNING pg_notify('porta_jobs', '')
"""

WAKE = f"""
    WITH due AS (
        SELECT id, lease IS NOT NULL AS lost,
            lease IS NOT NULL AND schedule IS NULL AND attempts >= max_attempts AS ends
        FROM jobs WHERE {_WAITS} AND {_DUE} <= now()
        ORDER BY {_DUE} LIMIT 500 FOR UPDATE SKIP LOCKED
    ), woken AS (
        UPDATE jobs SET ready = NOT ends, {_FREE},
            dead_at = CASE WHEN ends THEN now() END,
            last_error = CASE WHEN lost THEN 'its worker was lost' ELSE last_error END
        FROM due WHERE jobs.id = due.id
        RETURNING ready AND kind = ANY(%(kinds)s) AS mine
    )
    SELECT COALESCE((SELECT bool_or(mine) FROM woken), FALSE)
            OR EXISTS (SELECT FROM jobs WHERE ready AND kind = ANY(%(kinds)s)),
        (
            SELECT EXTRACT(EPOCH FROM {_DUE} - now())::float8 FROM jobs
            WHERE {_WAITS} AND {_DUE} > now() ORDER BY {_DUE} LIMIT 1
        )
"""  # noqa: S608


def _first(queues: str) -> str:
    return f"""(
        SELECT id FROM jobs WHERE ready AND kind = ANY(%(kinds)s) AND {queues}
        ORDER BY queue, priority, run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    )"""  # noqa: S608


# Two ranges on either side of the queue that is full, for what is filtered out one by one would be
# walked through: all ten thousand jobs of an organization whose turn it is not.
CLAIM = f"""
    UPDATE jobs SET ready = FALSE, lease = %(lease)s::uuid, attempts = attempts + 1,
        locked_until = clock_timestamp() + make_interval(secs => %(seconds)s)
    WHERE id = COALESCE(
        {_first("queue > %(after)s::uuid AND queue < %(full)s::uuid")},
        {_first("queue > %(after)s::uuid AND queue > %(full)s::uuid")},
        {_first("queue <= %(after)s::uuid AND queue < %(full)s::uuid")},
        {_first("queue <= %(after)s::uuid AND queue > %(full)s::uuid")}
    )
    RETURNING id, kind, payload, organization_id::text, attempts, max_attempts,
        schedule IS NOT NULL
"""  # noqa: S608

EXTEND = f"""
    UPDATE jobs SET locked_until = clock_timestamp() + make_interval(secs => %(seconds)s)
    FROM {_LEASES} WHERE jobs.id = held.id AND jobs.lease = held.lease
    RETURNING jobs.id
"""  # noqa: S608

RELEASE = f"""
    UPDATE jobs SET ready = TRUE, {_FREE}, attempts = attempts - 1
    FROM {_LEASES} WHERE jobs.id = held.id AND jobs.lease = held.lease
    RETURNING pg_notify('porta_jobs', '')
"""  # noqa: S608

COMPLETE = f"""
    UPDATE jobs SET done_at = now(), {_FREE}, payload = '{{}}', last_error = NULL,
        progress_done = COALESCE(progress_total, progress_done)
    WHERE {_MINE} RETURNING {_TELL}
"""  # noqa: S608

AGAIN = f"""
    UPDATE jobs SET run_at = now() + make_interval(secs => %(seconds)s), {_FREE}, attempts = 0,
        done_at = NULL, last_error = NULL
    WHERE {_MINE} RETURNING id
"""  # noqa: S608

RETRY_LATER = f"""
    UPDATE jobs SET run_at = now() + make_interval(secs => %(seconds)s), {_FREE},
        last_error = %(error)s
    WHERE {_MINE} RETURNING {_TELL}
"""  # noqa: S608

BURY = f"""
    UPDATE jobs SET dead_at = now(), cancelled_at = NULL, {_FREE}, last_error = %(error)s
    WHERE {_MINE} RETURNING {_TELL}
"""  # noqa: S608

PROGRESS = f"""
    UPDATE jobs SET progress_done = %(done)s, progress_total = %(total)s,
        progress_message = %(message)s
    WHERE {_MINE} RETURNING {_TELL}
"""  # noqa: S608

REVIVE = f"""
    UPDATE jobs SET ready = TRUE, dead_at = NULL, cancelled_at = NULL, attempts = 0, run_at = now()
    WHERE id = %(id)s AND (dead_at IS NOT NULL OR {STATES[JobState.WAITING]})
    RETURNING pg_notify('porta_jobs', '')
"""  # noqa: S608

# Its lease is taken from who works on it: what that would commit, it commits no more.
CANCEL = f"""
    UPDATE jobs SET dead_at = COALESCE(dead_at, now()), cancelled_at = now(), ready = FALSE, {_FREE}
    WHERE id = %(id)s AND schedule IS NULL AND done_at IS NULL
        AND NOT ({STATES[JobState.CANCELLED]})
    RETURNING {_TELL}
"""  # noqa: S608
