"""The words that scripts written for the command line of Porta 1.x use (succession A22)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from porta.__main__ import main
from porta.cli import former_words


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.setenv(name, "kept")  # and put back afterwards


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("migrate up", "migrate up"),
        ("migrate up --verbose", "migrate up"),
        ("--verbose migrate up", "migrate up"),
        ("--json migrate status", "migrate status --json"),
        ("--dry-run migrate up", "migrate up --dry-run"),
        ("--redis-url redis://r migrate up", "migrate up"),
        ("migrate up --redis-url=redis://r", "migrate up"),
        ("migrate up --redis-url redis://r --dry-run", "migrate up --dry-run"),
        ("health check --direct", "health check"),
        ("keys revoke KID --force", "keys revoke KID --force"),
        ("user 2fa reset some-id --force", "user 2fa reset some-id --force"),
        ("migrate up --database-url postgresql://d", "migrate up --database-url postgresql://d"),
        ("--version", "--version"),
        ("--help", "--help"),
    ],
)
def test_succession_A22_harmless_words_are_read(given: str, read: str) -> None:
    assert former_words.read(given.split()) == read.split()
    assert os.environ["REDIS_URL"] == ("redis://r" if "redis" in given else "kept")


@pytest.mark.parametrize(
    ("given", "new_word"),
    [
        ("migrate down", "porta migrate finish"),
        ("migrate down --count 1", "porta migrate finish"),
        ("--json migrate down", "porta migrate finish"),
        ("seed run", "porta dev"),
        ("--force migrate up", "--yes"),
        ("init --force", "once"),
        ("--redis-url", "requires an argument"),
    ],
)
def test_succession_A22_other_words_are_refused_with_the_new_one(given: str, new_word: str) -> None:
    result = CliRunner().invoke(main, given.split())
    assert result.exit_code == 2
    assert new_word in result.output


def test_succession_A22_a_script_of_1x_migrates(create_database: Callable[..., str]) -> None:
    url = create_database()
    script = ["--verbose", "--database-url", url, "--redis-url", "redis://r"]
    done = CliRunner().invoke(main, [*script, "migrate", "up"])
    assert (done.exit_code, "applied 0001" in done.output) == (0, True)
    told = CliRunner().invoke(main, [*script, "--json", "migrate", "status"])
    assert {row["state"] for row in json.loads(told.stdout)} == {"applied"}
