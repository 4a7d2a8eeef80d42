"""`porta jobs`: listed, shown, tried again, and cancelled."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from porta.__main__ import main
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests import factories
from tests.world.databases import run_apart

ACME = "0b6b0f4e-3c1a-4d5c-9c3e-9b1b3b4b5c6d"
Run = Callable[..., Result]
_JOBS = f"""
INSERT INTO jobs (kind, payload, organization_id, attempts, ready, dead_at, done_at, last_error,
        progress_done, progress_total, progress_message, schedule) VALUES
    ('send_mail', '{{"to": "ann@acme.test"}}', '{ACME}', 10, FALSE, now(), NULL,
        E'550 no [bold]such\\x1b[2J person', NULL, NULL, NULL, NULL),
    ('export', '{{}}', '{ACME}', 1, FALSE, NULL, now(), NULL, 5, 5, 'rows', NULL),
    ('send_mail', '{{}}', NULL, 3, FALSE, now(), NULL, 'no', NULL, NULL, NULL, NULL),
    ('purge_expired', '{{}}', NULL, 0, FALSE, NULL, NULL, NULL, NULL, NULL, NULL, 'purge_expired')
"""


@pytest.fixture
def run(fresh_database_url: str) -> Run:
    """Run the command on a database with an organization and four jobs, ids 1 to 4."""
    run_apart(_fill(fresh_database_url))

    def invoke(*arguments: str, input: str | None = None, key: str | None = "ab" * 32) -> Result:
        environment = {
            "DATABASE_URL": fresh_database_url,
            "SIGNING_KEY_ENCRYPTION_KEY": key,
            "COLUMNS": "80",
        }
        return CliRunner(env=environment).invoke(main, ["jobs", *arguments], input=input)

    return invoke


async def _fill(url: str) -> None:
    storage = (await Storage.open(url, pool_size=1)).everywhere
    await storage.organizations.insert(factories.organization(id=ACME, name="Acme", slug="acme"))
    await storage.close()
    pg = await Postgres.open(url, 1)
    await pg.execute(_JOBS)
    await pg.close()


def test_to_look_needs_no_key_and_to_retry_does(run: Run) -> None:
    assert run("show", "3", key=None).exit_code == 0
    refused = run("retry", "3", key=None)
    assert (refused.exit_code, "SIGNING_KEY_ENCRYPTION_KEY" in refused.output) == (1, True)
    assert "dead" in run("show", "3", key=None).output


def listed(run: Run, *options: str) -> list[dict[str, Any]]:
    result = run("list", "--json", *options)
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_jobs_are_listed_the_latest_first_and_by_what_is_asked_for(run: Run) -> None:
    assert [job["id"] for job in listed(run)] == [4, 3, 2, 1]
    assert [job["id"] for job in listed(run, "--limit", "2")] == [4, 3]
    assert [job["id"] for job in listed(run, "--state", "dead")] == [3, 1]
    assert [job["id"] for job in listed(run, "--kind", "export")] == [2]
    assert [job["id"] for job in listed(run, "--organization", "acme")] == [2, 1]
    (done,) = listed(run, "--kind", "export")
    assert done["progress"] == {"done": 5, "total": 5, "message": "rows"}
    assert done["state"] == "done"


def test_a_line_a_job_and_no_orders_to_the_terminal(run: Run) -> None:
    result = run("list")
    assert result.exit_code == 0
    (line,) = [each for each in result.output.splitlines() if "550" in each]
    assert "550 no [bold]such [2J person" in line
    assert "acme" in line
    assert "10 of 10" in line
    assert "\x1b" not in result.output
    assert "5 of 5 rows" in result.output


def test_what_is_in_a_job_is_never_shown(run: Run) -> None:
    for result in (run("list"), run("show", "1"), run("show", "1", "--json")):
        assert result.exit_code == 0
        assert "ann@acme.test" not in result.output
        assert "550" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "99"], "Job not found"),
        (["show", "x"], "Job not found"),
        (["retry", "99"], "Job not found"),
        (["retry", "2"], "this job is done"),
        (["cancel", "1", "99", "--yes"], "Job not found"),
        (["cancel", "1", "2", "--yes"], "this job is done"),
        (["cancel", "4", "--yes"], "this job recurs"),
        (["list", "--organization", "nobody"], "No organization has the slug 'nobody'"),
    ],
)
def test_what_is_refused_is_told_in_words(run: Run, arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert said in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "arguments", [["cancel"], ["retry"], ["retry", "1", "--dead"], ["list", "--state", "x"]]
)
def test_what_makes_no_sense_is_a_matter_of_usage(run: Run, arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_one_dead_letter_is_tried_again_and_none_where_one_cannot_be(run: Run) -> None:
    assert run("retry", "1", "2").exit_code == 1
    assert [job["id"] for job in listed(run, "--state", "dead")] == [3, 1]
    result = run("retry", "1")
    assert (result.exit_code, result.output) == (0, "✓ 1 job is tried again.\n")
    (job,) = listed(run, "--state", "ready")
    assert (job["id"], job["attempts"]) == (1, 0)


def test_all_dead_letters_are_tried_again_after_a_question(run: Run) -> None:
    assert run("retry", "--dead", input="n\n").exit_code == 1
    assert len(listed(run, "--state", "dead")) == 2
    result = run("retry", "--dead", input="y\n")
    assert "✓ 2 jobs are tried again." in result.output
    assert listed(run, "--state", "dead") == []
    assert "0 jobs" in run("retry", "--dead", "--yes").output


def test_what_recurs_is_shown_and_run_at_once_when_asked(run: Run) -> None:
    (job,) = listed(run, "--kind", "purge_expired")
    assert (job["recurs"], job["max_attempts"], job["state"]) == (True, None, "waiting")
    assert run("retry", "4").exit_code == 0


def test_a_job_is_cancelled_after_a_question(run: Run) -> None:
    assert run("cancel", "1", input="n\n").exit_code == 1
    assert run("cancel", "1", "2", "--yes").exit_code == 1
    assert [job["id"] for job in listed(run, "--state", "dead")] == [3, 1], "all of them, or none"
    result = run("cancel", "1", "3", input="y\n")
    assert "✓ 2 jobs are cancelled." in result.output
    assert [job["id"] for job in listed(run, "--state", "cancelled")] == [3, 1]
    assert "0 jobs" in run("retry", "--dead", "--yes").output
    assert run("retry", "1").exit_code == 0
