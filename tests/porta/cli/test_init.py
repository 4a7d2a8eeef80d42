"""`porta init` makes an installation administrable, once and whole."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from porta.__main__ import main
from porta.errors import Invalid
from porta.security.passwords import Passwords
from porta.services import administration
from porta.services.administration import Administrator
from porta.services.permissions import PERMISSIONS
from storage.postgres.driver import Postgres
from storage.router import Storage

_ANSWERS = {
    "--email": "Ada@Example.org",
    "--given-name": "Ada",
    "--family-name": "Minster",
    "--password": "seven-lanterns-over-water",
}
_COUNTS = {
    "porta-super-admin": 43,
    "porta-org-admin": 6,
    "porta-user-admin": 12,
    "porta-app-admin": 19,
    "porta-auditor": 13,
}


def environment(url: str) -> dict[str, str | None]:
    return {
        "DATABASE_URL": url,
        "REDIS_URL": None,
        "ISSUER_BASE_URL": "https://id.example.org",
        "COOKIE_KEYS": "k" * 32,
        "SIGNING_KEY_ENCRYPTION_KEY": "ab" * 32,
        "ARGON2_MEMORY_KIB": "8192",
    }


def run_init(url: str, *, typed: str = "", **changes: str | None) -> Result:
    answers = {**_ANSWERS, **{f"--{k.replace('_', '-')}": v for k, v in changes.items()}}
    options = [part for name, value in answers.items() if value for part in (name, value)]
    return CliRunner(env=environment(url)).invoke(main, ["init", *options], input=typed)


def ask(url: str, work: Callable[[Storage], Awaitable[Any]]) -> Any:
    async def opened() -> Any:
        storage = (await Storage.open(url, None)).everywhere
        try:
            return await work(storage)
        finally:
            await storage.close()

    return asyncio.run(opened())


def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    async def fetch() -> list[tuple[Any, ...]]:
        postgres = await Postgres.open(url, size=1)
        try:
            return [tuple(row) for row in await postgres.fetch(sql)]
        finally:
            await postgres.close()

    return asyncio.run(fetch())


_GRANTED = (
    "SELECT r.slug, count(*) FROM roles r JOIN role_permissions p ON p.role_id = r.id GROUP BY 1"
)


def test_the_permissions_and_roles_are_those_of_the_administration() -> None:
    assert len(PERMISSIONS) == 43
    assert "admin:user:2fa" in PERMISSIONS


def test_everything_is_made(fresh_database_url: str) -> None:
    result = run_init(fresh_database_url)
    assert result.exit_code == 0, result.output
    assert "ada@example.org" in result.output
    assert "https://id.example.org/porta-admin" in result.output
    assert dict(rows(fresh_database_url, _GRANTED)) == _COUNTS
    assert rows(fresh_database_url, "SELECT count(*) FROM permissions") == [(43,)]

    async def facts(storage: Storage) -> Any:
        (organization,) = await storage.organizations.list()
        user = await storage.users.find_by_email(organization.id, "ada@example.org")
        application = await storage.applications.find_by_slug("porta-admin")
        assert user is not None
        assert application is not None
        config = await storage.system_config.all()
        assert config["super_admin_user_id"] == user.id
        assert user.email_verified
        assert {key.algorithm for key in await storage.signing_keys.list()} >= {"ES256"}
        return await storage.users.facts(user.id, organization.id, application.id)

    account = ask(fresh_database_url, facts)
    assert account.roles == ("porta-super-admin",)
    assert len(account.permissions) == 43
    (client,) = rows(
        fresh_database_url,
        "SELECT client_name, client_type, application_type, token_endpoint_auth_method, scope"
        " FROM clients",
    )
    scope = "openid profile email offline_access"
    assert client == ("Porta Admin CLI", "public", "native", "none", scope)


def test_people_4_it_says_what_comes_next(fresh_database_url: str) -> None:
    lines = run_init(fresh_database_url).stdout.splitlines()
    last = "\n".join(lines[lines.index("Next:") :])
    assert "porta provision FILE" in last
    assert "examples/minimal.yaml" in last
    assert last.splitlines()[-1].startswith("  porta serve")
    assert max(map(len, lines)) <= 80


def test_people_14_every_fault_of_the_answers_is_told_at_once(fresh_database_url: str) -> None:
    changes = {"email": "no address", "given_name": "A" * 300, "family_name": " ", "password": "x"}
    result = run_init(fresh_database_url, **changes)
    assert result.exit_code == 1
    for told in ("email: is not", "given name: must have", "family name: must hold", "at least 15"):
        assert any(line.startswith("  ") and told in line for line in result.stderr.splitlines())
    assert len(result.stderr.splitlines()) == 5
    assert rows(fresh_database_url, "SELECT count(*) FROM users") == [(0,)]


def test_it_happens_once(fresh_database_url: str) -> None:
    assert run_init(fresh_database_url).exit_code == 0
    again = run_init(fresh_database_url, email="second@example.org")
    assert again.exit_code == 1
    assert "is initialized" in again.output
    assert rows(fresh_database_url, "SELECT count(*) FROM users") == [(1,)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"password": "short"}, "at least"),
        ({"password": "ada-minster-ada-minster"}, "names"),
        ({"password": "porta admin 2027"}, "names"),
        ({"email": "not an address"}, "email: is not a valid address"),
        ({"given_name": "A" * 300}, "given name: must have at most 255 characters"),
        ({"family_name": "Min\x1bster"}, "family name: must hold no"),
        ({"family_name": "   "}, "family name: must hold more than spaces"),
    ],
)
def test_a_refusal_leaves_nothing(
    changes: dict[str, str], reason: str, fresh_database_url: str
) -> None:
    result = run_init(fresh_database_url, **changes)
    assert result.exit_code == 1
    assert reason in result.output
    assert "Traceback" not in result.output
    assert "migrate" not in result.output
    assert rows(fresh_database_url, "SELECT count(*) FROM applications") == [(0,)]
    assert run_init(fresh_database_url).exit_code == 0


def test_the_service_refuses_a_weak_password_itself(fresh_database_url: str) -> None:
    weak = Administrator("ada@example.org", "Ada", "Minster", "short")
    passwords = Passwords()
    with pytest.raises(Invalid, match="password: "):
        ask(fresh_database_url, lambda tx: administration.initialize(tx, weak, passwords))
    passwords.close()


def test_under_another_encryption_key_nothing_is_made(fresh_database_url: str) -> None:
    """As after a wrong SIGNING_KEY_ENCRYPTION_KEY: keys of one algorithm stand, others lack."""
    env = environment(fresh_database_url)
    made = CliRunner(env=env).invoke(main, ["keys", "generate", "--algorithm", "ES256"])
    assert made.exit_code == 0, made.output
    env["SIGNING_KEY_ENCRYPTION_KEY"] = "ef" * 32
    options = [part for pair in _ANSWERS.items() for part in pair]
    result = CliRunner(env=env).invoke(main, ["init", *options])
    assert result.exit_code == 1
    assert "SIGNING_KEY_ENCRYPTION_KEY" in result.output
    counted = "SELECT (SELECT count(*) FROM signing_keys), (SELECT count(*) FROM users)"
    assert rows(fresh_database_url, counted) == [(1, 0)]


def test_what_is_missing_is_asked_for(fresh_database_url: str) -> None:
    password = _ANSWERS["--password"]
    result = run_init(
        fresh_database_url, typed=f"Ada\n{password}\n{password}\n", given_name=None, password=None
    )
    assert result.exit_code == 0, result.output
    assert password not in result.output
    assert rows(fresh_database_url, "SELECT given_name FROM users") == [("Ada",)]


def test_without_a_terminal_it_names_the_options(fresh_database_url: str) -> None:
    result = run_init(fresh_database_url, email=None)
    assert result.exit_code == 2
    for name in _ANSWERS:
        assert name in result.output


@pytest.mark.parametrize("missing", [None, "--given-name", "--password"])
def test_people_4_where_nobody_can_answer_options_are_enough(
    fresh_database_url: str, missing: str | None
) -> None:
    """As in a container without -i: standard input is over, and nothing has to be asked."""
    options = [part for name in _ANSWERS if name != missing for part in (name, _ANSWERS[name])]
    settings = {k: v for k, v in environment(fresh_database_url).items() if v is not None}
    done = subprocess.run(
        [sys.executable, "-m", "porta", "init", *options],
        env=os.environ | settings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is (missing is None), done.stderr
    assert ("Give --email" in done.stderr) is (missing is not None)


def test_before_migrating_it_says_so(create_database: Callable[..., str]) -> None:
    result = run_init(create_database())
    assert result.exit_code == 1
    assert re.fullmatch(
        r"Error: \d+ migrations are not applied, from 0001_\w+ on\."
        r" Apply them with: porta migrate up\n",
        result.stderr,
    )
