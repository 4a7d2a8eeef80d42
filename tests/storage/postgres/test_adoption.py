"""A database of Porta 1.x is taken over as it stands, or refused and left alone."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from argon2 import PasswordHasher

from porta.config.system import build_config
from porta.security.encryption import Encrypted, decrypt
from storage.models.events import Event
from storage.postgres import adoption, migrate
from storage.postgres.driver import Postgres
from storage.repositories.applications import Applications
from storage.repositories.clients import Clients
from storage.repositories.events import Events
from storage.repositories.organizations import Organizations
from storage.repositories.roles import Roles
from storage.repositories.signing_keys import SigningKeys
from storage.repositories.system_config import SystemConfig
from storage.repositories.tokens import Tokens
from storage.repositories.users import Users
from tests import factories

_FIXTURE = Path(__file__).parents[1] / "fixtures" / "porta_1x.sql"
_SECRET = "kq3v-confidential-secret-of-the-fixture-0123456789-abcdefghijklm"
_BACKEND = "Zm9ydHktdGhyZWUtY2hhcmFjdGVycy1vZi1hLWNsaWVudA"
_OURS = [
    f"{each.version:04}_{each.name}"
    for each in migrate.migrations()
    if each.version > adoption.BASELINE
]


def _id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


_ADMIN, _ACME, _SHOP, _ADA, _BOB = _id(1), _id(2), _id(12), _id(22), _id(23)


async def _build(url: str, *changes: str) -> str:
    """Make a database of Porta 1.x, with changes to it."""
    pg = await Postgres.open(url, 1, statement_timeout=0)
    for sql in (_FIXTURE.read_text(encoding="utf-8"), *changes):
        await pg.execute(sql)
    await pg.close()
    return url


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def adopted(create_database: Callable[..., str]) -> AsyncIterator[Postgres]:
    """A pool on a database that was adopted."""
    url = await _build(create_database())
    assert await migrate.up(url) == _OURS
    pg = await Postgres.open(url)
    yield pg
    await pg.close()


async def _contents(url: str) -> str:
    """Return a digest of every column of every table of a database, and of its rows."""
    pg = await Postgres.open(url, 1)
    tables = await pg.fetch(
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = 'public' ORDER BY table_name"
    )
    digest = hashlib.sha256()
    for (table,) in tables:
        columns = await pg.fetch(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_name = %(table)s ORDER BY ordinal_position",
            {"table": table},
        )
        rows = await pg.fetch(f'SELECT t::text FROM "{table}" t ORDER BY 1')
        digest.update(repr((table, columns, rows)).encode())
    await pg.close()
    return digest.hexdigest()


# recognised


async def test_nothing_is_left_to_do_after_an_adoption(create_database: Callable[..., str]) -> None:
    url = await _build(create_database())
    before = await _contents(url)
    standing = await migrate.status(url)
    assert [each.version for each in standing if each.state == "applied"] == [
        *range(1, adoption.BASELINE + 1)
    ]
    pending = [f"{each.version:04}_{each.name}" for each in await migrate.unapplied(url)]
    assert pending == await migrate.plan(url) == _OURS
    assert await _contents(url) == before
    await migrate.up(url)
    assert await migrate.unapplied(url) == []
    assert await migrate.up(url) == []


async def test_a_database_at_020_is_adopted(create_database: Callable[..., str]) -> None:
    """020 succeeds where Porta 1.x was not initialised, and has nothing to do there."""
    url = await _build(
        create_database(),
        "INSERT INTO pgmigrations (name, run_on) VALUES ('020_two_factor_admin_permission', now())",
    )
    assert await migrate.up(url) == _OURS


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("DELETE FROM pgmigrations WHERE name = '019_invitation_details'", "019_invitation"),
        ("DELETE FROM pgmigrations WHERE name = '005_users'", "005_users"),
        ("DELETE FROM pgmigrations", "001_extensions"),
        (
            "INSERT INTO pgmigrations (name, run_on) VALUES ('021_something_else', now())",
            "021_something_else",
        ),
        ("DROP TABLE pgmigrations", "database of its own"),
    ],
)
async def test_another_state_is_refused_and_left_as_it_is(
    create_database: Callable[..., str], change: str, reason: str
) -> None:
    url = await _build(create_database(), change)
    before = await _contents(url)
    for work in (migrate.up, migrate.plan, migrate.status, migrate.unapplied):
        with pytest.raises(migrate.MigrationRefused, match=reason):
            await work(url)
    assert await _contents(url) == before


async def test_the_columns_are_those_of_a_fresh_database(adopted: Postgres, pg: Postgres) -> None:
    sql = """
        SELECT table_name, column_name, data_type, character_maximum_length, is_nullable,
            replace(column_default, 'ARRAY[''password''::text, ''magic_link''::text]',
                '''{password,magic_link}''::text[]')
        FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name NOT IN ('pgmigrations', 'oidc_payloads')
        ORDER BY 1, 2
    """
    assert await adopted.fetch(sql) == await pg.fetch(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT tablename, indexname, regexp_replace(indexdef, '.* USING', '') FROM pg_indexes"
        " WHERE schemaname = 'public' AND tablename NOT IN ('pgmigrations', 'oidc_payloads')"
        " ORDER BY 1, 2",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace"
        " AND conrelid::regclass::text NOT IN ('pgmigrations', 'oidc_payloads') ORDER BY 1, 2",
        "SELECT tgrelid::regclass::text, tgname, tgtype FROM pg_trigger WHERE NOT tgisinternal"
        " ORDER BY 1, 2",
    ],
    ids=["indexes", "constraints", "triggers"],
)
async def test_the_rest_of_the_schema_is_that_of_a_fresh_database(
    adopted: Postgres, pg: Postgres, sql: str
) -> None:
    assert await adopted.fetch(sql) == await pg.fetch(sql)


# rows, used as they stand


async def test_organizations(adopted: Postgres) -> None:
    organizations = Organizations(adopted)
    admin = await organizations.find_by_slug("porta-admin")
    acme = await organizations.find_by_id(_ACME)
    assert admin is not None
    assert acme is not None
    assert (admin.id, admin.is_super_admin) == (_ADMIN, True)
    assert acme.branding_primary_color == "#AA3300"
    assert acme.default_locale == "en"  # NULL in the row
    assert acme.default_login_methods == ("password",)
    assert acme.two_factor_policy == "required_totp"
    slugs = [(each.slug, each.status) for each in await organizations.list()]
    assert slugs == [("acme", "active"), ("gone", "archived"), ("porta-admin", "active")]


async def test_a_client_with_its_secrets(adopted: Postgres) -> None:
    client = await Clients(adopted).find(_BACKEND, _ACME)
    assert client is not None
    assert client.organization_id == _ACME
    assert client.application_id == _SHOP
    assert client.redirect_uris == ("https://shop.acme.example/callback",)
    assert client.login_methods == ("password",)
    # One can be verified: the others are too old, revoked or expired.
    assert [each.sha256 for each in client.secrets] == [
        hashlib.sha256(_SECRET.encode()).hexdigest()
    ]
    # What 1.x did not know of.
    assert client.is_first_party
    assert client.access_token_format == "opaque"
    assert client.id_token_signed_response_alg == "ES256"
    assert client.metadata == {}
    assert [each.claim_name for each in client.claim_definitions] == ["department", "limits"]


async def test_a_client_with_null_arrays(adopted: Postgres) -> None:
    client = await Clients(adopted).find("c2luZ2xlLXBhZ2UtYXBwbGljYXRpb24tb2YtdGhlLXNob3A", _ACME)
    assert client is not None
    assert client.post_logout_redirect_uris == ()
    assert client.allowed_origins == ()
    assert client.login_methods is None
    assert client.secrets == ()


async def test_a_person_signs_in_with_the_old_hash(adopted: Postgres) -> None:
    user = await Users(adopted).find_by_email(_ACME, "ada@acme.EXAMPLE")
    assert user is not None
    assert user.id == _ADA
    assert user.password_hash is not None
    assert PasswordHasher().verify(user.password_hash, "correct horse battery staple")
    assert user.birthdate == "1815-12-10"
    assert user.address_country == "GB"


async def test_a_locked_person_stays_locked(adopted: Postgres) -> None:
    user = await Users(adopted).find_by_id(_BOB, _ACME)
    assert user is not None
    assert (user.status, user.locked_reason, user.failed_login_count) == (
        "locked",
        "auto_lockout",
        5,
    )
    assert user.locked_at == 1748952000


async def test_the_facts_of_an_account(adopted: Postgres) -> None:
    facts = await Users(adopted).facts(_ADA, _ACME, _SHOP)
    assert facts is not None
    assert facts.roles == ("clerk",)
    assert facts.permissions == ("shop:order:read",)
    assert facts.claims == {"department": "Research", "limits": {"orders": 12.5}}


async def test_signing_keys_encrypted_and_plain(adopted: Postgres) -> None:
    plain, encrypted = await SigningKeys(adopted).list()
    assert (encrypted.kid, encrypted.status, encrypted.encrypted) == (
        "126a675dc58ac7aa",
        "active",
        True,
    )
    assert encrypted.organization_id is None
    assert encrypted.private_key_iv is not None
    assert encrypted.private_key_tag is not None
    sealed = Encrypted(encrypted.private_key, encrypted.private_key_iv, encrypted.private_key_tag)
    assert decrypt(sealed, bytes.fromhex("0f" * 32)).startswith("-----BEGIN PRIVATE KEY-----")
    assert (plain.kid, plain.status, plain.encrypted) == ("c5a271e8ec62329c", "retired", False)
    assert plain.private_key.startswith("-----BEGIN PRIVATE KEY-----")


async def test_the_config_of_an_existing_installation_wins(adopted: Postgres) -> None:
    config = build_config(await SystemConfig(adopted).all())
    assert config.refresh_token_ttl == 2_592_000
    assert config.authorization_code_ttl == 600
    assert config.session_ttl == 86_400
    assert config.super_admin_user_id == _id(21)


async def test_the_audit_log_gets_its_order(adopted: Postgres) -> None:
    event = Event(event_type="org.updated", event_category="admin", organization_id=_ACME)
    await Events(adopted).record(event)
    rows = await adopted.fetch("SELECT sequence, event_type FROM audit_log ORDER BY sequence")
    assert [row[0] for row in rows] == [1, 2, 3]
    assert rows[-1][1] == "org.updated"


async def test_old_entries_of_the_audit_log_are_numbered_as_they_happened(
    create_database: Callable[..., str],
) -> None:
    """Not as they lie in the table, where new rows fill the room that deleted ones left."""
    url = await _build(
        create_database(),
        "DELETE FROM audit_log",
        """
        INSERT INTO audit_log (event_type, event_category, created_at)
        SELECT 'x' || day, 'admin', timestamptz '2025-01-01' + day * interval '1 day'
        FROM unnest(ARRAY[5, 1, 4, 2, 3]) WITH ORDINALITY AS days (day, place) ORDER BY place
        """,
    )
    await migrate.up(url)
    pg = await Postgres.open(url)
    await Events(pg).record(Event(event_type="x6", event_category="admin"))
    rows = await pg.fetch("SELECT sequence, event_type FROM audit_log ORDER BY sequence")
    assert rows == [(number, f"x{number}") for number in range(1, 7)]
    await pg.close()


async def test_an_empty_audit_log_begins_at_one(fresh_database_url: str) -> None:
    pg = await Postgres.open(fresh_database_url)
    await Events(pg).record(Event(event_type="x", event_category="admin"))
    assert await pg.fetch("SELECT sequence FROM audit_log") == [(1,)]
    await pg.close()


async def test_the_permission_that_1x_failed_to_add(adopted: Postgres) -> None:
    admin = await Applications(adopted).find_by_slug("porta-admin")
    assert admin is not None
    rows = await adopted.fetch(
        "SELECT r.slug FROM roles r JOIN role_permissions rp ON rp.role_id = r.id"
        " JOIN permissions p ON p.id = rp.permission_id WHERE p.slug = 'admin:user:2fa' ORDER BY 1"
    )
    assert rows == [("porta-super-admin",), ("porta-user-admin",)]
    assert len(await Roles(adopted).permissions(admin.id)) == 2


async def test_tokens_are_issued_to_an_adopted_client(adopted: Postgres) -> None:
    tokens = Tokens(adopted)
    backend = factories.client(organization_id=_ACME, client_id=_BACKEND)
    family = factories.family(backend, _ADA, expires_at=4_000_000_000)
    access = factories.access_token(family, "access", audience=(), issued_at=1, expires_at=2)
    assert await tokens.redeem(family, 60, access, 60, None, 0)
    found = await tokens.find_access("access", _ACME)
    assert found is not None
    assert found.token == access
    assert found.account.roles == ("clerk",)


async def test_second_factors_stay(adopted: Postgres) -> None:
    row = await adopted.fetchrow(
        "SELECT encrypted_secret, encryption_iv, encryption_tag FROM user_totp"
        " WHERE user_id = %(id)s",
        {"id": _BOB},
    )
    assert row is not None
    assert decrypt(Encrypted(*row), bytes.fromhex("1e" * 32)) == "JBSWY3DPEHPK3PXP" * 2


async def test_a_changed_row_is_told_to_every_instance(adopted: Postgres) -> None:
    rows = await adopted.fetch("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'notify%%'", {})
    assert len(rows) == 12
