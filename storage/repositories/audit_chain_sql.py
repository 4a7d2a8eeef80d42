"""The statements of the audit chain."""

from __future__ import annotations

from storage.models.audit import Recorded, Seal


def _moment(column: str) -> str:
    return f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"


def _columns(of: str, names: tuple[str, ...], told: dict[str, str]) -> str:
    return ", ".join(told.get(name, f"{of}.{name}").format(f"{of}.{name}") for name in names)


_HEX = "encode({0}, 'hex')"
RECORDED = _columns(
    "a",
    Recorded.__struct_fields__,
    dict.fromkeys(("id", "organization_id", "user_id", "actor_id", "metadata"), "{0}::text")
    # An address that is whole without its prefix.
    | {"created_at": _moment("{0}"), "mac": _HEX, "ip_address": "{0}::inet::text"},
)
"""The columns of a `Recorded`."""
SEAL = _columns(
    "s",
    Seal.__struct_fields__,
    dict.fromkeys(("origin", "origin_salt", "content", "content_salt", "hash"), _HEX)
    | {"chain": "{0}::text", "entry": "{0}::text", "sealed_at": _moment("{0}")},
)
"""The columns of a `Seal`."""
STATE = (
    *("place", "backlog_after", "backlog_last", "closed_at", "unproven_for", "checkpoint"),
    *("checkpoint_place", "checkpoint_hash", "checkpoint_age", "now"),
)

IS_DUE = """
    SELECT backlog_after < backlog_last OR EXISTS (SELECT FROM audit_unsealed) OR (
        place > checkpoint_place AND checkpoint_at < now() - make_interval(secs => %(seconds)s))
    FROM audit_state
"""

LOOK = f"""
    SELECT place, backlog_after, backlog_last, closed_at,
        EXTRACT(EPOCH FROM now() - unproven_at)::float8, checkpoint, checkpoint_place,
        encode(checkpoint_hash, 'hex'), EXTRACT(EPOCH FROM now() - checkpoint_at)::float8,
        {_moment("clock_timestamp()")}
    FROM audit_state
"""  # noqa: S608
HOLD = LOOK + " FOR UPDATE{}"
FREEZE = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"

PUT = """
    UPDATE audit_state SET place = %(place)s, backlog_after = %(backlog_after)s,
        closed_at = %(closed_at)s, checkpoint_place = %(checkpoint_place)s,
        checkpoint_at = CASE WHEN checkpoint = %(checkpoint)s THEN checkpoint_at ELSE now() END,
        checkpoint = %(checkpoint)s, checkpoint_hash = decode(%(checkpoint_hash)s, 'hex'),
        unproven_at = CASE WHEN %(unproven)s THEN now() ELSE unproven_at END
"""

BACKLOG = f"""
    SELECT {RECORDED} FROM audit_log a
    WHERE a.sequence > %(after)s AND a.sequence <= %(last)s
        AND NOT EXISTS (SELECT FROM audit_seals s WHERE s.entry = a.id)
    ORDER BY a.sequence LIMIT %(limit)s
"""  # noqa: S608

# What is listed has been written: where it is not there, somebody has removed it.
TAKE = f"""
    WITH taken AS (
        DELETE FROM audit_unsealed WHERE sequence IN (
            SELECT sequence FROM audit_unsealed ORDER BY sequence LIMIT %(limit)s
            FOR UPDATE SKIP LOCKED
        )
        RETURNING sequence
    )
    SELECT {RECORDED}, taken.sequence FROM taken LEFT JOIN audit_log a USING (sequence)
    WHERE a.id IS NULL OR NOT EXISTS (SELECT FROM audit_seals s WHERE s.entry = a.id)
    ORDER BY taken.sequence
"""  # noqa: S608

HEADS = """
    SELECT chain::text, position, encode(hash, 'hex') FROM audit_chains
    WHERE chain = ANY(%(chains)s::uuid[])
"""

HEADS_SINCE = """
    SELECT chain::text, position, encode(hash, 'hex') FROM audit_chains
    WHERE place > %(place)s ORDER BY chain
"""

APPEND = """
    INSERT INTO audit_seals (place, chain, position, entry, proof, origin, origin_salt, content,
        content_salt, sealed_at, hash)
    SELECT place, chain, position, entry, proof, decode(origin, 'hex'), decode(origin_salt, 'hex'),
        decode(content, 'hex'), decode(content_salt, 'hex'), sealed_at, decode(hash, 'hex')
    FROM unnest(%(place)s::bigint[], %(chain)s::uuid[], %(position)s::bigint[], %(entry)s::uuid[],
        %(proof)s::text[], %(origin)s::text[], %(origin_salt)s::text[], %(content)s::text[],
        %(content_salt)s::text[], %(sealed_at)s::timestamptz[], %(hash)s::text[]
    ) AS new (place, chain, position, entry, proof, origin, origin_salt, content, content_salt,
        sealed_at, hash)
"""

MOVE_HEADS = """
    INSERT INTO audit_chains (chain, position, hash, place)
    SELECT chain, position, decode(hash, 'hex'), place
    FROM unnest(%(chain)s::uuid[], %(position)s::bigint[], %(hash)s::text[], %(place)s::bigint[])
        AS new (chain, position, hash, place)
    ON CONFLICT (chain) DO UPDATE SET position = EXCLUDED.position, hash = EXCLUDED.hash,
        place = EXCLUDED.place
"""

TELL = "SELECT pg_notify('porta_audit', %(place)s)"

ADD_CHECKPOINT = """
    INSERT INTO audit_checkpoints (number, content, kid, signature)
    VALUES (%(number)s, %(content)s, %(kid)s, decode(%(signature)s, 'hex'))
"""

CHECKPOINTS = """
    SELECT number, content, kid, encode(signature, 'hex') FROM audit_checkpoints
    WHERE number > %(after)s ORDER BY number LIMIT %(limit)s
"""

_SEALED = f"SELECT {SEAL}, {RECORDED} FROM audit_seals s LEFT JOIN audit_log a ON a.id = s.entry"  # noqa: S608
SEALED = f"{_SEALED} WHERE s.place > %(after)s ORDER BY s.place LIMIT %(limit)s"
SEALED_OF_CHAIN = f"""
    {_SEALED} WHERE s.chain = %(chain)s::uuid AND s.place > %(after)s
    ORDER BY s.place LIMIT %(limit)s
"""

PAGE_END = """
    SELECT max(sequence) FROM (
        SELECT sequence FROM audit_log WHERE sequence > %(after)s ORDER BY sequence LIMIT %(limit)s
    ) page
"""

UNSEALED = f"""
    SELECT {RECORDED}, COALESCE(EXTRACT(EPOCH FROM now() - a.created_at), 0)::float8
    FROM audit_log a
    WHERE a.sequence > %(after)s AND a.sequence <= %(last)s
        AND NOT EXISTS (SELECT FROM audit_seals s WHERE s.entry = a.id)
    ORDER BY a.sequence
"""  # noqa: S608

# As far as all that stands first is old: what is left follows on itself.
OLDEST = """
    WITH first AS (
        SELECT s.place, s.chain, s.position, s.hash,
            COALESCE(a.created_at, s.sealed_at) < now() - make_interval(days => %(days)s) AS old
        FROM audit_seals s LEFT JOIN audit_log a ON a.id = s.entry
        WHERE s.place <= %(until)s ORDER BY s.place LIMIT %(limit)s
    )
    SELECT place, chain::text, position, encode(hash, 'hex') FROM first
    WHERE place < COALESCE((SELECT min(place) FROM first WHERE NOT old), place + 1)
    ORDER BY place
"""

REMOVE = """
    WITH gone AS (
        DELETE FROM audit_seals WHERE place <= %(place)s RETURNING entry
    )
    DELETE FROM audit_log WHERE id IN (SELECT entry FROM gone)
"""

MAY_BE_SHARED = """
    SELECT EXISTS (
        SELECT FROM system_config WHERE key = 'way_back' AND value #>> '{}' = 'true'
    )
"""

_ERASABLE = """
    %(user_id)s::uuid IN (a.user_id, a.actor_id) AND (
        a.user_id = %(user_id)s::uuid AND a.event_type <> 'audit.person.erased'
            AND (a.description IS NOT NULL OR a.metadata IS DISTINCT FROM '{}')
        OR COALESCE(a.actor_id, a.user_id) = %(user_id)s::uuid
            AND (a.ip_address IS NOT NULL OR a.user_agent IS NOT NULL))
"""
"""Entries that hold something personal of a person, as of whom it happened to, or who acted."""

COUNT_ERASABLE = f"SELECT count(*) FROM audit_log a WHERE {_ERASABLE}"  # noqa: S608

ERASE = f"""
    WITH theirs AS (
        SELECT a.id, COALESCE(a.actor_id, a.user_id) = %(user_id)s::uuid AS acted,
            a.user_id IS NOT DISTINCT FROM %(user_id)s::uuid
                AND a.event_type <> 'audit.person.erased' AS met
        FROM audit_log a JOIN audit_seals s ON s.entry = a.id
        WHERE {_ERASABLE}
        LIMIT %(limit)s
    ), salts AS (
        UPDATE audit_seals s SET
            content_salt = CASE WHEN met THEN NULL ELSE content_salt END,
            origin_salt = CASE WHEN acted THEN NULL ELSE origin_salt END
        FROM theirs WHERE s.entry = theirs.id
    )
    UPDATE audit_log a SET
        description = CASE WHEN met THEN NULL ELSE description END,
        metadata = CASE WHEN met THEN '{{}}' ELSE metadata END,
        ip_address = CASE WHEN acted THEN NULL ELSE ip_address END,
        user_agent = CASE WHEN acted THEN NULL ELSE user_agent END
    FROM theirs WHERE a.id = theirs.id
    RETURNING a.organization_id::text
"""  # noqa: S608

UNSEALED_OF_PERSON = f"""
    SELECT {RECORDED} FROM audit_log a
    WHERE {_ERASABLE}
        AND NOT EXISTS (SELECT FROM audit_seals s WHERE s.entry = a.id)
    LIMIT %(limit)s
"""  # noqa: S608

REWRITE = """
    UPDATE audit_log SET description = %(description)s, metadata = %(metadata)s::jsonb,
        ip_address = %(ip_address)s::inet, user_agent = %(user_agent)s,
        mac = decode(%(mac)s, 'hex')
    WHERE id = %(id)s::uuid
"""
