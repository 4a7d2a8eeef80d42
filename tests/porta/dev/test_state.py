"""What a development folder keeps, and when it is believed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from porta.dev import instances, state
from porta.dev.processes import StartFailed
from tests.world.ports import free_ports


def test_secrets_are_made_once_and_for_their_owner(tmp_path: Path) -> None:
    first = state.kept_secrets(tmp_path, {})
    assert first.keys() == {
        "COOKIE_KEYS",
        "SIGNING_KEY_ENCRYPTION_KEY",
        "TWO_FACTOR_ENCRYPTION_KEY",
    }
    assert len(bytes.fromhex(first["SIGNING_KEY_ENCRYPTION_KEY"])) == 32
    assert state.kept_secrets(tmp_path, {}) == first
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_secrets_of_the_environment_win_and_are_not_written_down(tmp_path: Path) -> None:
    found = state.kept_secrets(tmp_path, {"COOKIE_KEYS": "mine", "UNRELATED": "x"})
    assert found["COOKIE_KEYS"] == "mine"
    assert "UNRELATED" not in found
    assert "mine" not in (tmp_path / "secrets.json").read_text()


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_damaged_file_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text(text)
    with pytest.raises(StartFailed, match=r"secrets\.json.*[Rr]epair or remove"):
        state.kept_secrets(tmp_path, {})


def test_the_mark_of_a_folder_stays(tmp_path: Path) -> None:
    mark = state.kept_mark(tmp_path)
    assert len(mark) >= 16
    assert state.kept_mark(tmp_path) == mark
    assert (tmp_path / "mark.json").stat().st_mode & 0o777 == 0o600
    (tmp_path / "mark.json").write_text("[]")
    with pytest.raises(StartFailed, match=r"mark\.json.*[Rr]epair or remove"):
        state.kept_mark(tmp_path)


def organizations(secret: str | None) -> dict[str, Any]:
    client = {"client_id": "robot", **({"client_secret": secret} if secret else {})}
    return {"acme": {"clients": [client]}}


def test_a_secret_told_once_is_remembered_until_another_is_told(tmp_path: Path) -> None:
    state.remember_credentials(tmp_path, organizations("first"))
    assert state.remember_credentials(tmp_path, organizations(None)) == organizations("first")
    state.remember_credentials(tmp_path, organizations("second"))
    assert state.remember_credentials(tmp_path, organizations(None)) == organizations("second")


def test_the_schema_is_known_as_long_as_database_and_migrations_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.remember_schema(tmp_path)  # an explicit database: nothing of it is in the folder
    assert not state.is_schema_current(tmp_path)
    (tmp_path / "postgres").mkdir()
    state.remember_schema(tmp_path)
    assert state.is_schema_current(tmp_path)
    monkeypatch.setattr(state, "_schema", lambda: "that of another version")
    assert not state.is_schema_current(tmp_path)


@contextmanager
def _taken_port() -> Iterator[int]:
    """Listen on a port above a free one."""
    port = free_ports(2) + 1
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        yield port


def test_ports_are_looked_at_before_anything_starts() -> None:
    with _taken_port() as port:
        with pytest.raises(StartFailed, match=rf"Port {port} is taken.*--port {port + 1000}"):
            instances.check_ports(port, 1)
        with pytest.raises(StartFailed, match=f"Port {port} is taken"):
            instances.check_ports(port - 1, 2)
    instances.check_ports(port, 1)
    with pytest.raises(StartFailed, match="no ports above 65535"):
        instances.check_ports(65535, 2)
