"""Row-level security: what a message does not name, it neither sees nor touches."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from urllib.parse import quote, urlsplit, urlunsplit

import pytest
import pytest_asyncio

from storage.errors import NotPermitted, StorageError
from storage.models.artifact import artifact_id
from storage.postgres import isolation, migrate
from storage.postgres.driver import Postgres
from storage.postgres.statement import Statement
from storage.repositories.users import Users
from storage.router import Storage
from tests.factories import replay_mark
from tests.storage.postgres.pgbouncer import needs_pgbouncer, pooled
from tests.storage.postgres.tenants import ROWS, A, B, furnish, values_of

HIDDEN = {
    "signing_keys": "of the whole installation, and the service has no right to it",
    "admin_sessions": "of Porta 1.x, and the service has no right to it",
}
"""Tables of organizations without a row here, each with the reason."""
_STATE = "SELECT current_user, session_user, current_setting('app.current_tenant', TRUE)"
_ADD = Statement("count_users", "SELECT count(*) FROM users WHERE email IS NOT NULL")
_COLUMN = {"organizations": "id"}
_WHERE = {
    "signing_keys": "FALSE",
    **{table: f"{_COLUMN.get(table, 'organization_id')} IN ('{A}', '{B}')" for table in ROWS},
}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def owner(database_url: str) -> AsyncIterator[Postgres]:
    opened = await Postgres.open(database_url, 2)
    await furnish(opened)
    # Policies alone are tried here: the service may do everything that they let it do.
    (name,) = (await opened.fetch("SELECT current_user"))[0]
    await opened.execute(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{name}_service"')
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def service(owner: Postgres, database_url: str) -> AsyncIterator[Postgres]:
    opened = await Postgres.open(database_url, 1, isolated=True)
    yield opened
    await opened.close()


async def _count(pg: Postgres, table: str, organization_id: str | None) -> int:
    named = {"organization_id": organization_id} if organization_id else None
    return int((await pg.fetch(f"SELECT count(*) FROM {table}", named))[0][0])


async def test_issue7_11_every_table_of_an_organization_is_closed(owner: Postgres) -> None:
    """Those with its column, and those that hang on one of them."""
    rows = await owner.fetch("""
        WITH RECURSIVE tenant AS (
            SELECT 'organizations'::regclass::oid AS oid
            UNION SELECT attrelid FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
                WHERE attname = 'organization_id' AND relkind IN ('r', 'p')
            UNION SELECT conrelid FROM pg_constraint JOIN tenant ON confrelid = tenant.oid
                WHERE contype = 'f' AND confdeltype = 'c'
        )
        SELECT relname, relrowsecurity, ARRAY(SELECT polname::text FROM pg_policy
            WHERE polrelid = tenant.oid ORDER BY 1)
        FROM tenant JOIN pg_class USING (oid)
        WHERE relnamespace = 'public'::regnamespace
    """)
    found = {name: (on, policies) for name, on, policies in rows}
    open_to_all = {name for name, state in found.items() if state != (True, CLOSED)}
    assert open_to_all - {"admin_sessions"} == set()
    assert found.keys() - HIDDEN.keys() == ROWS.keys(), "each has its row in tests/.../tenants.py"


CLOSED = ["administrator", "tenant"]


@pytest.mark.parametrize("table", ROWS)
async def test_issue7_11_a_query_without_its_condition_sees_one_organization_or_none(
    service: Postgres, table: str
) -> None:
    assert await _count(service, table, None) == 0
    assert await _count(service, table, A) == await _count(service, table, B) == 1
    assert await _count(service, table, "00000000-0000-0000-0000-00000000000c") == 0
    everywhere = await service.everywhere.fetch(f"SELECT count(*) FROM {table}")
    assert everywhere[0][0] >= 2


@pytest.mark.parametrize("table", ROWS)
async def test_issue7_11_nothing_of_another_is_changed(service: Postgres, table: str) -> None:
    """Neither without a condition, nor by moving a row, nor by adding one."""
    named = {"organization_id": A}
    column = {"organizations": "name"}.get(table, "ctid")
    touched = await service.fetch(
        f"SELECT {column} FROM {table} FOR UPDATE", named
    )  # what an UPDATE or DELETE would touch
    assert len(touched) == 1
    assert await service.fetch(f"SELECT 1 FROM {table} FOR UPDATE") == []
    theirs = values_of(B)
    with pytest.raises(NotPermitted, match="row-level security"):
        await service.execute(
            f"INSERT INTO {table} {ROWS[table]}",
            {**theirs, "text": "another", "organization_id": A}
            | ({"org": A.replace("a", "d")} if table == "organizations" else {}),
        )


@pytest.mark.parametrize(
    "table",
    [name for name, rest in ROWS.items() if "organization_id" in rest],
)
async def test_issue7_11_no_row_is_moved_to_another(service: Postgres, table: str) -> None:
    generated = table == "assets"  # its key names the organization too
    moved = ", key = 'tenants/' || %(other)s || '/y'" if generated else ""
    with pytest.raises(NotPermitted, match="row-level security"):
        await service.execute(
            f"UPDATE {table} SET organization_id = %(other)s{moved}",
            {"organization_id": A, "other": B},
        )


@pytest.mark.parametrize("value", ["x", "1", "' OR TRUE --", "%(organization_id)s"])
async def test_what_is_no_organization_is_refused(service: Postgres, value: str) -> None:
    with pytest.raises(StorageError, match="invalid input syntax for type uuid"):
        await _count(service, "users", value)


async def test_what_is_said_holds_for_one_message_and_one_transaction(service: Postgres) -> None:
    async def state() -> tuple[str, str, str | None]:
        (found,) = await service.fetch(_STATE)
        return found

    first = await state()
    role, login, tenant = first
    assert (role, tenant or "") == (f"{login}_service", "")
    assert (await service.fetch(_STATE, {"organization_id": A}))[0][2] == A
    assert (await service.everywhere.fetch(_STATE))[0][0] == f"{login}_administrator"
    async with service.transaction() as tx:
        seen = [
            (await tx.fetch(_STATE, {"organization_id": A}))[0],
            (await tx.everywhere.fetch(_STATE))[0],
            (await tx.fetch(_STATE, {"organization_id": B}))[0],
            (await tx.fetch(_STATE))[0],
            (await tx.everywhere.fetch(_STATE, {"organization_id": B}))[0],
            (await tx.fetch(_STATE))[0],
        ]
    assert [row[0].removeprefix(login) for row in seen] == [
        *("_service", "_administrator", "_service", "_service", "_administrator", "_service")
    ]
    assert [seen[n][2] for n in (0, 2, 3, 5)] == [A, B, "", ""]
    with contextlib.suppress(StorageError):
        await service.fetch("SELECT 1 / 0", {"organization_id": A})
    with contextlib.suppress(StorageError):
        async with service.transaction() as tx:
            await tx.everywhere.fetch("SELECT 1 / 0")
    last = await state()
    assert (last[0], last[2] or "") == (role, "")


async def test_a_prepared_statement_sees_what_each_message_names(service: Postgres) -> None:
    async def count(organization_id: str | None) -> int:
        return int((await service.fetch(_ADD, {"organization_id": organization_id}))[0][0])

    counts = [await count(each) for each in (A, None, B, None)]
    assert counts == [1, 0, 1, 0]
    assert (await service.everywhere.fetch(_ADD))[0][0] == 2
    assert await count(A) == 1
    async with service.transaction() as tx:
        assert (await tx.fetch(_ADD, {"organization_id": B}))[0][0] == 1
        assert (await tx.everywhere.fetch(_ADD))[0][0] == 2


async def test_it_takes_no_round_trip(service: Postgres) -> None:
    await service.fetch(_ADD, {"organization_id": A})
    before = service.round_trips
    await service.fetch(_ADD, {"organization_id": A})
    await service.everywhere.fetch("SELECT 1")
    async with service.transaction() as tx:
        await tx.fetch(_ADD, {"organization_id": A})
        await tx.everywhere.fetch(_ADD)
    assert service.round_trips - before == 2 + 3  # with the COMMIT


async def test_who_is_found_by_a_function_is_of_the_organization_that_is_named(
    service: Postgres,
) -> None:
    address = f"{values_of(A)['text']}@A.test"  # in another letter case
    users = Users(service)
    assert (await users.find_by_email(A, address)) is not None
    assert await users.find_by_email(B, address) is None
    sql = "SELECT porta_user_of(%(of)s::uuid, %(address)s)"
    asked = {"of": A, "address": address, "organization_id": B}
    assert (await service.fetch(sql, asked))[0][0] is None


async def test_an_id_of_another_organization_is_taken_as_before(database_url: str) -> None:
    """It is refused, and nothing of theirs is written over."""
    storage = await Storage.open(database_url)
    one, other = (f"00000000-0000-0000-0000-0000000000{n}" for n in ("c1", "c2"))
    mark = replay_mark(one)
    await storage.artifacts.save(mark, 60)
    with pytest.raises(StorageError):
        await storage.artifacts.save(replay_mark(other, id=mark.id), 60)
    await storage.artifacts.delete(mark)
    await storage.close()


PASSING = {
    *("artifacts", "sessions", "token_families", "ended_accounts", "rate_counters"),
    "withdrawn_consents",
    *("invitation_tokens", "magic_link_tokens", "password_reset_tokens"),
    *("user_totp", "two_factor_otp_codes", "two_factor_recovery_codes", "trusted_devices"),
}
UNSEEN = {
    *("signing_keys", "ring_keys", "idempotent_answers", "job_results", "schema_migrations"),
    *("delegations", "delegation_roles", "audit_unsealed"),
    *("audit_chains", "audit_seals", "audit_checkpoints", "audit_state"),
}


async def test_the_roles_own_nothing_and_may_no_more_than_they_need(
    fresh_database_url: str,
) -> None:
    owner = await Postgres.open(fresh_database_url, 1)
    rows = await owner.fetch("""
        SELECT rolname, rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb,
            EXISTS (SELECT FROM pg_class WHERE relowner = r.oid),
            ARRAY(SELECT relname::text FROM pg_class c WHERE relkind IN ('r', 'p')
                AND relnamespace = 'public'::regnamespace
                AND has_table_privilege(r.oid, c.oid, 'TRUNCATE, REFERENCES, TRIGGER')),
            has_schema_privilege(r.oid, 'public', 'CREATE')
        FROM pg_roles r WHERE rolname = current_user || '_service'
            OR rolname = current_user || '_administrator'
    """)
    assert len(rows) == 2
    assert all(row[1:] == (False, False, [], False) for row in rows)
    found = await owner.fetch("""
        SELECT relname, array_to_string(ARRAY(
            SELECT word FROM unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) word
            WHERE has_table_privilege(current_user || '_service', c.oid, word)), ', ')
        FROM pg_class c WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
    """)
    may = {
        word: {name for name, rights in found if word in rights} for word in ("SELECT", "DELETE")
    }
    # And who somebody is at another provider: they take that away at their own account, within
    # their organization, which is less than what an administrator may.
    taken = PASSING | {"identities"}
    assert may["DELETE"] == taken, "what a request may take away is what lasts for a time"
    assert may["SELECT"].isdisjoint(UNSEEN)
    everything = "SELECT, INSERT, UPDATE, DELETE"
    told = {**isolation.SERVICE, **dict.fromkeys(isolation.OWN, "")}
    assert dict(found) == {name: told.get(name, everything) for name, _ in found}
    await owner.close()


async def test_what_sees_every_row_is_called_by_the_two_roles_alone(owner: Postgres) -> None:
    """A function that runs as the owner is PostgreSQL's to give to everybody, and ours to take."""
    rows = await owner.fetch("""
        SELECT p.oid::regprocedure::text, has_function_privilege('public', p.oid, 'EXECUTE'),
            has_function_privilege(current_user || '_service', p.oid, 'EXECUTE'),
            has_function_privilege(current_user || '_administrator', p.oid, 'EXECUTE')
        FROM pg_proc p WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace
    """)
    assert len(rows) == 4
    assert {row[1:] for row in rows} == {(False, True, True)}, rows


async def test_whoever_owns_the_tables_is_not_bound(owner: Postgres) -> None:
    """Porta 1.x, the version before, migrations."""
    assert await _count(owner, "users", None) >= 2
    assert await isolation.is_active(owner) is False


async def test_a_statement_that_is_given_up_is_cancelled_all_the_same(database_url: str) -> None:
    pg = await Postgres.open(database_url, 1, isolated=True)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await pg.fetch("SELECT pg_sleep(60)")
    async with asyncio.timeout(30):
        (pid,) = (await pg.fetch("SELECT pg_backend_pid()"))[0]
    assert pid
    await pg.close()


@needs_pgbouncer
async def test_a_pooler_carries_nothing_over(database_url: str) -> None:
    with pooled(database_url, default_pool_size="2") as url:
        for _ in range(2):
            pg = await Postgres.open(url, 1, isolated=True)
            role, login, tenant = (await pg.fetch(_STATE, {"organization_id": A}))[0]
            assert (role, tenant) == (f"{login}_service", A)
            assert (await pg.fetch(_STATE))[0][2] in (None, "")
            await pg.close()
        pg = await Postgres.open(url, 1)
        assert (await pg.fetch("SELECT current_user = session_user"))[0][0]
        await pg.close()


def _as(url: str, role: str, password: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(role)}:{password}@{host}"))


class Cluster:
    """Databases of people who are no superusers."""

    def __init__(self, postgres: Postgres, create_database: Callable[..., str]) -> None:
        self.postgres, self._create = postgres, create_database

    async def login(self, attributes: str = "") -> tuple[str, str]:
        role, password = f"Own {secrets.token_hex(4)}", secrets.token_hex(8)
        await self.postgres.execute(
            f"CREATE ROLE \"{role}\" LOGIN PASSWORD '{password}' {attributes}"
        )
        return role, password

    async def database(self, role: str, password: str) -> str:
        url = self._create()
        name = urlsplit(url).path[1:]
        admin = await Postgres.open(url, 1)
        await admin.execute(f'ALTER DATABASE {name} OWNER TO "{role}"')
        await admin.execute(f'ALTER SCHEMA public OWNER TO "{role}"')
        await admin.close()
        return _as(url, role, password)


@pytest_asyncio.fixture
async def cluster(postgres_url: str, create_database: Callable[..., str]) -> AsyncIterator[Cluster]:
    postgres = await Postgres.open(postgres_url, 1)
    yield Cluster(postgres, create_database)
    await postgres.close()


async def test_who_may_not_create_roles_is_told_what_to_run(cluster: Cluster) -> None:
    """It goes on without until then; once it has been run, the next call switches it on."""
    role, password = await cluster.login()
    url = await cluster.database(role, password)
    left: list[str] = []
    await migrate.up(url, left=left.append)
    assert left == [
        f'CREATE ROLE "{role}_administrator" NOLOGIN',
        f'CREATE ROLE "{role}_service" NOLOGIN',
        f'GRANT "{role}_administrator" TO "{role}"',
        f'GRANT "{role}_service" TO "{role}"',
    ]
    assert tuple(left) == await isolation.find_outstanding(url)
    storage = await Storage.open(url)
    assert await storage.is_isolated() is False
    assert len(await storage.organizations.list()) == 1, "nobody is bound"
    await storage.close()

    for sql in left:
        await cluster.postgres.execute(sql)
    left.clear()
    await migrate.up(url, left=left.append)
    assert left == []
    storage = await Storage.open(url)
    assert await storage.is_isolated() is True
    assert await storage.organizations.list() == ()
    assert len(await storage.everywhere.organizations.list()) == 1
    await storage.close()


async def test_many_databases_of_one_server_make_the_roles_at_once(cluster: Cluster) -> None:
    role, password = await cluster.login("CREATEROLE")
    urls = [await cluster.database(role, password) for _ in range(4)]
    left: list[str] = []
    await asyncio.gather(*(migrate.up(url, left=left.append) for url in urls))
    assert left == []
    for url in urls:
        assert await isolation.find_outstanding(url) == ()


async def test_a_login_of_its_own_serves_and_a_stranger_does_not(cluster: Cluster) -> None:
    role, password = await cluster.login("CREATEROLE")
    url = await cluster.database(role, password)
    await migrate.up(url)
    server, word = await cluster.login()
    stranger, other = await cluster.login()
    await cluster.postgres.execute(f'GRANT "{role}_service", "{role}_administrator" TO "{server}"')
    storage = await Storage.open(_as(url, server, word))
    assert await storage.is_isolated() is True
    assert await storage.organizations.list() == ()
    assert len(await storage.everywhere.organizations.list()) == 1
    await storage.close()
    storage = await Storage.open(_as(url, stranger, other))
    with pytest.raises(NotPermitted):
        await storage.everywhere.organizations.list()
    await storage.close()


async def test_tables_in_a_schema_that_is_named_after_the_owner(cluster: Cluster) -> None:
    """The search path begins with "$user", who is somebody else in the role of the service."""
    role, password = await cluster.login("CREATEROLE")
    url = await cluster.database(role, password)
    pg = await Postgres.open(url, 1)
    await pg.execute(f'CREATE SCHEMA "{role}"')
    await pg.close()
    await migrate.up(url)
    storage = await Storage.open(url)
    assert await storage.is_isolated() is True
    assert len(await storage.everywhere.organizations.list()) == 1
    assert await storage.users.find_by_email(A, "nobody@a.test") is None
    assert await storage.sessions.find_for_update(artifact_id("x" * 43), A) == []
    await storage.close()


async def test_a_migration_that_is_repeated_changes_nothing(
    fresh_database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert await isolation.find_outstanding(fresh_database_url) == ()
    assert await migrate.up(fresh_database_url) == []
