"""What `porta dev` is asked for, and what it tells of an issuer that it does not use."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from porta.__main__ import main
from porta.dev import instances
from porta.dev.plan import Plan
from porta.dev.processes import StartFailed

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


@pytest.mark.parametrize("name", ["", " "])
def test_people_10_a_folder_without_a_name_is_refused(name: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["dev", "--data", name])
    assert result.exit_code == 2
    assert "an empty name is no folder" in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [".", "checkout", "checkout/../checkout"])
@pytest.mark.parametrize("kind", ["folder", "file"])
def test_people_10_a_repository_is_no_data_folder(name: str, kind: str, tmp_path: Path) -> None:
    top = tmp_path / name
    (tmp_path / "checkout").mkdir()
    (top / ".git").mkdir() if kind == "folder" else (top / ".git").write_text("gitdir: x")
    before = sorted(tmp_path.rglob("*"))
    result = CliRunner().invoke(main, ["dev", "--data", name])
    assert result.exit_code == 1
    assert "is a git repository" in result.output
    assert f"--data {top.resolve() / '.porta'}" in result.output
    assert sorted(tmp_path.rglob("*")) == before


def test_people_11_a_taken_port_is_told_with_the_whole_command() -> None:
    plan = Plan(0, Path("my data"), (Path("one.yaml"),), 2, ISSUER)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartFailed) as refusal:
            instances.check_ports(port, 2, plan.command)
    told = re.fullmatch(
        rf"Port {port} is taken\. Choose another: porta dev --port (\d+) --data 'my data'"
        rf" --seed one\.yaml --instances 2 --issuer {re.escape(ISSUER)}",
        str(refusal.value),
    )
    assert told, str(refusal.value)
    instances.check_ports(int(told[1]), 2, plan.command)


def test_people_11_the_port_told_is_free() -> None:
    plain = Plan(1, Path(".porta").resolve(), (), 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        wished = port + 1000 if port + 1000 <= 65536 - 1 else 1024
        try:
            also = socket.create_server(("127.0.0.1", wished))
        except OSError:
            also = None  # somebody has it already
        with pytest.raises(StartFailed) as refusal:
            instances.check_ports(port, 1, plain.command)
        if also is not None:
            also.close()
    assert f"porta dev --port {wished}" not in str(refusal.value).split(" is taken")[1]
