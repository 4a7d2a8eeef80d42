"""All of a file, or nothing of it."""

from __future__ import annotations

import pytest

from porta.security.passwords import Passwords
from porta.services.provisioning.problems import DocumentInvalid
from storage.errors import StorageError
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.porta.services.provisioning.seeds import (
    ONE_OF_EACH,
    SECRET,
    kinds,
    run,
    seed,
)


async def test_a_dry_run_leaves_no_trace(storage: Storage, passwords: Passwords) -> None:
    report = await run(storage, passwords, seed("dry"), "dry-run")
    assert kinds(report.created) == ONE_OF_EACH
    assert report.errors == []
    assert report.credentials == []
    assert await storage.organizations.find_by_slug("dry") is None
    assert await storage.applications.find_by_slug("dry-crm") is None


async def test_one_error_undoes_everything_and_all_are_told(
    storage: Storage, passwords: Passwords, pg: Postgres
) -> None:
    data = seed("broken")
    entry = data["organizations"][0]
    entry["users"][0]["roles"] += [
        {"app": "broken-crm", "role": "owner"},
        {"app": "nowhere", "role": "viewer"},
    ]
    entry["users"][0]["claims"] += [
        {"app": "broken-crm", "claim": "level", "value": "seven"},
        {"app": "broken-crm", "claim": "colour", "value": "red"},
    ]
    entry["applications"][0]["roles"][0]["permissions"].append("broken:contacts:burn")
    data["config"] = {"no_such_setting": 1}
    report = await run(storage, passwords, data)
    assert (report.created, report.skipped, report.credentials) == ([], [], [])
    assert {problem.place for problem in report.errors} == {
        "organizations[0].users[0].roles[1]",
        "organizations[0].users[0].roles[2]",
        "organizations[0].users[0].claims[1].value",
        "organizations[0].users[0].claims[2]",
        "organizations[0].applications[0].roles[0].permissions[1]",
        "config.no_such_setting",
    }
    assert await storage.organizations.find_by_slug("broken") is None
    assert await pg.fetch("SELECT FROM clients WHERE client_id = 'broken-web'") == []


async def test_what_the_file_alone_shows_is_told_before_the_database_is_asked(
    storage: Storage, passwords: Passwords
) -> None:
    data = seed("early")
    data["organizations"][0]["api_resources"].append({"identifier": "not-a-uri", "name": "API"})
    data["config"] = {"access_token_ttl": -1, "super_admin_user_id": "x"}
    with pytest.raises(DocumentInvalid) as refused:
        await run(storage, passwords, data)
    assert {problem.place for problem in refused.value.problems} == {
        "organizations[0].api_resources[1].identifier",
        "config.access_token_ttl",
        "config.super_admin_user_id",
    }


async def test_an_error_in_a_list_has_the_index_of_the_file(
    storage: Storage, passwords: Passwords
) -> None:
    data = seed("index")
    entry = data["organizations"][0]
    role, granted = entry["users"][0]["roles"], entry["applications"][0]["roles"][0]["permissions"]
    role += [role[0], {"app": "index-crm", "role": "owner"}]
    granted += [granted[0], "index:contacts:burn"]
    report = await run(storage, passwords, data)
    assert {problem.place for problem in report.errors} == {
        "organizations[0].users[0].roles[2]",
        "organizations[0].applications[0].roles[0].permissions[2]",
    }


async def test_a_database_that_refuses_undoes_everything(
    storage: Storage, passwords: Passwords, pg: Postgres
) -> None:
    await pg.execute(
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE 'refused'; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON custom_claim_values
            FOR EACH ROW EXECUTE FUNCTION refuse();
        """
    )
    try:
        with pytest.raises(StorageError, match="refused"):
            await run(storage, passwords, seed("refused"))
    finally:
        await pg.execute("DROP FUNCTION refuse CASCADE")
    assert await storage.organizations.find_by_slug("refused") is None


async def test_what_was_made_at_the_same_time_is_told(
    storage: Storage, passwords: Passwords, pg: Postgres
) -> None:
    # Another run's application that becomes visible between our look and our insert.
    await pg.execute(
        """
        CREATE FUNCTION race() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.slug = 'race-crm' AND pg_trigger_depth() = 1 THEN
                INSERT INTO applications (name, slug) VALUES ('Other', 'race-crm');
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER race BEFORE INSERT ON applications
            FOR EACH ROW EXECUTE FUNCTION race();
        """
    )
    try:
        report = await run(storage, passwords, seed("race"))
    finally:
        await pg.execute("DROP FUNCTION race CASCADE")
    assert [problem.message for problem in report.errors] == [
        "slug: another application has it: it was made at the same time; run again"
    ]
    assert report.created == []
    assert await storage.organizations.find_by_slug("race") is None


async def test_the_run_is_told_by_one_event_beside_those_of_each_change(
    fresh_storage: Storage, passwords: Passwords, fresh_database_url: str
) -> None:
    await run(fresh_storage, passwords, seed("events"))
    await run(fresh_storage, passwords, seed("events"))
    pg = await Postgres.open(fresh_database_url, 1)
    try:
        rows = await pg.fetch("SELECT event_type, count(*) FROM audit_log GROUP BY 1")
        text = await pg.fetchrow("SELECT string_agg(audit_log::text, '') FROM audit_log")
    finally:
        await pg.close()
    assert dict(rows) == {
        "admin.import": 1,
        "api_resource.created": 1,
        "app.created": 1,
        "app.module.created": 1,
        "claim.defined": 1,
        "claim.value.set": 1,
        "client.created": 1,
        "client.secret.generated": 1,
        "org.created": 1,
        "permission.created": 1,
        "role.created": 1,
        "role.permissions.assigned": 1,
        "user.created": 1,
        "user.roles.assigned": 1,
    }
    assert text is not None
    assert SECRET not in text[0]
    assert "quiet-otter" not in text[0]
    assert "alice@" not in text[0]
