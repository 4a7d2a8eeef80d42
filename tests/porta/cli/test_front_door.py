"""The commands are found, teach, and say what to do when something is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from porta.__main__ import COMMANDS, main
from porta.cli.processes import free_port

_KEY = "ab" * 32


def settings(**more: str) -> dict[str, str]:
    return {
        "DATABASE_URL": f"postgresql://porta@127.0.0.1:{free_port()}/porta",
        "ISSUER_BASE_URL": "http://localhost:3000",
        "COOKIE_KEYS": "k" * 32,
        "SIGNING_KEY_ENCRYPTION_KEY": _KEY,
        "REDIS_URL": "",
        **more,
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"Usage: main {name}")


def test_the_overview_lists_every_command() -> None:
    output = CliRunner().invoke(main, []).output
    assert all(f"  {name} " in output for name in COMMANDS)


def test_an_unknown_command_is_refused() -> None:
    result = CliRunner().invoke(main, ["nonsense"])
    assert result.exit_code == 2
    assert "No such command 'nonsense'" in result.output


def test_the_overview_and_dev_import_little() -> None:
    code = (
        "import sys, porta.__main__, porta.cli.dev, porta.cli.dev_run;"
        "print([m for m in ('pydantic', 'tornado', 'storage', 'psycopg2', 'aiosmtpd', 'jose',"
        " 'cryptography', 'yaml', 'httpx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("command", [["serve"], ["health"], ["keys", "list"]])
def test_missing_settings_are_all_named(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # no .env here
    unset = dict.fromkeys(["DATABASE_URL", "ISSUER_BASE_URL", "COOKIE_KEYS"])
    env = {**unset, "SIGNING_KEY_ENCRYPTION_KEY": _KEY}
    result = CliRunner(env=env).invoke(main, command)
    assert result.exit_code == 1
    for name in unset:
        assert name in result.output


def test_a_database_that_is_away_is_told() -> None:
    result = CliRunner(env=settings()).invoke(main, ["serve"])
    assert result.exit_code == 1
    assert "Check DATABASE_URL" in result.output


def test_health_of_the_databases(fresh_database_url: str, redis_url: str) -> None:
    env = settings(DATABASE_URL=fresh_database_url, REDIS_URL=redis_url)
    well = CliRunner(env=env).invoke(main, ["health", "--json"])
    assert (well.exit_code, json.loads(well.stdout)) == (0, {"database": "ok", "redis": "ok"})
    ill = CliRunner(env=env | {"REDIS_URL": f"redis://127.0.0.1:{free_port()}"})
    result = ill.invoke(main, ["health"])
    assert result.exit_code == 1
    assert "redis      error" in result.stdout
    away = CliRunner(env=settings(REDIS_URL=redis_url)).invoke(main, ["health"])
    assert away.exit_code == 1
    assert "database   error" in away.stdout
    without = CliRunner(env=env | {"REDIS_URL": ""}).invoke(main, ["health"])
    assert without.exit_code == 0
    assert "redis      not configured" in without.stdout


def test_health_of_a_server_that_is_not_there() -> None:
    result = CliRunner().invoke(main, ["health", "--url", f"http://127.0.0.1:{free_port()}"])
    assert result.exit_code == 1
    assert "No Porta answers" in result.output
    assert CliRunner().invoke(main, ["health", "--url", "file:///etc/passwd"]).exit_code == 2


def test_migrate_from_nothing_to_this_version(create_database: Callable[..., str]) -> None:
    runner = CliRunner(env={"DATABASE_URL": create_database()})
    before = runner.invoke(main, ["migrate", "check"])
    assert before.exit_code == 1
    assert "porta migrate up" in before.output
    assert "would apply 0001" in runner.invoke(main, ["migrate", "up", "--dry-run"]).output
    assert "applied 0001" in runner.invoke(main, ["migrate", "up"]).output
    assert "Nothing to do" in runner.invoke(main, ["migrate", "up"]).output
    assert runner.invoke(main, ["migrate", "check"]).exit_code == 0
    listed = json.loads(runner.invoke(main, ["migrate", "status", "--json"]).stdout)
    assert {row["state"] for row in listed} == {"applied"}


def test_migrate_without_a_database_says_which_variable() -> None:
    result = CliRunner(env={"DATABASE_URL": None}).invoke(main, ["migrate", "up"])
    assert result.exit_code == 2
    assert "--database-url" in result.output
    away = CliRunner(env=settings()).invoke(main, ["migrate", "up"])
    assert away.exit_code == 1
    assert "Check DATABASE_URL" in away.output


def test_the_module_runs_as_a_program() -> None:
    command = [sys.executable, "-m", "porta", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    assert done.stdout.startswith("Usage: porta ")
