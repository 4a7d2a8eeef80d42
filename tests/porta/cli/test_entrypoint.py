"""The container's entrypoint: it waits as long as it is told, and ends when it is told."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.porta.dev.processes import children, wait_for
from tests.world.ports import free_port

ROOT = Path(__file__).parents[3]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with the command `porta`, as the image has it."""
    program = tmp_path / "porta"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m porta "$@"\n')
    program.chmod(0o755)
    return tmp_path


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a database that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def begin(programs: Path, *command: str, **environment: str) -> subprocess.Popen[str]:
    known = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": f"postgresql://porta@127.0.0.1:{free_port()}/porta",
        "ISSUER_BASE_URL": "http://localhost:3000",
        "COOKIE_KEYS": "k" * 32,
        "SIGNING_KEY_ENCRYPTION_KEY": "ab" * 32,
        **environment,
    }
    return subprocess.Popen(
        [ROOT / "docker" / "entrypoint.sh", *command],
        cwd=programs,
        env=known,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # A shell keeps ignoring what it was begun ignoring, as jobs in the background are.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_it_gives_up_when_its_time_is_over_and_says_why(programs: Path, silent: int) -> None:
    began = time.monotonic()
    url = f"postgresql://porta@127.0.0.1:{silent}/porta"
    process = begin(programs, PORTA_WAIT_TIMEOUT="2", DATABASE_URL=url)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "does not answer" in said
    assert time.monotonic() - began >= 2


def test_settings_that_time_does_not_mend_end_it_at_once(programs: Path) -> None:
    process = begin(programs, PORTA_WAIT_TIMEOUT="600", COOKIE_KEYS="short")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "COOKIE_KEYS" in said


@pytest.mark.parametrize("seconds", ["abc", "nan", "inf", "-1", "1.2.3", ".", "5s", " 5", "1e3"])
def test_a_time_that_is_no_number_is_refused_by_its_name(programs: Path, seconds: str) -> None:
    process = begin(programs, PORTA_WAIT_TIMEOUT=seconds)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 64
    assert said == f"PORTA_WAIT_TIMEOUT is '{seconds}'; it is a number of seconds\n"


@pytest.mark.parametrize("value", ['"true"', "'true'", "yes", "1", "True"])
def test_B64_a_switch_that_is_neither_is_refused_and_not_taken_for_no(
    programs: Path, value: str
) -> None:
    process = begin(programs, PORTA_AUTO_MIGRATE=value)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 64
    assert said == f"PORTA_AUTO_MIGRATE is {value}; it is true or false, without quotes\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_it_is_told_though_it_waits(
    programs: Path, silent: int, number: signal.Signals
) -> None:
    url = f"postgresql://porta@127.0.0.1:{silent}/porta"
    process = begin(programs, PORTA_WAIT_TIMEOUT="600", DATABASE_URL=url)
    wait_for(lambda: bool(children(process.pid)), 60)
    assert process.poll() is None
    process.send_signal(number)
    assert process.wait(30) == 143
    assert process.stdout is not None
    process.stdout.close()


def test_with_arguments_it_is_the_command_line(programs: Path) -> None:
    said, _ = begin(programs, "migrate", "--help").communicate(timeout=60)
    assert said.startswith("Usage: porta migrate")


def test_an_unknown_service_is_refused(programs: Path) -> None:
    process = begin(programs, PORTA_SERVICE="admin")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 64
    assert "'admin'; this image knows: server, worker" in said


def test_security_14_the_image_holds_no_installer(tmp_path: Path) -> None:
    """Its own lines are run, with nothing to install."""
    base = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    has_pip = subprocess.run([base, "-m", "pip", "--version"], capture_output=True).returncode == 0
    installer = str(base) if has_pip else sys.executable  # Debian's has none of its own
    (tmp_path / "python").symlink_to(base)
    pip = tmp_path / "pip"
    pip.write_text(f'#!/bin/sh\nexec {shlex.quote(installer)} -m pip "$@"\n')
    pip.chmod(0o755)
    (tmp_path / "requirements.txt").touch()
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    (install,) = (line for line in lines if line.startswith("RUN") and "venv" in line)
    made = tmp_path / "venv"
    script = install.removeprefix("RUN").replace("/opt/venv", str(made))
    script = script.replace("/requirements.txt", str(tmp_path / "requirements.txt"))
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["/bin/sh", "-euc", script], check=True, env=environment, capture_output=True)
    assert (made / "bin" / "python").exists()
    assert not [each.name for each in made.rglob("*") if each.name.startswith("pip")]
    (base_image,) = (line for line in lines if line.startswith("RUN pip uninstall"))
    assert {"pip", "setuptools", "wheel"} <= set(base_image.split())
