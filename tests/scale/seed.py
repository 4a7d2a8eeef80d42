"""A large installation, made by SQL: half of all people in one of ten thousand organizations."""

from __future__ import annotations

from storage.postgres.driver import Postgres

ORGANIZATIONS = 10_000
LARGE = "00000000-0000-4000-8000-000000000001"
"""The organization of every other person."""
APPLICATION = "00000000-0000-4000-8000-00000000000a"

_ID = "('00000000-0000-4000-8000-' || lpad(({}) :: text, 12, '0'))::uuid"
_WHEN = "now() - ({} %% 100000) * interval '5 minutes'"
_SEED = f"""
INSERT INTO organizations (id, name, slug, created_at)
    SELECT {_ID.format("n")}, 'Organization ' || n || ' of ' || md5(n::text), 'org-' || n,
        {_WHEN.format("n")}
    FROM generate_series(1, %(organizations)s) n;
INSERT INTO applications (id, name, slug) VALUES (%(application)s, 'Sales', 'sales');
INSERT INTO roles (application_id, name, slug)
    SELECT %(application)s, 'Role ' || n, 'role-' || n FROM generate_series(1, 50) n;
INSERT INTO clients (organization_id, application_id, client_id, client_name, client_type,
        created_at)
    SELECT {_ID.format("1 + n % %(organizations)s")}, %(application)s, 'client-' || n,
        'Client ' || md5(n::text), 'confidential', {_WHEN.format("n")}
    FROM generate_series(1, 2 * %(organizations)s) n;
INSERT INTO users (organization_id, email, given_name, family_name, status, created_at,
        last_login_at, login_count)
    SELECT CASE WHEN n <= %(people)s / 2 THEN %(large)s::uuid
            ELSE {_ID.format("2 + n % (%(organizations)s - 1)")} END,
        lower(given || '.' || family || '.' || n) || '@example.test', given, family,
        CASE n %% 100 WHEN 0 THEN 'inactive' WHEN 1 THEN 'suspended' ELSE 'active' END,
        {_WHEN.format("n")}, CASE WHEN n %% 10 <> 0 THEN {_WHEN.format("n * 7")} END, n %% 10
    FROM (SELECT n, (ARRAY['Ada', 'Bela', 'Chen', 'Dora', 'Emre', 'Fay', 'Goran'])[1 + n %% 7]
            AS given, initcap(left(md5((n %% 20000)::text), 8)) AS family
        FROM generate_series(1, %(people)s) n) AS named;
INSERT INTO audit_log (organization_id, user_id, event_type, event_category, created_at)
    SELECT organization_id, id, 'user.login.password', 'authentication', created_at
    FROM users LIMIT %(people)s / 4;
INSERT INTO sessions (id, kind, organization_id, payload, uid, account_id, expires_at)
    SELECT id, 'Session', organization_id, json_build_object('organization_id', organization_id,
        'uid', id, 'account_id', id, 'created_at', 1, 'authenticated_at', 1, 'expires_at', 1),
        id, id, now() + interval '1 day'
    FROM users LIMIT %(people)s / 10
""".replace(" % ", " %% ")
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE tablename = 'users' AND indexname LIKE 'idx\\_%%'
"""
_TABLES = ("organizations", "clients", "users", "audit_log", "sessions")


async def fill(pg: Postgres, people: int) -> None:
    """Fill an empty database; what triggers are for is not the matter here."""
    indexes = await pg.fetch(_INDEXES, {})
    for table in _TABLES:
        await pg.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for name, _ in indexes:  # made at once, they take a fifth of the time
        await pg.execute(f"DROP INDEX {name}")
    values = {"organizations": ORGANIZATIONS, "people": people, "large": LARGE}
    for statement in _SEED.split(";\n"):
        used = values | {"application": APPLICATION}
        await pg.execute(statement, {n: v for n, v in used.items() if f"%({n})s" in statement})
    for _, definition in indexes:
        await pg.execute(definition)
    for table in _TABLES:
        await pg.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    await pg.execute("VACUUM ANALYZE")
