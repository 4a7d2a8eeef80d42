"""What `porta dev` is asked for, and what it tells of an issuer that it does not use."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from porta.__main__ import main
from porta.dev.plan import Plan

ISSUER = "https://id.example.test"


def _plan(issuer: str | None = None) -> Plan:
    return Plan(3000, Path("data"), (), 2, issuer)


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ISSUER_BASE_URL", raising=False)


def test_without_a_word_it_is_this_machine() -> None:
    assert _plan().base_url == "http://localhost:3000"
    assert _plan().notes() == []
    assert _plan().proxies({}) == {}


def test_an_issuer_is_a_proxys_and_the_proxy_is_believed() -> None:
    plan = _plan(ISSUER)
    assert plan.base_url == ISSUER
    (note,) = plan.notes()
    assert note.startswith(f"{ISSUER} is where your proxy answers")
    assert "http://127.0.0.1:3000 and http://127.0.0.1:3001" in note
    assert plan.proxies({}) == {"TRUSTED_PROXIES": "127.0.0.1,::1"}
    assert plan.proxies({"TRUSTED_PROXIES": "10.0.0.1"}) == {}


@pytest.mark.parametrize("place", ["environment", "file"])
def test_an_issuer_of_the_environment_is_not_left_aside_without_a_word(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    if place == "environment":
        monkeypatch.setenv("ISSUER_BASE_URL", ISSUER)
    else:
        Path(".env").write_text(f"ISSUER_BASE_URL={ISSUER}\n")
    (note,) = _plan().notes()
    assert note.startswith(f"ISSUER_BASE_URL ({ISSUER}) is not used here")
    assert f"--issuer {ISSUER}" in note
    assert "not used" not in _plan(ISSUER).notes()[0]


@pytest.mark.parametrize("named", ["", "http://localhost:3000"])
def test_where_both_say_the_same_there_is_nothing_to_tell(
    monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("ISSUER_BASE_URL", named)
    assert _plan().notes() == []


@pytest.mark.parametrize(
    "issuer",
    ["id.example.test", "https://id.example.test/", "ftp://x", "",
     "https://id.example.test?x", "https://u@id.example.test", "https://id.example.test:99999"],
)  # fmt: skip
def test_what_no_issuer_can_be_is_refused_with_the_form(issuer: str) -> None:
    result = CliRunner().invoke(main, ["dev", "--issuer", issuer])
    assert result.exit_code == 2
    assert "is malformed; https://id.example.com" in result.stderr.replace("\n", " ")
