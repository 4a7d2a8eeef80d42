"""The commands are found, teach, and say what to do when something is wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import click
import pytest
from click.testing import CliRunner

from porta.__main__ import COMMANDS, main
from porta.cli.commands import report_errors
from porta.services.startup import SchemaOutdated
from porta.version import VERSION
from storage.errors import StorageError, Unreachable
from storage.postgres.driver import Postgres
from storage.postgres.migrate import MigrationRefused
from tests.porta.dev.answering import answering
from tests.world.databases import run_apart
from tests.world.ports import free_port
from tests.world.valkey import Valkey

ROOT = Path(__file__).parents[3]
_KEY = "ab" * 32


def settings(**more: str) -> dict[str, str]:
    return {
        "DATABASE_URL": f"postgresql://porta@127.0.0.1:{free_port()}/porta",
        "ISSUER_BASE_URL": "http://localhost:3000",
        "COOKIE_KEYS": "k" * 32,
        "SIGNING_KEY_ENCRYPTION_KEY": _KEY,
        "REDIS_URL": "",
        "STARTUP_WAIT_SECONDS": "0",
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
        "import sys, porta.__main__, porta.cli.dev, porta.dev.run;"
        "print([m for m in ('pydantic', 'tornado', 'storage', 'psycopg2', 'aiosmtpd', 'jose',"
        " 'cryptography', 'yaml', 'httpx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("command", [["serve"], ["init"], ["keys", "list"]])
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


@pytest.mark.parametrize("url", ["hunter2", "postgresql://porta:hunter2/x@127.0.0.1/porta"])
@pytest.mark.parametrize("command", ["up", "status", "check"])
def test_an_address_that_cannot_be_read_is_one_line_without_it(command: str, url: str) -> None:
    result = CliRunner().invoke(main, ["migrate", command, "--database-url", url])
    assert result.exit_code == 1
    assert result.output.startswith("Error: DATABASE_URL cannot be used: ")
    assert len(result.output.splitlines()) == 1
    assert "hunter2" not in result.output


class _TightLipped(BaseHTTPRequestHandler):
    """Answers as a server does that is asked from elsewhere."""

    status: str

    def do_GET(self) -> None:
        self.send_response(200 if self.status == "healthy" else 503)
        self.end_headers()
        self.wfile.write(json.dumps({"status": self.status}).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("status", "state", "code"),
    [("healthy", "ok", 0), ("degraded", "degraded", 0), ("unhealthy", "error", 1)],
)
def test_health_of_a_server_that_tells_no_details(status: str, state: str, code: int) -> None:
    _TightLipped.status = status
    with HTTPServer(("127.0.0.1", 0), _TightLipped) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        result = CliRunner().invoke(main, ["health", "--json", "--url", url])
        thread.join()
    assert (result.exit_code, json.loads(result.stdout)) == (code, {"server": state})


_OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"nonsense\r\n\r\n", _OK, _OK + b"[]", _OK + b"{}", _OK + b"\xff"),
        *(_OK + b'{"checks": []}', _OK + b'{"status": "healthy", "checks": []}'),
        *(_OK + b'{"status": 7}', _OK + b"[" * 60_000),
    ],
)
def test_an_odd_answer_is_no_porta(raw: bytes) -> None:
    with answering(raw) as url:
        result = CliRunner().invoke(main, ["health", "--url", url])
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: No Porta answers at {url}: ")


def test_a_server_is_asked_itself_and_no_proxy() -> None:
    proxy = f"http://127.0.0.1:{free_port()}"
    with answering(_OK + b'{"status": "healthy"}') as url:
        runner = CliRunner(env={"HTTP_PROXY": proxy, "http_proxy": proxy, "NO_PROXY": ""})
        assert runner.invoke(main, ["health", "--url", url]).exit_code == 0


def test_that_a_server_lives_says_nothing_of_its_databases() -> None:
    with answering(_OK + b'{"status": "ok"}') as url:
        result = CliRunner().invoke(main, ["health", "--live", "--json", "--url", url])
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"server": "ok"})
    assert CliRunner().invoke(main, ["health", "--live"]).exit_code == 2


def test_health_is_spelled_as_in_1x_too(fresh_database_url: str) -> None:
    runner = CliRunner(env=settings(DATABASE_URL=fresh_database_url))
    assert runner.invoke(main, ["health", "check"]).exit_code == 0
    assert runner.invoke(main, ["health", "nonsense"]).exit_code == 2


def test_health_waits_as_long_as_it_is_told() -> None:
    began = time.monotonic()
    result = CliRunner(env=settings()).invoke(main, ["health", "--wait", "1.5"])
    assert result.exit_code == 1
    assert time.monotonic() - began >= 1.5
    assert result.stderr.count("Connection refused") == 1


def test_health_of_the_databases(fresh_database_url: str, redis_url: str) -> None:
    env = settings(DATABASE_URL=fresh_database_url, REDIS_URL=redis_url)
    well = CliRunner(env=env).invoke(main, ["health", "--json"])
    assert (well.exit_code, json.loads(well.stdout)) == (0, {"database": "ok", "redis": "ok"})
    ill = CliRunner(env=env | {"REDIS_URL": f"redis://127.0.0.1:{free_port()}"})
    result = ill.invoke(main, ["health"])
    assert result.exit_code == 0, "people can sign in"
    assert "redis      degraded" in result.stdout
    assert result.stderr.startswith("Redis takes no writes, and is done without: Redis at 127")
    odd = CliRunner(env=env | {"REDIS_URL": f"{redis_url.rpartition('/')[0]}/9999"})
    result = odd.invoke(main, ["health"])
    assert result.exit_code == 1, "a server would not start"
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
    moments = {datetime.fromisoformat(row["run_on"]) for row in listed}
    assert all(moment.tzinfo is not None for moment in moments)
    assert all(row["run_on"].endswith("Z") for row in listed)
    year = str(min(moments).year)
    assert runner.invoke(main, ["migrate", "status"]).output.count(f" {year}-") == len(listed)


@pytest.mark.parametrize("key", [None, "0f" * 32])
def test_a_dry_run_on_a_database_of_1x_promises_what_is_done(
    create_database: Callable[..., str], key: str | None
) -> None:
    fixture = Path(__file__).parents[2] / "storage" / "fixtures" / "porta_1x.sql"
    url = create_database()
    run_apart(_execute(url, fixture.read_text(encoding="utf-8")))
    runner = CliRunner(env={"DATABASE_URL": url, "SIGNING_KEY_ENCRYPTION_KEY": key})
    promised = runner.invoke(main, ["migrate", "up", "--dry-run"])
    done = runner.invoke(main, ["migrate", "up"])
    assert promised.exit_code == done.exit_code == (0 if key else 1)
    said = promised.output.replace("would apply", "applied")
    assert said.replace("would encrypt", "encrypted") == done.output


async def _execute(url: str, sql: str) -> None:
    postgres = await Postgres.open(url, 1, statement_timeout=0)
    await postgres.execute(sql)
    await postgres.close()


@pytest.mark.parametrize("command", [["up"], ["up", "--dry-run"], ["status"], ["check"]])
def test_an_unknown_database_is_refused_by_every_command(
    create_database: Callable[..., str], command: list[str]
) -> None:
    url = create_database()
    run_apart(_execute(url, "CREATE TABLE organizations ()"))
    result = CliRunner(env={"DATABASE_URL": url}).invoke(main, ["migrate", *command])
    assert result.exit_code == 1
    assert "database of its own" in result.output
    assert result.output.startswith("Error: This database holds tables (organizations)")


def test_a_migration_that_fails_is_named_after_those_that_were_applied(
    create_database: Callable[..., str],
) -> None:
    url = create_database()
    # A function is no table: nothing tells beforehand that this one is in the way.
    in_the_way = "CREATE FUNCTION porta_notify(TEXT, TEXT) RETURNS void LANGUAGE sql AS ''"
    run_apart(_execute(url, in_the_way))
    result = CliRunner(env={"DATABASE_URL": url}).invoke(main, ["migrate", "up"])
    assert result.exit_code == 1
    assert "applied 0017_" in result.stdout
    assert "0018_" not in result.stdout
    assert result.stderr.startswith("Error: Migration 0018_change_notifications failed: Duplicate")
    assert len(result.stderr.splitlines()) == 1


_REFUSED = "postgresql://porta:hunter2@127.0.0.1:{port}/porta"


@pytest.mark.parametrize("command", [["migrate", "up"], ["keys", "list"], ["serve"], ["health"]])
def test_a_database_that_is_away_is_named_in_one_line(command: list[str]) -> None:
    port = free_port()
    env = settings(DATABASE_URL=_REFUSED.format(port=port))
    result = CliRunner(env=env).invoke(main, command)
    assert result.exit_code == 1
    assert result.stderr.removeprefix("Error: ") == (
        f"PostgreSQL at 127.0.0.1:{port} does not answer: Connection refused. Check DATABASE_URL.\n"
    )


def test_a_host_that_nobody_knows_is_named() -> None:
    url = "postgresql://porta:hunter2@nowhere.invalid/porta"
    result = CliRunner(env={"DATABASE_URL": url}).invoke(main, ["migrate", "up"])
    assert result.stderr == (
        "Error: PostgreSQL at nowhere.invalid:5432 does not answer:"
        " its host name cannot be resolved. Check DATABASE_URL.\n"
    )


def test_what_cannot_be_told_from_a_password_is_not_told() -> None:
    url = "postgresql://porta:1234/hunter2@db.example.com/porta"
    result = CliRunner(env={"DATABASE_URL": url}).invoke(main, ["migrate", "up"])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: PostgreSQL does not answer: ")
    assert "1234" not in result.output
    assert "hunter2" not in result.output


def test_a_wrong_password_and_a_missing_database_say_so(
    tmp_path_factory: pytest.TempPathFactory, postgres_url: str
) -> None:
    parts = urlsplit(postgres_url)
    place = f"{parts.hostname}:{parts.port}"
    for url, reason in (
        (
            parts._replace(netloc=f"nobody:hunter2@{place}").geturl(),
            'password authentication failed for user "nobody"',
        ),
        (parts._replace(path="/nothing").geturl(), 'database "nothing" does not exist'),
    ):
        result = CliRunner(env={"DATABASE_URL": url}).invoke(main, ["migrate", "up"])
        assert result.stderr == (
            f"Error: PostgreSQL at {place} refuses the connection: {reason}. Check DATABASE_URL.\n"
        )


def test_a_redis_that_is_away_is_named(database_url: str) -> None:
    port = free_port()
    env = settings(DATABASE_URL=database_url, REDIS_URL=f"redis://:hunter2@127.0.0.1:{port}")
    for command in (["keys", "list"], ["health"]):
        result = CliRunner(env=env).invoke(main, command)
        assert result.exit_code == 0, result.output
        said = result.stderr
        assert said.startswith("Redis takes no writes, and is done without: Redis at 127.0.0.1:")
        assert "hunter2" not in result.output
        assert said.count("Redis") == 2, "it is told once"


def test_a_redis_that_asks_for_another_password_says_so(
    database_url: str, own_redis: Valkey
) -> None:
    for credentials, reason in (
        (":hunter2@", "wrong user or password (WRONGPASS)"),
        ("", "it asks for a password (NOAUTH)"),
    ):
        url = f"redis://{credentials}127.0.0.1:{own_redis.port}"
        env = settings(DATABASE_URL=database_url, REDIS_URL=url)
        result = CliRunner(env=env).invoke(main, ["keys", "list"])
        place = f"Redis at 127.0.0.1:{own_redis.port}"
        said = f"{place} refuses the connection: {reason}. Check REDIS_URL.\n"
        assert (result.exit_code, result.stderr) == (1, f"Error: {said}")
        for command in (["health"], ["serve"]):
            result = CliRunner(env=env).invoke(main, command)
            assert (result.exit_code, result.stderr.removeprefix("Error: ")) == (1, said)


def test_health_before_the_first_migration(create_database: Callable[..., str]) -> None:
    """The container waits for the database by this, and then migrates it."""
    result = CliRunner(env=settings(DATABASE_URL=create_database())).invoke(main, ["health"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert "database   not migrated" in result.stdout


def test_people33_health_of_a_database_that_cannot_be_written_to(
    fresh_database_url: str,
) -> None:
    name = urlsplit(fresh_database_url).path.removeprefix("/")
    only = f"ALTER DATABASE {name} SET default_transaction_read_only = on"
    run_apart(_execute(fresh_database_url, only))
    result = CliRunner(env=settings(DATABASE_URL=fresh_database_url)).invoke(main, ["health"])
    assert result.exit_code == 1
    assert "database   error" in result.stdout
    assert "read-only" in result.stderr


def test_people33_health_of_a_server_says_since_when_and_why() -> None:
    report = {
        "status": "degraded",
        "checks": {"server": "ok", "database": "ok", "redis": "degraded"},
        "faults": {"redis": {"since": "2026-01-01T00:00:00Z", "reason": "Redis: OOM"}},
    }
    with answering(_OK + json.dumps(report).encode()) as url:
        result = CliRunner().invoke(main, ["health", "--url", url])
    assert result.exit_code == 0
    assert result.stderr == "redis, since 2026-01-01T00:00:00Z: Redis: OOM\n"
    assert "redis      degraded" in result.stdout


@pytest.mark.parametrize(
    "command",
    [
        *(["migrate", "up"], ["migrate", "status"], ["migrate", "check"], ["migrate", "finish"]),
        *(["health"], ["provision", "-"], ["serve"], ["init"], ["keys", "list"]),
    ],
)
def test_people_14_every_command_tells_missing_settings_alike(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # no .env here
    needs = {"DATABASE_URL"}
    if command[0] in ("serve", "init", "keys"):
        needs |= {"COOKIE_KEYS", "ISSUER_BASE_URL", "SIGNING_KEY_ENCRYPTION_KEY"}
    unset = ("DATABASE_URL", "COOKIE_KEYS", "ISSUER_BASE_URL", "SIGNING_KEY_ENCRYPTION_KEY")
    runner = CliRunner(env=dict.fromkeys(unset))
    result = runner.invoke(main, command, input="version: '1.0'\norganizations: []\n")
    assert result.exit_code == 1
    first, *problems, last = result.stderr.splitlines()
    assert first == "Error: The settings cannot be used:"
    assert {line.split(": is missing; ")[0].strip() for line in problems} == needs
    assert last == "They come from the environment, or from a file .env in this folder."


def test_people_14_health_asks_for_no_setting_that_it_does_not_need(database_url: str) -> None:
    env = {"DATABASE_URL": database_url, "REDIS_URL": "", "PORT": "nonsense", "COOKIE_KEYS": "x"}
    result = CliRunner(env=env).invoke(main, ["health"])
    assert (result.exit_code, result.stderr) == (0, "")
    faulty = CliRunner(env=env | {"REDIS_URL": "http://x"}).invoke(main, ["health"])
    assert faulty.exit_code == 1
    assert "REDIS_URL: is malformed" in faulty.stderr
    assert "PORT" not in faulty.stderr


def test_people_14_health_of_a_dead_port_is_a_sentence() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    result = CliRunner().invoke(main, ["health", "--url", url])
    assert result.stderr == (
        f"Error: No Porta answers at {url}: nothing listens there; is porta serve running, and is"
        " this its port?\n"
    )
    unknown = CliRunner().invoke(main, ["health", "--url", "http://nowhere.invalid"])
    assert "its host name cannot be resolved" in unknown.stderr
    assert "urlopen" not in result.stderr + unknown.stderr


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["migrat"], "migrate"),
        (["provison"], "provision"),
        (["halth"], "health"),
        (["migrate", "statsu"], "status"),
        (["keys", "rotat"], "rotate"),
        (["help", "migrat"], "migrate"),
    ],
)
def test_people_14_a_mistyped_command_is_told_what_was_meant(typed: list[str], meant: str) -> None:
    result = CliRunner().invoke(main, typed)
    assert result.exit_code == 2
    assert re.search(f"Did you mean.*{meant}", result.stderr), result.stderr


@pytest.mark.parametrize("command", [[], ["migrate"], ["migrate", "up"], ["keys"], ["provision"]])
def test_people_14_help_is_a_command_too(command: list[str]) -> None:
    asked = CliRunner().invoke(main, ["help", *command])
    option = CliRunner().invoke(main, [*command, "--help"])
    assert (asked.exit_code, asked.stdout) == (0, option.stdout)
    assert CliRunner().invoke(main, ["help", "serve", "now"]).exit_code == 2


@pytest.mark.parametrize("group", [[], ["migrate"], ["keys"]])
def test_people_14_no_summary_is_cut(group: list[str]) -> None:
    output = CliRunner(env={"COLUMNS": "80"}).invoke(main, [*group, "--help"]).stdout
    listed = output.split("Commands:")[1]
    assert "..." not in listed
    assert max(map(len, output.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["dev", "--port", "abc"], "must be a whole number from 1 to 65535"),
        (["dev", "--port", "70000"], "must be a whole number from 1 to 65535"),
        (["dev", "--instances", "1.5"], "must be a whole number from 1 to 64"),
        (["health", "--wait", "soon"], "must be a number of seconds, 0 or more"),
        (["health", "--wait", "-1"], "must be a number of seconds, 0 or more"),
        (["health", "--wait", "nan"], "must be a number of seconds, 0 or more"),
        (["health", "--wait", "inf"], "must be a number of seconds, 0 or more"),
    ],
)
def test_people_14_numbers_are_refused_in_our_words(arguments: list[str], told: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "range" not in result.stderr


def test_migrate_reads_a_file_of_settings_without_the_others(
    create_database: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"DATABASE_URL={create_database()}\nPORT=nonsense\n")
    runner = CliRunner(env=dict.fromkeys(["DATABASE_URL", "ISSUER_BASE_URL", "COOKIE_KEYS"]))
    applied = runner.invoke(main, ["migrate", "up"])
    assert "applied 0001" in applied.output
    away = CliRunner(env=settings()).invoke(main, ["migrate", "up"])
    assert "Check DATABASE_URL" in away.output, "the environment wins"
    (tmp_path / ".env").write_bytes(b"DATABASE_URL=\xff\n")
    refused = runner.invoke(main, ["migrate", "up"])
    assert (refused.exit_code, refused.output) == (
        1,
        "Error: The settings cannot be used:\n  .env: is not UTF-8; save it in this encoding\n"
        "They come from the environment, or from a file .env in this folder.\n",
    )


def test_the_version_is_told_wherever_it_is_run_from(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "porta", "--version"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=env, cwd=tmp_path
    )
    assert done.stdout == f"{VERSION}\n"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Unreachable("no connection"), "PostgreSQL does not answer: no connection. Check DATABASE"),
        (
            Unreachable("Redis: lost\n\tit is"),
            "Redis does not answer: lost it is. Check REDIS_URL.",
        ),
        (StorageError("Odd: it\n\tis"), "The database refused: Odd: it is."),
        (MigrationRefused("this is not ours"), "This is not ours."),
        (SchemaOutdated("2 lack"), "2 lack. Apply them with: porta migrate up"),
    ],
)
def test_a_fault_is_told_in_one_line(fault: Exception, told: str) -> None:
    with pytest.raises(click.ClickException) as raised, report_errors():
        raise fault
    assert raised.value.message.startswith(told)


@pytest.mark.parametrize(
    ("fault", "advised"),
    [
        (StorageError('UndefinedTable: relation "users" does not exist'), True),
        (StorageError('UndefinedColumn: column "x" does not exist'), True),
        (SchemaOutdated("2 migrations are not applied"), True),
        (StorageError("StringDataRightTruncation: value too long"), False),
    ],
)
def test_to_migrate_is_advised_where_it_helps(fault: StorageError, advised: bool) -> None:
    with pytest.raises(click.ClickException) as told, report_errors():
        raise fault
    assert ("porta migrate up" in told.value.message) is advised


def test_the_module_runs_as_a_program() -> None:
    command = [sys.executable, "-m", "porta", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    assert done.stdout.startswith("Usage: porta ")
