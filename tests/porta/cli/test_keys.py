from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec import structs

from porta.cli.keys import keys
from porta.security.keys import ALGORITHMS
from storage.models.signing_keys import SigningKey
from storage.router import Storage
from tests import factories
from tests.porta.security.rows import plain_row
from tests.world.databases import run_apart

ACME = "0b6b0f4e-3c1a-4d5c-9c3e-9b1b3b4b5c6d"
Run = Callable[..., Result]


@pytest.fixture
def run(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command against a database of its own, with the organization `acme`."""
    monkeypatch.setenv("DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("ISSUER_BASE_URL", "http://localhost:3000")
    monkeypatch.setenv("COOKIE_KEYS", "c" * 32)
    monkeypatch.setenv("SIGNING_KEY_ENCRYPTION_KEY", "5a" * 32)
    monkeypatch.delenv("REDIS_URL", raising=False)
    run_apart(_insert_acme(fresh_database_url))

    def invoke(*arguments: str, input: str | None = None) -> Result:
        return CliRunner().invoke(keys, arguments, input=input, env={"COLUMNS": "80"})

    return invoke


async def _insert_acme(database_url: str) -> None:
    storage = (await Storage.open(database_url, pool_size=1)).everywhere
    await storage.organizations.insert(factories.organization(id=ACME, name="Acme", slug="acme"))
    await storage.close()


def listed(run: Run, *options: str) -> list[dict[str, Any]]:
    result = run("list", "--json", *options)
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_keys_are_generated_once(run: Run) -> None:
    first = run("generate")
    assert first.exit_code == 0
    assert first.stdout.count("signs from now on") == len(ALGORITHMS)
    second = run("generate")
    assert (second.exit_code, second.stdout.count("✓")) == (0, 0)
    assert "porta keys rotate" in second.stdout
    found = listed(run)
    assert [key["algorithm"] for key in found] == list(ALGORITHMS)
    assert {key["state"] for key in found} == {"active"}
    assert {key["ring"] for key in found} == {"global"}
    assert {key["leaves_jwks"] for key in found} == {None}


def test_the_table_names_what_an_operator_asks_for(run: Run) -> None:
    run("generate", "--algorithm", "ES256")
    result = run("list")
    (key,) = listed(run)
    for text in ("KID", "Algorithm", "Ring", "State", "Signs from", "Leaves JWKS"):
        assert text in result.stdout
    for text in (key["kid"], "ES256", "global", "active", key["signs_from"], "—"):
        assert text in result.stdout


def test_an_empty_list_says_what_to_do_and_stays_json_for_machines(run: Run) -> None:
    result = run("list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "porta keys generate" in result.stderr
    assert listed(run) == []


def test_a_rotation_asks_first(run: Run) -> None:
    run("generate", "--algorithm", "ES256")
    refused = run("rotate", input="n\n")
    assert refused.exit_code == 1
    assert "Rotate all signing keys of the global ring?" in refused.stderr
    assert len(listed(run)) == 1
    agreed = run("rotate", input="y\n")
    assert agreed.exit_code == 0
    assert "signs in 1" in agreed.stdout
    assert [key["state"] for key in listed(run)] == ["published", "active"]


def test_a_rotation_that_cannot_ask_names_the_option(run: Run) -> None:
    run("generate", "--algorithm", "ES256")
    refused = run("rotate")
    assert refused.exit_code == 2
    assert "--yes" in refused.output
    assert len(listed(run)) == 1


def test_a_rotation_without_a_question_prints_json(run: Run) -> None:
    made = json.loads(run("generate", "--algorithm", "ES256", "--json").stdout)
    assert made[0].keys() == {"kid", "algorithm", "ring", "signs_from"}
    rotated = json.loads(run("rotate", "--yes", "--json", "--algorithm", "ES256").stdout)
    found = listed(run)
    assert [key["kid"] for key in found] == [rotated[0]["kid"], made[0]["kid"]]
    assert found[1]["leaves_jwks"] > found[0]["signs_from"]
    assert run("generate", "--algorithm", "ES256", "--json").stdout == "[]\n"


def test_a_second_rotation_is_refused_with_its_reason(run: Run) -> None:
    run("generate", "--algorithm", "EdDSA")
    run("rotate", "--yes")
    result = run("rotate", "--yes")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: EdDSA key ")
    assert "rotate again after that" in result.stderr


def test_an_organization_gets_a_ring_of_its_own(run: Run) -> None:
    run("generate", "--algorithm", "ES256")
    made = run("generate", "--algorithm", "ES256", "--organization", "acme", "--json")
    assert json.loads(made.stdout)[0]["ring"] == "acme"
    (own,) = listed(run, "--organization", "acme")
    assert (own["ring"], own["state"]) == ("acme", "published")
    assert [key["ring"] for key in listed(run)] == ["global", "acme"]


@pytest.mark.parametrize("command", ["list", "generate"])
def test_an_unknown_organization_is_named(run: Run, command: str) -> None:
    result = run(command, "--organization", "nobody")
    assert result.exit_code == 1
    assert "'nobody'" in result.stderr


def test_rotating_nothing_says_to_generate(run: Run) -> None:
    result = run("rotate", "--yes")
    assert result.exit_code == 1
    assert "generate one first" in result.stderr


def test_settings_that_cannot_be_used_are_all_told(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNING_KEY_ENCRYPTION_KEY", "short")
    monkeypatch.setenv("ISSUER_BASE_URL", "nonsense")
    result = run("list")
    assert result.exit_code == 1
    assert "SIGNING_KEY_ENCRYPTION_KEY" in result.stderr
    assert "ISSUER_BASE_URL" in result.stderr


def test_a_database_that_does_not_answer_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/none")
    result = run("list")
    assert result.exit_code == 1
    assert "DATABASE_URL" in result.stderr
    assert "secret" not in result.output


def test_a_database_without_tables_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch, create_database: Callable[..., str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", create_database())
    result = run("list")
    assert result.exit_code == 1
    assert "porta migrate up" in result.stderr


def test_under_another_encryption_key_nothing_is_added(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("generate", "--algorithm", "ES256")
    before = listed(run)
    monkeypatch.setenv("SIGNING_KEY_ENCRYPTION_KEY", "ef" * 32)
    for words in (["rotate", "--yes"], ["generate"], ["generate", "--organization", "acme"]):
        result = run(*words)
        assert result.exit_code == 1, words
        assert "SIGNING_KEY_ENCRYPTION_KEY" in result.stderr
        assert before[0]["kid"] in result.stderr
    assert [(key["kid"], key["state"]) for key in listed(run)] == [(before[0]["kid"], "refused")]
    monkeypatch.setenv("SIGNING_KEY_ENCRYPTION_KEY", "5a" * 32)
    assert listed(run) == before


def test_a_key_is_revoked_after_a_question(run: Run) -> None:
    run("generate", "--algorithm", "ES256")
    run("generate", "--algorithm", "ES256", "--organization", "acme")
    (own,) = listed(run, "--organization", "acme")
    refused = run("revoke", own["kid"], input="n\n")
    assert refused.exit_code == 1
    assert f"Revoke signing key {own['kid']} for good?" in refused.stderr
    assert listed(run, "--organization", "acme") == [own]
    agreed = run("revoke", own["kid"], input="y\n")
    assert agreed.exit_code == 0
    assert f"ES256 key {own['kid']} is revoked" in agreed.stdout
    assert [key["state"] for key in listed(run)] == ["active", "revoked"]


def test_succession_A1_a_key_in_the_clear_is_adopted_after_a_question(
    run: Run, fresh_database_url: str
) -> None:
    run("generate")
    left = plain_row(number=8)
    run_apart(_leave(fresh_database_url, left))
    assert {key["state"] for key in listed(run) if key["kid"] == left.kid} == {"refused"}
    asked = run("adopt", left.kid, input="n\n")
    assert asked.exit_code == 1
    assert f"Porta 1.x made signing key {left.kid}?" in asked.stderr
    assert {key["state"] for key in listed(run) if key["kid"] == left.kid} == {"refused"}
    adopted = run("adopt", left.kid, "--yes")
    assert adopted.exit_code == 0, adopted.output
    assert {key["state"] for key in listed(run) if key["kid"] == left.kid} != {"refused"}
    assert run("adopt", left.kid, "--yes").exit_code == 1


async def _leave(database_url: str, row: SigningKey) -> None:
    storage = (await Storage.open(database_url, pool_size=1)).everywhere
    await storage.signing_keys.insert(structs.replace(row, id=str(uuid.uuid4())))
    await storage.close()


def test_security_7_a_revocation_that_cannot_ask_keeps_the_guard(run: Run) -> None:
    """A script that does as it is told here must not lose the last key that signs."""
    run("generate", "--algorithm", "ES256")
    (key,) = listed(run)
    refused = run("revoke", key["kid"])
    assert refused.exit_code == 2
    assert "--yes" in refused.output
    assert "--force" not in refused.output
    obeyed = run("revoke", key["kid"], "--yes")
    assert obeyed.exit_code == 1
    assert "--force" not in obeyed.output
    assert listed(run) == [key]


def test_security_7_force_asks_all_the_same(run: Run) -> None:
    run("generate", "--algorithm", "ES256")
    (key,) = listed(run)
    assert run("revoke", key["kid"], "--force").exit_code == 2
    assert run("revoke", key["kid"], "--force", input="n\n").exit_code == 1
    assert listed(run) == [key]
    assert run("revoke", key["kid"], "--force", input="y\n").exit_code == 0
    assert [key["state"] for key in listed(run)] == ["revoked"]


def test_the_last_key_that_can_sign_is_revoked_by_force_alone(run: Run) -> None:
    run("generate", "--algorithm", "ES256")
    (key,) = listed(run)
    refused = run("revoke", key["kid"], input="y\n")
    assert refused.exit_code == 1
    assert "Rotate it first" in refused.stderr
    assert listed(run) == [key]
    forced = run("revoke", key["kid"], "--force", "--yes")
    assert forced.exit_code == 0
    assert "porta keys generate" in forced.stdout
    assert [key["state"] for key in listed(run)] == ["revoked"]


def test_security_7_after_a_rotation_the_old_key_is_revoked_at_once(run: Run) -> None:
    run("generate", "--algorithm", "ES256")
    (old,) = listed(run)
    run("rotate", "--yes")
    assert run("revoke", old["kid"], "--yes").exit_code == 0
    new, revoked = listed(run)
    assert (new["state"], revoked["state"]) == ("active", "revoked")
    assert run("rotate", "--yes").exit_code == 0, "nothing waits to sign any more"


def test_an_unknown_key_cannot_be_revoked(run: Run) -> None:
    result = run("revoke", "0123456789abcdef", "--yes")
    assert result.exit_code == 1
    assert "'0123456789abcdef'" in result.stderr


@pytest.mark.parametrize("command", [["rotate"], ["revoke", "k"]])
@pytest.mark.parametrize("given", ["", "<&-", "</dev/null"])
def test_without_a_terminal_nothing_is_asked_before_the_error(
    command: list[str], given: str
) -> None:
    """A question that nobody can answer is noise in the log of whatever ran it."""
    porta = f"{shlex.quote(sys.executable)} -m porta keys {' '.join(command)} {given}"
    done = subprocess.run(["sh", "-c", porta], input="", capture_output=True, text=True)
    assert done.returncode == 2
    assert "There is no terminal to ask at. Give --yes." in done.stderr
    assert "?" not in done.stdout + done.stderr


def test_an_answer_that_is_piped_in_is_heard(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "porta", "keys", "rotate"],
        input="n\n", capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    assert done.returncode == 1
    assert "Rotate all signing keys" in done.stderr
    assert "Aborted" in done.stderr


def test_without_a_terminal_each_key_is_one_line(run: Run) -> None:
    run("generate")
    run("generate", "--organization", "acme")
    for key in listed(run):
        (line,) = [row for row in run("list").stdout.splitlines() if key["kid"] in row]
        for text in (key["algorithm"], key["ring"], key["state"], key["signs_from"]):
            assert text in line


def test_dates_are_rfc_3339(run: Run) -> None:
    made = json.loads(run("generate", "--algorithm", "ES256", "--json").stdout)
    run("rotate", "--yes")
    for key in (*made, *listed(run)):
        for moment in (key["signs_from"], key.get("leaves_jwks")):
            assert moment is None or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", moment)


def test_help_teaches(run: Run) -> None:
    text = run("--help").stdout
    for word in ("PUBLISHED", "ACTIVE", "RETIRED", "GONE", "list", "generate", "rotate", "revoke"):
        assert word in text


def test_no_private_key_is_ever_printed(run: Run) -> None:
    output = "".join(run(*words).output for words in (("generate",), ("list",), ("list", "--json")))
    assert "PRIVATE" not in output
