"""Programs for the applications: Porta with their clients, and each application, installed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.applications.application import Application, Command, Place, Registration
from tests.world.ports import free_port

_ROOT = Path(__file__).parents[2]
_UV = _ROOT / ".venv" / "uv" / "bin" / "uv"
_PATIENCE = 300.0  # seconds that a program may take until it serves


class Porta:
    """A Porta of its own, begun afresh, whose organization has a client for each application."""

    def __init__(self, data: Path, seeds: Sequence[Path]) -> None:
        self._data = data
        self._seeds = seeds
        self._process: subprocess.Popen[bytes]
        self._shop: dict[str, Any] = {}

    def __enter__(self) -> Self:
        shutil.rmtree(self._data, ignore_errors=True)
        seeds = [word for seed in self._seeds for word in ("--seed", str(seed))]
        place = ["--port", str(free_port()), "--data", str(self._data)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "porta", "dev", *place, *seeds],
            cwd=_ROOT,
            stdout=subprocess.DEVNULL,
        )
        described = self._data / "dev.json"
        _wait(self._process, described.exists)
        self._shop = json.loads(described.read_text())["organizations"]["shop"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=60)

    def client(self, client_id: str) -> Registration:
        """Return what an application is told."""
        (client,) = (c for c in self._shop["clients"] if c["client_id"] == client_id)
        return Registration(self._shop["issuer"], client_id, client["client_secret"])


def installed(application: Application, folder: Path) -> tuple[Place, str]:
    """Install the application unless it is there; return its place and the versions it has."""
    programs = folder / application.client_id / "programs"
    if application.packages and not (programs / "bin" / "python").exists():
        _run(str(_UV), "venv", "--quiet", "--python", sys.executable, str(programs))
        python = str(programs / "bin" / "python")
        _run(str(_UV), "pip", "install", "--quiet", "--python", python, *application.packages)
    if application.node_packages and not (programs / "node_modules").exists():
        silent = ["--no-audit", "--no-fund", "--loglevel=error"]
        _run("npm", "install", "--prefix", str(programs), *silent, *application.node_packages)
    for package in application.go_packages:
        if not (programs / "bin" / package.split("/")[2]).exists():
            _run("go", "install", package, GOBIN=str(programs / "bin"))
    work = folder / application.client_id / "run"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    return Place(programs, work), _versions(application, programs)


@contextmanager
def serving(application: Application, command: Command, place: Place) -> Iterator[None]:
    """Run the application until the context ends."""
    with (place.folder / "output.log").open("wb") as output:
        process = subprocess.Popen(
            command.words,
            cwd=place.folder,
            env=os.environ | dict(command.environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(process, lambda: _answers(application.url))
            yield
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End it, and what it began: they are a process group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code < 400
    except httpx.HTTPError:
        return False


def _wait(process: subprocess.Popen[bytes], ready: Any) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not ready():
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"{process.args!r} does not serve")
        time.sleep(0.2)


def _versions(application: Application, programs: Path) -> str:
    found = []
    for package in application.packages:
        name = package.partition("=")[0].partition("[")[0].replace("-", "_")
        infos = programs.glob("lib/python3*/site-packages/*.dist-info")
        info = next(info for info in infos if info.name.lower().startswith(f"{name}-"))
        found.append(info.name.removesuffix(".dist-info"))
    for package in application.node_packages:
        name = package.rpartition("@")[0]
        manifest = programs / "node_modules" / name / "package.json"
        found.append(f"{name}-{json.loads(manifest.read_text())['version']}")
    for package in application.go_packages:
        path, _, version = package.partition("@")
        found.append(f"{path.split('/')[2]}-{version}")
    return ", ".join(found)


def _run(*words: str, **environment: str) -> None:
    subprocess.run(words, check=True, env=os.environ | environment)
