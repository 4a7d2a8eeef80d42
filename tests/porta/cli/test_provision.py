"""`porta provision` makes a database hold what files say, or changes nothing and says why."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from porta.__main__ import main
from storage.postgres.driver import Postgres
from tests.porta.services.provisioning.seeds import SECRET, seed
from tests.world.databases import run_apart

ROOT = Path(__file__).parents[3]
PASSWORD = "quiet-otter-paints-seven"


def environment(url: str) -> dict[str, str | None]:
    """What the command needs, and nothing else."""
    return {
        "DATABASE_URL": url,
        "SIGNING_KEY_ENCRYPTION_KEY": "ab" * 32,
        "ARGON2_MEMORY_KIB": "8192",
        **dict.fromkeys(("REDIS_URL", "ISSUER_BASE_URL", "COOKIE_KEYS", "PORTA_ENV")),
    }


def provision(url: str, *arguments: object, typed: str = "") -> Result:
    runner = CliRunner(env=environment(url))
    return runner.invoke(main, ["provision", *map(str, arguments)], input=typed)


def write(folder: Path, name: str, data: dict[str, Any]) -> Path:
    path = folder / name
    path.write_text(json.dumps({"version": "1.0", "allow_passwords": True, **data}, indent=1))
    return path


def machine(slug: str) -> dict[str, Any]:
    """An organization with a client whose secret is made."""
    client = {"client_name": "Robot", "client_id": f"{slug}-robot", "client_type": "confidential"}
    client |= {"grant_types": ["client_credentials"], "scope": "read"}  # type: ignore[dict-item]
    return {
        "organizations": [
            {
                "name": slug,
                "slug": slug,
                "applications": [{"name": f"The {slug}", "clients": [client]}],
            }
        ]
    }


def dump(url: str) -> list[Any]:
    """Return every row of every table."""

    async def read() -> list[Any]:
        postgres = await Postgres.open(url, size=1)
        try:
            tables = await postgres.fetch(
                "SELECT quote_ident(tablename) FROM pg_tables"
                " WHERE schemaname = 'public' ORDER BY 1"
            )
            return [
                (
                    table,
                    sorted(
                        row[0] for row in await postgres.fetch(f"SELECT t::text FROM {table} t")
                    ),
                )
                for (table,) in tables
            ]
        finally:
            await postgres.close()

    return run_apart(read())


def values(url: str, sql: str) -> list[Any]:
    async def read() -> list[Any]:
        postgres = await Postgres.open(url, size=1)
        try:
            return [row[0] for row in await postgres.fetch(sql)]
        finally:
            await postgres.close()

    return run_apart(read())


def test_people_4_the_smallest_file_makes_an_organization(fresh_database_url: str) -> None:
    done = provision(fresh_database_url, ROOT / "examples" / "minimal.yaml")
    assert done.exit_code == 0, done.output
    assert re.search(r"^created +organization +example  Example$", done.stdout, re.MULTILINE)
    assert re.search(r"^created +client +[\w-]{43}  Portal Site$", done.stdout, re.MULTILINE)
    assert "✓ 4 created, 0 updated, 0 unchanged." in done.stdout
    assert "client_secret" not in done.stdout
    again = provision(fresh_database_url, ROOT / "examples" / "minimal.yaml")
    assert (again.exit_code, "✓ 0 created, 0 updated, 4 unchanged." in again.stdout) == (0, True)


def test_applying_a_file_twice_changes_no_row(fresh_database_url: str, tmp_path: Path) -> None:
    path = write(tmp_path, "seed.json", seed("twice"))
    assert provision(fresh_database_url, path).exit_code == 0
    before = dump(fresh_database_url)
    for mode in ("merge", "overwrite"):
        again = provision(fresh_database_url, path, "--mode", mode)
        assert again.exit_code == 0, again.output
        assert "✓ 0 created, 0 updated" in again.stdout
        assert dump(fresh_database_url) == before


@pytest.mark.parametrize("mode", ["merge", "overwrite"])
def test_a_dry_run_changes_no_row(fresh_database_url: str, tmp_path: Path, mode: str) -> None:
    assert provision(fresh_database_url, write(tmp_path, "a.json", seed("known"))).exit_code == 0
    changed = seed("known", name="Renamed")
    changed["organizations"] += machine("fresh")["organizations"]
    changed["config"] = {"access_token_ttl": 1234}
    path = write(tmp_path, "b.json", changed)
    before = dump(fresh_database_url)
    told = provision(fresh_database_url, path, "--dry-run", "--mode", mode)
    assert told.exit_code == 0, told.output
    assert re.search(r"^to create +client secret +fresh-robot$", told.stdout, re.MULTILINE)
    assert ("organization     known  Renamed  (name)" in told.stdout) is (mode == "overwrite")
    assert "Nothing was changed: " in told.stdout
    assert "client_secret" not in told.stdout
    assert dump(fresh_database_url) == before


def test_a_secret_that_is_made_is_told_once_and_kept_nowhere(
    fresh_database_url: str, tmp_path: Path
) -> None:
    path = write(tmp_path, "seed.json", machine("robots"))
    first = provision(fresh_database_url, path)
    (secret,) = re.findall(r"client_secret +(\S+)", first.stdout)
    assert len(secret) >= 32
    assert first.output.count(secret) == 1
    assert secret not in str(dump(fresh_database_url))
    for arguments in ((), ("--mode", "overwrite"), ("--json",)):
        again = provision(fresh_database_url, path, *arguments)
        assert again.exit_code == 0
        assert "client_secret" not in again.output
    as_json = json.loads(
        provision(fresh_database_url, write(tmp_path, "b.json", machine("more")), "--json").stdout
    )
    assert len(as_json["credentials"][0]["client_secret"]) >= 32


def test_a_secret_and_a_password_of_the_file_are_not_repeated(
    fresh_database_url: str, tmp_path: Path
) -> None:
    path = write(tmp_path, "seed.json", seed("chosen"))
    for arguments in ((), ("--json",), ("--dry-run",)):
        done = provision(fresh_database_url, path, *arguments)
        assert done.exit_code == 0
        assert SECRET not in done.output
        assert PASSWORD not in done.output


def test_the_standard_input_is_a_file(fresh_database_url: str, tmp_path: Path) -> None:
    text = "version: '1.0'\norganizations:\n- name: Piped\n"
    both = provision(fresh_database_url, "-", write(tmp_path, "s.json", seed("both")), typed=text)
    assert both.exit_code == 0, both.output
    assert values(fresh_database_url, "SELECT slug FROM organizations WHERE slug = 'piped'")
    bad = provision(fresh_database_url, "-", typed="version: '1.0'\norganizations:\n- nam: X\n")
    assert bad.exit_code == 1
    assert "-: line 3, column 3: organizations[0].nam: is not a key" in bad.stderr
    assert provision(fresh_database_url, "-", "-", typed=text).exit_code == 2


@pytest.mark.parametrize(
    "broken",
    [
        {"organizations": [{"nam": "X"}]},
        {"organizations": [{"name": "X Y Z", "users": [{"email": "x"}]}]},
        {"organizations": [], "config": {"no_such_setting": 1}},
        {"organizations": [{"name": "Taken", "applications": [{"name": "A", "slug": "api"}]}]},
        {"organizations": [{"name": "Loose", "users": [
            {"email": "a@acme.test", "roles": [{"app": "nowhere", "role": "viewer"}]}]}]},
    ],
)  # fmt: skip
def test_several_files_are_applied_together_or_not_at_all(
    fresh_database_url: str, tmp_path: Path, broken: dict[str, Any]
) -> None:
    before = dump(fresh_database_url)
    good, bad = write(tmp_path, "good.json", seed("good")), write(tmp_path, "bad.json", broken)
    for order in ((good, bad), (bad, good)):
        done = provision(fresh_database_url, *order)
        assert done.exit_code == 1
        assert f"{bad}: line " in done.stderr
        assert re.search(r"Error: Nothing was changed; (1 problem|2 problems)\.$", done.stderr)
        assert done.stdout == ""
        assert dump(fresh_database_url) == before
    told = json.loads(provision(fresh_database_url, good, bad, "--json").stdout)
    assert {each["file"] for each in told["errors"]} == {str(bad)}
    assert told["errors"][0]["line"] > 1
    assert told["created"] == []


def test_a_later_file_builds_on_an_earlier_one(fresh_database_url: str, tmp_path: Path) -> None:
    person = {"email": "b@acme.test", "roles": [{"app": "base-crm", "role": "viewer"}]}
    later = {"organizations": [{"name": "Later", "slug": "later", "users": [person]}]}
    files = write(tmp_path, "a.json", seed("base")), write(tmp_path, "b.json", later)
    assert provision(fresh_database_url, *files, "--dry-run").exit_code == 0
    assert provision(fresh_database_url, *reversed(files)).exit_code == 1
    assert provision(fresh_database_url, *files).exit_code == 0


def edited() -> dict[str, Any]:
    data = seed("over", name="Over Renamed")
    client = data["organizations"][0]["applications"][0]["clients"][0]
    client["redirect_uris"] = ["https://acme.test/other"]
    return data


@pytest.fixture
def provisioned(fresh_database_url: str, tmp_path: Path) -> str:
    assert provision(fresh_database_url, write(tmp_path, "first.json", seed("over"))).exit_code == 0
    return fresh_database_url


def test_overwriting_asks_first_and_tells_what_is_lost(provisioned: str, tmp_path: Path) -> None:
    path = write(tmp_path, "edited.json", edited())
    before = dump(provisioned)
    refused = provision(provisioned, path, "--mode", "overwrite", typed="n\n")
    assert refused.exit_code == 1
    assert "- redirect_uris: https://acme.test/callback" in refused.stderr
    assert "Change 2 things that exist?" in refused.stderr
    unanswered = provision(provisioned, path, "--mode", "overwrite")
    assert unanswered.exit_code == 2
    assert "Give --yes." in unanswered.stderr
    assert dump(provisioned) == before
    merged = provision(provisioned, path)
    assert "0 created, 0 updated" in merged.stdout
    assert dump(provisioned) == before


@pytest.mark.parametrize("arguments", [(), ("--yes",), ("--force",)])
def test_overwriting_changes_what_was_agreed_to(
    provisioned: str, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    path = write(tmp_path, "edited.json", edited())
    done = provision(provisioned, path, "--mode", "overwrite", *arguments, typed="y\n")
    assert done.exit_code == 0, done.output
    assert re.search(r"^updated +client +over-web  Web  \(redirect_uris\)$", done.stdout, re.M)
    assert "- redirect_uris: https://acme.test/callback" in done.stdout
    assert values(provisioned, "SELECT name FROM organizations WHERE slug = 'over'") == [
        "Over Renamed"
    ]


def test_what_a_file_is_silent_about_is_not_overwritten(
    fresh_database_url: str, tmp_path: Path
) -> None:
    """A client that is to ask for consent would otherwise become first-party by an edited name."""
    strict = seed("silent")
    application = strict["organizations"][0]["applications"][0]
    application["clients"][0] |= {
        "first_party": False,
        "scope": "openid",
        "require_pkce": True,
        "token_endpoint_auth_method": "client_secret_basic",
        "strict_auth_method": True,
        "login_methods": ["password"],
        "introspects_organization": True,
        "access_token_format": "opaque",
        "access_token_signing_alg": "PS256",
        "post_logout_redirect_uris": ["https://acme.test/bye"],
        "policy_uri": "https://acme.test/policy",
        "grant_types": ["authorization_code", "refresh_token"],
        "roles_claim": "groups",
    }
    application["claim_definitions"][0] |= {"include_in_access_token": False}
    assert provision(fresh_database_url, write(tmp_path, "a.json", strict)).exit_code == 0
    before = dump(fresh_database_url)
    plain = write(tmp_path, "b.json", seed("silent"))
    done = provision(fresh_database_url, plain, "--mode", "overwrite", "--yes")
    assert (done.exit_code, "0 created, 0 updated" in done.stdout) == (0, True), done.output
    assert dump(fresh_database_url) == before


def test_two_at_once_wait_for_each_other(fresh_database_url: str, tmp_path: Path) -> None:
    path = write(tmp_path, "seed.json", seed("race"))
    command = [sys.executable, "-m", "porta", "provision", str(path)]
    env = {k: v for k, v in environment(fresh_database_url).items() if v is not None}
    running = [
        subprocess.Popen(
            command, env={**os.environ, **env}, cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    said = [each.communicate(timeout=120)[0] for each in running]
    assert [each.returncode for each in running] == [0, 0, 0]
    assert sorted("13 created" in each for each in said) == [False, False, True]
    assert sum("13 unchanged" in each for each in said) == 2


_ASLEEP = "FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"


def test_killed_in_the_middle_it_has_changed_nothing(
    fresh_database_url: str, tmp_path: Path
) -> None:
    path = write(tmp_path, "seed.json", seed("killed"))
    _hold_back(fresh_database_url)
    before = dump(fresh_database_url)
    env = {k: v for k, v in environment(fresh_database_url).items() if v is not None}
    running = subprocess.Popen(
        [sys.executable, "-m", "porta", "provision", str(path)],
        env={**os.environ, **env},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while not values(fresh_database_url, f"SELECT 1 {_ASLEEP}"):
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    values(fresh_database_url, f"SELECT pg_terminate_backend(pid) {_ASLEEP}")
    assert dump(fresh_database_url) == before
    run_apart(_execute(fresh_database_url, "DROP FUNCTION hold_back CASCADE"))
    assert provision(fresh_database_url, path).exit_code == 0


def _hold_back(url: str) -> None:
    """Make the last step of a run, the value of a claim, take for ever."""
    sql = """
        CREATE FUNCTION hold_back() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN SET LOCAL statement_timeout = 0; PERFORM pg_sleep(600); RETURN NEW; END $$;
        CREATE TRIGGER hold_back BEFORE INSERT ON custom_claim_values
            FOR EACH ROW EXECUTE FUNCTION hold_back();
    """
    run_apart(_execute(url, sql))


async def _execute(url: str, sql: str) -> None:
    postgres = await Postgres.open(url, 1, statement_timeout=0)
    try:
        await postgres.execute(sql)
    finally:
        await postgres.close()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Name at least one file"),
        (["--mode", "replace", "x.yaml"], "'replace' is not one of 'merge', 'overwrite'"),
        (["--dryrun", "x.yaml"], "--dry-run"),
        (["--merge", "x.yaml"], "No such option"),
    ],
)
def test_a_wrong_call_is_told(arguments: list[str], told: str) -> None:
    result = CliRunner(env={"DATABASE_URL": None}).invoke(main, ["provision", *arguments])
    assert result.exit_code == 2
    assert told in result.output


def test_what_cannot_be_read_is_told_of_every_file(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"name: M\xf6bel")
    (tmp_path / "cut.json").write_text('{"version": ')
    names = ("none.yaml", "latin.yaml", "cut.json", ".")
    result = provision("postgresql://nobody@127.0.0.1:1/x", *(tmp_path / name for name in names))
    assert result.exit_code == 1
    for name, why in zip(
        names, ("No such file", "UTF-8", "line 1, column 13", "director"), strict=True
    ):
        assert re.search(f"^{re.escape(str(tmp_path / name))}: .*{why}", result.stderr, re.M), name


def test_a_file_is_read_as_1x_names_it(fresh_database_url: str, tmp_path: Path) -> None:
    path = write(tmp_path, "seed.json", seed("named"))
    assert provision(fresh_database_url, "-f", path, "--mode", "merge").exit_code == 0
    assert "13 unchanged" in provision(fresh_database_url, "--file", path, "--dry-run").stdout


def test_before_the_first_migration_it_says_so(
    create_database: Callable[..., str], tmp_path: Path
) -> None:
    result = provision(create_database(), write(tmp_path, "seed.json", seed("early")))
    assert result.exit_code == 1
    assert "Apply them with: porta migrate up" in result.stderr
    assert "Traceback" not in result.output


def test_no_line_of_it_is_cut_at_80_columns(fresh_database_url: str, tmp_path: Path) -> None:
    path = write(tmp_path, "seed.json", seed("w" * 60))
    result = CliRunner(env=environment(fresh_database_url) | {"COLUMNS": "80"}).invoke(
        main, ["provision", str(path)]
    )
    assert f"{'w' * 60}-crm" in result.stdout
    assert "…" not in result.output
    assert "..." not in result.output


def test_nothing_of_a_file_moves_the_terminal(fresh_database_url: str, tmp_path: Path) -> None:
    hostile = {
        "organizations": [{"name": "Evil\x1b[2J", "\x1b[31mred": 1, "users": [{"\u202e": 2}]}]
    }
    result = provision(fresh_database_url, write(tmp_path, "\x1b[1mseed.json", hostile))
    assert result.exit_code == 1
    assert "\x1b" not in result.output
    assert "\u202e" not in result.output


def test_what_could_not_be_proven_is_not_made_and_may_be_tried(
    fresh_database_url: str, tmp_path: Path
) -> None:
    """What is recorded without the key of the audit trail would be taken for a stranger's."""
    file = str(write(tmp_path, "one.json", machine("unproven")))
    without = {**environment(fresh_database_url), "SIGNING_KEY_ENCRYPTION_KEY": None}
    runner = CliRunner(env=without)
    tried = runner.invoke(main, ["provision", file, "--dry-run"])
    assert tried.exit_code == 0, tried.output
    refused = runner.invoke(main, ["provision", file, "--yes"])
    assert (refused.exit_code, "Nothing is changed" in refused.output) == (1, True)
    again = provision(fresh_database_url, file, "--dry-run")
    assert "unproven" in again.output
    assert again.output == tried.output, "it is still to be made"


def test_a_connection_keeps_its_secret_to_itself(tmp_path: Path, fresh_database_url: str) -> None:
    secret = "what-the-provider-gave-us"
    connection = {"name": "Work", "provider": "google", "client_id": "x", "client_secret": secret}
    domain = {"domain": "acme.example", "connection": "Work", "mode": "require"}
    entry = {"name": "Acme", "slug": "acme", "connections": [connection], "domains": [domain]}
    file = write(tmp_path, "a.json", {"organizations": [entry]})
    for options in (("--dry-run",), ("--json",), (), ("--mode", "overwrite", "--yes")):
        done = provision(fresh_database_url, *options, file)
        assert done.exit_code == 0, done.output
        assert secret not in done.output
    assert re.search(r"^unchanged +connection +Work  google$", done.stdout, re.MULTILINE)
    assert re.search(r"^unchanged +domain +acme.example$", done.stdout, re.MULTILINE)
    (sealed,) = values(fresh_database_url, "SELECT client_secret FROM connections")
    assert secret not in sealed
    assert values(fresh_database_url, "SELECT verified_at FROM domains") == [None]
    entry["domains"] = [{**domain, "domain": "*.acme.example"}]
    refused = provision(fresh_database_url, write(tmp_path, "a.json", {"organizations": [entry]}))
    assert (refused.exit_code, secret in refused.output) == (1, False)
    told = r"a.json: line \d+, column \d+ \(.*\): .*domains\[0\].domain: must be a domain"
    assert re.search(told, refused.output)
