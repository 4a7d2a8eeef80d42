"""`porta tokens revoke`: the panic button of whoever has a shell."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from porta.__main__ import main
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests import factories
from tests.factories import new_id
from tests.world.databases import run_apart

ACME = "0b6b0f4e-3c1a-4d5c-9c3e-9b1b3b4b5c6d"
ANN = "1b6b0f4e-3c1a-4d5c-9c3e-9b1b3b4b5c6d"
Run = Callable[..., Result]


@pytest.fixture
def run(fresh_database_url: str) -> Run:
    """Run the command on a database with an organization, a person and a client."""
    run_apart(_fill(fresh_database_url))

    def invoke(*arguments: str, input: str | None = None, key: str | None = "ab" * 32) -> Result:
        environment = {
            "DATABASE_URL": fresh_database_url,
            "SIGNING_KEY_ENCRYPTION_KEY": key,
            "COLUMNS": "80",
        }
        command = ["tokens", "revoke", *arguments]
        return CliRunner(env=environment).invoke(main, command, input=input)

    return invoke


async def _fill(url: str) -> None:
    storage = (await Storage.open(url, pool_size=1)).everywhere
    await storage.organizations.insert(factories.organization(id=ACME, name="Acme", slug="acme"))
    await storage.users.insert(factories.user(id=ANN, organization_id=ACME, email="ann@acme.test"))
    application = factories.application()
    await storage.applications.insert(application)
    client = factories.client(
        id=new_id(), organization_id=ACME, application_id=application.id, client_id="acme-web"
    )
    await storage.clients.insert(client)
    await storage.close()


async def _told(url: str) -> tuple[int, int, list[tuple[str, str | None]]]:
    """Return the eras of organization and client, and the events, the oldest first."""
    storage = (await Storage.open(url, pool_size=1)).everywhere
    organization = await storage.organizations.find_by_id(ACME)
    client = await storage.clients.find("acme-web", ACME)
    assert organization is not None
    assert client is not None
    await storage.close()
    pg = await Postgres.open(url, 1)
    rows = await pg.fetch(
        "SELECT event_type, metadata ->> 'reason' FROM audit_log"
        " WHERE event_type LIKE '%.tokens.revoked' ORDER BY created_at"
    )
    await pg.close()
    return organization.era, client.era, [(row[0], row[1]) for row in rows]


def test_each_of_them_is_ended_and_told_of(run: Run, fresh_database_url: str) -> None:
    for arguments in (
        ("--client", "acme-web"),
        ("--organization", "acme", "--reason", "stolen"),
        ("--user", ANN),
        ("--user", "Ann@ACME.test", "--organization", "acme"),
    ):
        done = run(*arguments, "--yes")
        assert done.exit_code == 0, done.output
        assert done.output.startswith("✓ What was issued to")
    assert run_apart(_told(fresh_database_url)) == (
        1,
        1,
        [
            ("client.tokens.revoked", None),
            ("org.tokens.revoked", "stolen"),
            ("user.tokens.revoked", None),
            ("user.tokens.revoked", None),
        ],
    )


def test_what_could_not_be_proven_is_not_done(run: Run, fresh_database_url: str) -> None:
    """An entry of the audit trail without a code would be taken for one that a stranger wrote."""
    refused = run("--organization", "acme", "--yes", key=None)
    assert (refused.exit_code, "Nothing is changed" in refused.output) == (1, True)
    assert "SIGNING_KEY_ENCRYPTION_KEY is not set" in refused.output
    assert run_apart(_told(fresh_database_url)) == (0, 0, [])


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--user", "ann@acme.test"),
        ("--user", ANN, "--organization", "acme"),
        ("--user", ANN, "--client", "acme-web"),
        ("--client", "acme-web", "--organization", "acme"),
    ],
)
def test_what_is_not_clear_is_not_done(run: Run, arguments: tuple[str, ...]) -> None:
    refused = run(*arguments, "--yes")
    assert refused.exit_code == 2
    assert "Name one of" in refused.output


def test_who_is_not_there_and_who_says_no(run: Run, fresh_database_url: str) -> None:
    for arguments in (
        ("--user", "nobody@acme.test", "--organization", "acme"),
        ("--user", "x"),
        ("--client", "nobody"),
        ("--organization", "nobody"),
    ):
        refused = run(*arguments, "--yes")
        assert refused.exit_code == 1
        assert "not found" in refused.output
    assert run("--client", "acme-web", input="n\n").exit_code == 1
    assert run_apart(_told(fresh_database_url)) == (0, 0, [])
