"""The file `.env`, as node's dotenv read it; what programs differ about is refused by its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from porta.config import env_file
from porta.config.setting_errors import SettingsInvalid

_NAMES = frozenset({"SMTP_PASS", "SMTP_USER"})


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.chdir(tmp_path)


def _read(text: str) -> env_file.EnvFile:
    Path(".env").write_bytes(text.encode())
    return env_file.read(_NAMES)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("SMTP_PASS=hunter2", "hunter2"),
        ("  export SMTP_PASS = hunter2  ", "hunter2"),
        ("smtp_pass=hunter2", "hunter2"),
        ("SMTP_PASS='hun ter#2'", "hun ter#2"),
        ("SMTP_PASS='${HOME}'", "${HOME}"),
        ("SMTP_PASS='hun\\ter'", "hun\\ter"),
        ('SMTP_PASS="hun#ter" # of the relay', "hun#ter"),
        ("SMTP_PASS=hunter2 # of the relay", "hunter2"),
        ("SMTP_PASS=hunter2\t#x", "hunter2"),
        ("SMTP_PASS= # none", ""),
        ("SMTP_PASS=", ""),
        ("SMTP_PASS=a=b", "a=b"),
        ("SMTP_PASS=$HOME", "$HOME"),
        ("SMTP_PASS=a\\nb", "a\\nb"),
        ("SMTP_PASS=a'b\"c", "a'b\"c"),
        ("# SMTP_PASS=x\n\nSMTP_PASS=a\nSMTP_PASS=b", "b"),
        ("\ufeffSMTP_PASS=a\r\nSMTP_USER=b\r\n", "a"),
        ("OTHER='a\nSMTP_PASS=x\n'\nSMTP_PASS=y", "y"),
        ("OTHER=a#b${c\nANOTHER='never closed\nSMTP_PASS=y", "y"),
    ],
)
def test_succession_E_what_every_program_reads_alike_is_taken(line: str, value: str) -> None:
    found = _read(line)
    assert found.values["SMTP_PASS"] == value
    assert found.notes == ()


@pytest.mark.parametrize(
    ("line", "value"), [("SMTP_PASS: hunter2", "hunter2"), ("SMTP_PASS=`hun#ter`", "hun#ter")]
)
def test_succession_E_a_form_of_node_is_read_and_told(line: str, value: str) -> None:
    found = _read(f"# first\n{line}\n")
    assert found.values["SMTP_PASS"] == value
    (note,) = found.notes
    assert note.startswith(".env, line 2: SMTP_PASS ")
    assert "hun" not in note


@pytest.mark.parametrize(
    "line",
    [
        "SMTP_PASS=hunter2${x",
        'SMTP_PASS="hunter2${HOME}"',
        "SMTP_PASS=`hunter2${HOME}`",
        "SMTP_PASS: hunter2${HOME}",
        "SMTP_PASS=hunter2#x",
        "SMTP_PASS=#hunter2",
        'SMTP_PASS="hunter2\\n"',
        "SMTP_PASS='hunter2\\'s'",
        "SMTP_PASS='hunter2",
        'SMTP_PASS="hunter2"x',
        "SMTP_PASS=`hunter2",
        "hunter2",
        "SMTP_PASS hunter2",
        "SMTP_PASS:hunter2",
        "=hunter2",
    ],
)
def test_succession_E_a_password_never_changes_in_silence(line: str) -> None:
    """Also people 35: the file, the line, and nothing of what stands there."""
    with pytest.raises(SettingsInvalid) as caught:
        _read(f"# first\nSMTP_USER=porta\n\n{line}\nSMTP_USER=porta\n")
    (problem,) = caught.value.problems
    assert problem.startswith(".env, line 4: ")
    assert "hunter2" not in problem


def test_succession_E_every_faulty_line_is_told_at_once() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        _read("SMTP_PASS=a#b\nSMTP_USER=${c\n")
    assert [each.partition(":")[0] for each in caught.value.problems] == [
        ".env, line 1", ".env, line 2",
    ]  # fmt: skip
