"""`porta serve` before its databases are there."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.porta.dev.processes import wait_for
from tests.world.ports import free_port
from tests.world.serving import serving


def _said(log: Path, event: str) -> dict[str, object] | None:
    """Return the first line of the log that tells of `event`."""
    for line in log.read_text().splitlines():
        with contextlib.suppress(ValueError):
            told: dict[str, object] = json.loads(line)
            if event in told.values():
                return told
    return None


def _status(port: int) -> str | None:
    try:
        with urlopen(f"http://127.0.0.1:{port}/ready", timeout=10) as answer:
            return str(json.load(answer)["status"])
    except (URLError, ConnectionError):
        return None


def test_faults_F2_people32_a_server_starts_though_redis_is_away(
    tmp_path: Path, fresh_database_url: str
) -> None:
    log, port, redis = tmp_path / "log", free_port(), free_port()
    url = f"redis://:hunter2@127.0.0.1:{redis}"
    with serving(log, port, DATABASE_URL=fresh_database_url, REDIS_URL=url) as process:
        wait_for(lambda: _status(port) == "degraded", 60)
        told = _said(log, "redis.away")
        assert told is not None
        assert told["place"] == f"Redis at 127.0.0.1:{redis}"
        assert "does not answer" in str(told["reason"])
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert "hunter2" not in log.read_text()


def test_faults_F2_a_server_waits_for_postgresql_and_ends_when_it_is_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://porta:hunter2@127.0.0.1:{silent.getsockname()[1]}/porta"
        wait = {"STARTUP_WAIT_SECONDS": "600", "DATABASE_URL": url}
        with serving(log, free_port(), **wait) as process:
            wait_for(lambda: _said(log, "postgres.awaited") is not None, 60)
            told = _said(log, "postgres.awaited")
            assert told is not None
            assert "PostgreSQL at 127.0.0.1" in str(told["reason"])
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) == 0
    assert "hunter2" not in log.read_text()


def test_faults_F2_it_waits_no_longer_than_the_operator_says(tmp_path: Path) -> None:
    log = tmp_path / "log"
    url = f"postgresql://porta@127.0.0.1:{free_port()}/porta"
    wait = {"STARTUP_WAIT_SECONDS": "1", "DATABASE_URL": url}
    with serving(log, free_port(), **wait) as process:
        assert process.wait(60) == 1
    assert "Check DATABASE_URL" in log.read_text()
