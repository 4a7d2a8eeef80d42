"""`porta health` waits as long as it is told, for databases and servers alike."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from porta.__main__ import main
from tests.porta.dev.answering import answering
from tests.world.ports import free_port

_OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


def settings() -> dict[str, str]:
    return {
        "DATABASE_URL": f"postgresql://porta@127.0.0.1:{free_port()}/porta",
        "ISSUER_BASE_URL": "http://localhost:3000",
        "COOKIE_KEYS": "k" * 32,
        "SIGNING_KEY_ENCRYPTION_KEY": "ab" * 32,
        "REDIS_URL": "",
    }


@pytest.mark.parametrize("seconds", ["nan", "inf", "-inf", "-1", "soon"])
def test_a_time_without_end_is_refused(seconds: str) -> None:
    result = CliRunner(env=settings()).invoke(main, ["health", "--wait", seconds])
    assert result.exit_code == 2
    assert "--wait" in result.output


def test_health_waits_for_a_server_too() -> None:
    began = time.monotonic()
    url = f"http://127.0.0.1:{free_port()}"
    result = CliRunner().invoke(main, ["health", "--wait", "1.5", "--url", url])
    assert result.exit_code == 1
    assert time.monotonic() - began >= 1.5
    assert result.output.count("No Porta answers") == 1
    refused = CliRunner().invoke(main, ["health", "--wait", "60", "--url", "file:///etc/passwd"])
    assert refused.exit_code == 2, "it is not waited for"


def test_a_server_that_becomes_well_is_well() -> None:
    with answering(
        b"nonsense\r\n\r\n", _OK + b'{"status": "unhealthy"}', _OK + b'{"status": "healthy"}'
    ) as url:
        result = CliRunner().invoke(main, ["health", "--wait", "60", "--url", url])
    assert (result.exit_code, result.output) == (0, "server     ok\n")


@pytest.mark.parametrize("command", [["health"], ["serve"], ["keys", "list"]])
def test_a_file_of_settings_that_is_not_utf_8_is_told(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(b"LOG_LEVEL=d\xff\n")
    result = CliRunner(env=settings()).invoke(main, command)
    assert result.exit_code == 1
    assert ".env: is not UTF-8" in result.output
