"""A real PostgreSQL and a real Redis for development and tests, found or started."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from porta.dev import binaries, postgres_data
from porta.dev.postgres_data import Cluster
from porta.dev.processes import (
    Child,
    StartFailed,
    free_port,
    kept_password,
    kill_group,
    lock,
    spawn,
    write_private,
)

_ATTEMPTS = 5
_PATIENCE = 60.0
"""Seconds a server may take to become ready; recovery after a crash needs some."""


@dataclass(slots=True)
class RunningServer:
    """A server to connect to at `url`. `child` is None when it was running before us."""

    url: str
    child: Child | None = None
    lock: IO[bytes] | None = None
    directory: Path | None = None

    @property
    def pid(self) -> int | None:
        return self.child.pid if self.child else None

    def stop(self) -> None:
        """Stop it if we started it; its data stays."""
        if self.child:
            self.child.stop()
        if self.lock:
            self.lock.close()

    def discard(self) -> None:
        """Stop it if we started it, and remove its data."""
        self.stop()
        if self.directory:
            postgres_data.remove(self.directory / "data")
            shutil.rmtree(self.directory, ignore_errors=True)


def start_postgres(
    directory: Path,
    *,
    url: str | None = None,
    settings: Mapping[str, str] | None = None,
    avoid: Container[int] = (),
) -> RunningServer:
    """Return the PostgreSQL at `url`, else start one with its data in `directory`.

    The server listens on the loopback interface only, at a free port that is none to `avoid`, with
    a random password; it stops when this process ends. `settings` are further parameters of
    postgresql.conf.
    Raises StartFailed.
    """
    if url:
        return RunningServer(url)
    directory = _own(directory, 0o711)  # the server's own account passes through it
    held = lock(directory / "lock", f"running the PostgreSQL in {directory}")
    with _released_on_failure(held):
        cluster = postgres_data.prepare(directory)
        leftover = _first_number(cluster.data / "postmaster.pid")
        _clear_leftover(cluster.data, leftover, signal.SIGINT)
        child, port = _with_free_port(
            lambda port: _run_postgres(cluster, directory, port, settings or {}),
            lambda child, _: _postmaster_ready(cluster.data, child),
            avoid,
        )
    user = f"{postgres_data.USER}:{cluster.password}"
    url = f"postgresql://{user}@127.0.0.1:{port}/{postgres_data.DATABASE}"
    return RunningServer(url, child, held, directory)


def start_redis(
    directory: Path, *, url: str | None = None, avoid: Container[int] = ()
) -> RunningServer:
    """Return the Redis at `url`, else start one with its data in `directory`.

    As with PostgreSQL: loopback, a free port, a random password, gone with this process.
    Raises StartFailed.
    """
    if url:
        return RunningServer(url)
    directory = _own(directory, 0o700)
    held = lock(directory / "lock", f"running the Redis in {directory}")
    with _released_on_failure(held):
        password = kept_password(directory)
        _clear_leftover(directory, _first_number(directory / "redis.pid"), signal.SIGTERM)
        program = binaries.locate_redis()
        child, port = _with_free_port(
            lambda port: _run_redis(program, directory, port, password),
            lambda _, port: _redis_answers(port, password),
            avoid,
        )
    return RunningServer(f"redis://:{password}@127.0.0.1:{port}/0", child, held, directory)


def _own(directory: Path, mode: int) -> Path:
    directory.parent.mkdir(parents=True, exist_ok=True)
    directory.mkdir(mode=mode, exist_ok=True)
    return directory.resolve()


@contextlib.contextmanager
def _released_on_failure(held: IO[bytes]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        held.close()
        raise


def _run_postgres(
    cluster: Cluster, directory: Path, port: int, settings: Mapping[str, str]
) -> Child:
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",  # a socket's path may have 107 bytes, a folder's many more
        "max_connections": "200",
        **settings,
    }
    return spawn(
        [cluster.postgres.server, "-D", str(cluster.data.resolve())]
        + [f"--{name}={value}" for name, value in options.items()],
        name="PostgreSQL",
        log=directory / "server.log",
        env=postgres_data.environment(),
        cwd=Path("/"),
        account=cluster.account,
        stop_signal=signal.SIGINT,  # "fast": open transactions are rolled back
    )


def _run_redis(program: str, directory: Path, port: int, password: str) -> Child:
    lines = ["bind 127.0.0.1", f"port {port}", f"requirepass {password}", "appendonly yes"]
    # A log for each release: one that another program wrote would keep this one from starting.
    lines.append(f"appendfilename {binaries.redis_release(program)}.aof")
    lines.append('save ""')  # the log keeps everything; a snapshot that fails would hold up the end
    write_private(directory / "redis.conf", "\n".join(lines) + "\n")
    child = spawn(
        [program, "redis.conf"],
        name="Redis",
        log=directory / "server.log",
        env={"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)},
        cwd=directory,
    )
    (directory / "redis.pid").write_text(f"{child.pid}\n")
    return child


def _with_free_port(
    start: Callable[[int], Child], ready: Callable[[Child, int], bool], avoid: Container[int]
) -> tuple[Child, int]:
    """Start on a free port; once more on another when somebody else took it meanwhile."""
    for attempt in range(1, _ATTEMPTS + 1):
        while (port := free_port()) in avoid:
            pass
        child = start(port)
        try:
            if _wait(child, partial(ready, child, port)):
                return child, port
        except BaseException:
            child.stop()
            raise
        child.stop()
        if attempt == _ATTEMPTS or "in use" not in child.last_lines(5):
            break
    raise StartFailed(f"{child.name} did not start. The end of {child.log}:\n{child.last_lines()}")


def _wait(child: Child, ready: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and child.exit_code() is None:
        if ready():
            return True
        time.sleep(0.01)
    return False


def _postmaster_ready(data: Path, child: Child) -> bool:
    """Read the file that PostgreSQL keeps for pg_ctl: its pid first, its state in line 8."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(child.pid) and lines[7].strip() == "ready"


def _redis_answers(port: int, password: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\n") < 2 and (more := connection.recv(256)):
                answer += more
    except OSError:
        return False
    return answer == b"+OK\r\n+PONG\r\n"  # while it loads its data: -LOADING


def _first_number(path: Path) -> int | None:
    try:
        return int(path.read_text().split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _clear_leftover(folder: Path, pid: int | None, stop_signal: signal.Signals) -> None:
    """Stop a server that outlived the process which started it, if it is still at its data."""
    if pid is None or not _works_in(pid, folder):
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, stop_signal)
    deadline = time.monotonic() + 15
    while _works_in(pid, folder):
        if time.monotonic() > deadline:
            kill_group(pid)
        time.sleep(0.02)


def _works_in(pid: int, folder: Path) -> bool:
    """Tell by its working directory, since a pid alone may meanwhile be anybody's."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == folder.resolve()
    except OSError:
        return False
