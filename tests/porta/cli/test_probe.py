"""The health checks of 1.x's compose files, which the image has no curl and wget for (A19)."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.world.ports import free_port

PROBE = Path(__file__).parents[3] / "docker" / "probe"
CURL = ("curl", "-f")
WGET = ("wget", "--no-verbose", "--tries=1", "--spider")


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def _run(folder: Path, program: str, *words: str) -> subprocess.CompletedProcess[str]:
    link = folder / program
    link.unlink(missing_ok=True)
    link.symlink_to(PROBE)
    return subprocess.run(
        [link, *words], capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "http_proxy": "http://127.0.0.1:1"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "refused", "silent"),
    [
        ((*CURL,), 22, 7),
        (("curl", "-fsS", "-o", "/dev/null"), 22, 7),
        (("curl", "--fail", "--silent"), 22, 7),
        ((*WGET,), 8, 4),
        (("wget", "-q", "-O", "-"), 8, 4),
    ],
)
def test_succession_A19_probes_of_1x_are_answered(
    tmp_path: Path, port: int, words: tuple[str, ...], refused: int, silent: int
) -> None:
    well = _run(tmp_path, *words, f"http://localhost:{port}/health")
    assert (well.returncode, well.stdout) == (0, "")
    assert _run(tmp_path, *words, f"http://127.0.0.1:{port}/ready").returncode == refused
    assert _run(tmp_path, *words, f"http://localhost:{free_port()}/health").returncode == silent


@pytest.mark.parametrize(
    "words",
    [(), ("-f",), ("http://192.0.2.1/",), ("https://localhost/health",), ("file:///etc/passwd",),
     ("http://localhost:3000/health", "http://localhost:3000/ready")],
)  # fmt: skip
def test_succession_A19_nothing_else_is_fetched(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = _run(tmp_path, "curl", *words)
    assert result.returncode == 1
    assert "health checks alone" in result.stderr


def test_succession_A19_the_image_has_both() -> None:
    image = (PROBE.parents[1] / "Dockerfile").read_text("utf-8")
    for program in ("curl", "wget"):
        assert f"ln -s probe /usr/local/bin/{program}" in image
