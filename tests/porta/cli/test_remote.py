"""Lists, files, queue, keys and trail from another machine: by the client of the Admin API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from porta.__main__ import main
from storage.models.interactions import Consent
from tests.handlers.admin_api.examples_of_consents import allowed
from tests.handlers.admin_api.examples_of_traces import traced
from tests.porta.cli.test_nouns import (
    Porta,
    file,
    installation,
    porta,
    super_porta,
)
from tests.world.administrators import Installation

__all__ = ["file", "installation", "porta", "super_porta"]


@pytest.fixture(autouse=True)
def _no_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "PORTA_SERVER"):
        monkeypatch.delenv(name, raising=False)


def _json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def _person(installation: Installation, home: str) -> str:
    return (await installation.person(organization_id=home)).id


async def test_consents_are_shown_and_withdrawn(
    super_porta: Porta, installation: Installation
) -> None:
    home = (await installation.organization()).id
    person = await _person(installation, home)
    for client in ("shop", "desk"):
        await allowed(installation, home, person, client, Consent(scope=("openid",)))
    of = (person, "--org", home)
    listed = _json(await super_porta("user", "consents", "list", *of, "--json"))
    assert [each["clientId"] for each in listed] == ["desk", "shop"]
    withdraw = ("user", "consents", "withdraw", person, "shop", "--org", home)
    assert (await super_porta(*withdraw, input="n\n")).exit_code == 1
    assert (await super_porta(*withdraw, "--yes")).stdout == "✓ It may nothing more.\n"
    again = await super_porta(*withdraw, "--yes")
    assert (again.exit_code, again.stderr) == (1, "Error: Consent not found\n")
    rest = await super_porta("user", "consents", "withdraw-all", *of, "--yes", "--json")
    assert _json(rest) == {"clientIds": ["desk"]}


async def test_what_failed_of_many_is_told_and_fails(
    super_porta: Porta, installation: Installation
) -> None:
    home = (await installation.organization()).id
    person = await _person(installation, home)
    nobody = "00000000-0000-4000-8000-000000000000"
    told = await super_porta(
        "bulk", "execute", "--entity-type", "users", "--action", "lock", "--organization-id", home,
        "--ids", f"{person},{nobody}", "--reason", "theft", "--force",
    )  # fmt: skip
    assert (told.exit_code, "1 done, 1 failed" in told.stderr) == (1, True), told.output
    assert "locked" in told.stdout
    done = await super_porta(
        "bulk", "users", "--action", "unlock", "--org", home, "--ids", person, "--yes"
    )
    assert (done.exit_code, "1 done, 0 failed" in done.stdout) == (0, True)


async def test_lists_are_written_to_files_in_former_words_too(
    super_porta: Porta, installation: Installation, tmp_path: Path
) -> None:
    home = await installation.organization()
    person = await installation.person(organization_id=home.id)
    within = ("--org", home.slug)
    asked = ("export", "users", "--format", "csv", *within)
    printed = await super_porta(*asked)
    assert person.email in printed.stdout
    kept = tmp_path / "people.csv"
    former = ("exports", "download", "--entity-type", "users", "--org-id", home.id)
    assert (await super_porta(*former, "-o", str(kept))).exit_code == 0
    assert kept.read_bytes().decode() == printed.stdout
    nowhere = await super_porta(*asked, "-o", str(tmp_path / "none" / "x"))
    assert (nowhere.exit_code, "No such file" in nowhere.stderr) == (1, True)


async def test_files_and_people_are_brought_in(
    super_porta: Porta, installation: Installation, tmp_path: Path
) -> None:
    home = await installation.organization()
    people = tmp_path / "people.csv"
    people.write_text("email,given_name\nnew@x.example,New\n")
    asked = ("import", "people", "--org", home.slug, str(people))
    told = await super_porta(*asked)
    assert (told.exit_code, "created  1" in told.stdout) == (0, True), told.output
    assert "new@x.example" not in (await super_porta("export", "users", "--org", home.id)).stdout
    assert (await super_porta(*asked, "--mode", "merge")).exit_code == 0
    assert "new@x.example" in (await super_porta("export", "users", "--org", home.id)).stdout
    manifest = tmp_path / "org.yaml"
    slug = f"i{home.slug}"
    manifest.write_text(f'version: "1.0"\norganizations:\n  - name: In\n    slug: {slug}\n')
    made = await super_porta("import", "file", str(manifest), "--mode", "merge")
    assert made.exit_code == 0
    assert _json(await super_porta("org", "show", slug, "--json"))["name"] == "In"
    manifest.write_text("- nothing")
    wrong = await super_porta("import", "file", str(manifest))
    assert (wrong.exit_code, "no provisioning file" in wrong.stderr) == (1, True)


async def test_queue_keys_trail_and_counts(super_porta: Porta, installation: Installation) -> None:
    kind = "porta.nothing"
    await installation.execute(
        "INSERT INTO jobs (kind, dead_at, last_error) VALUES (%(kind)s, now(), %(why)s)",
        kind=kind,
        why="no [x]\x1b[2J\x9b",
    )
    jobs = _json(await super_porta("jobs", "list", "--kind", kind, "--json"))
    watched = await super_porta("jobs", "watch", jobs[0]["id"])
    assert (watched.exit_code, "It failed: no [x] [2J" in watched.stderr) == (1, True)
    assert not {"\x1b", "\x9b"} & set(watched.output)
    shown = _json(await super_porta("jobs", "show", jobs[0]["id"], "--remote", "--json"))
    assert shown["kind"] == jobs[0]["kind"]
    keys = _json(await super_porta("keys", "list", "--json"))
    assert keys[0]["kid"]
    home = (await installation.organization()).slug
    await super_porta("org", "suspend", home, "--yes")
    trail = _json(await super_porta("audit", "list", "--event", "org.suspended", "--json"))
    assert {each["eventType"] for each in trail} == {"org.suspended"}
    assert "eventType" not in (await super_porta("audit", "list", "--limit", "2")).stdout
    assert _json(await super_porta("stats", "show", "--json"))["organizations"]
    assert "users" in (await super_porta("stats", "show")).stdout


async def test_a_support_code_is_told_as_it_was_read_out(
    super_porta: Porta, installation: Installation
) -> None:
    code = await traced(installation, (await installation.organization()).id)
    told = await super_porta("trace", code.lower().replace("-", ""))
    assert told.exit_code == 0, told.output
    assert "POST /interaction/***  429  request r2" in told.stdout
    assert "GET /acme/auth  request r1" in told.stdout
    assert "waits for login (no_session)" in told.stdout
    assert "refused: error rate_limited, reason too many" in told.stdout
    unknown = await super_porta("trace", "UUU-UUU")
    assert (unknown.exit_code, "not found" in unknown.stderr) == (1, True)


async def test_a_database_that_is_named_is_asked_unless_told_otherwise(
    super_porta: Porta, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = "postgresql://porta@127.0.0.1:1/none"
    here = await super_porta("jobs", "list", DATABASE_URL=nowhere)
    assert (here.exit_code, "127.0.0.1" in here.stderr) == (1, True), here.output
    there = await super_porta("jobs", "list", "--remote", DATABASE_URL=nowhere)
    assert there.exit_code == 0, there.output


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("doctor", "porta whoami"),
        ("gui", "porta org"),
        ("exports download --entity-type x", "is one of"),
        ("exports download", "Missing option"),
        ("bulk execute --entity-type x", "organizations or users"),
        ("client login-methods x", "get, set or clear"),
        ("client administration set C R", "--everywhere"),
    ],
)
def test_former_words_that_are_not_here_name_the_new_one(given: str, told: str) -> None:
    result = CliRunner().invoke(main, given.split())
    assert (result.exit_code, told in result.stderr) == (2, True), result.output
