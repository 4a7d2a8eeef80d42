"""A real PostgreSQL with a synchronous standby, to be promoted when the primary is gone."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from porta.dev import binaries, postgres_data
from porta.dev.processes import identity
from tests.world.ports import free_port

_USER = "porta"


class Node:
    """One server of the pair, with its data in `folder`."""

    def __init__(self, folder: Path, password: str) -> None:
        self._data = folder
        self._password = password
        self._account = binaries.postgres_account()
        self._programs = binaries.readable_by(binaries.locate_postgres(), self._account).folder
        self.port = free_port()

    def create(self) -> None:
        """Make an empty cluster."""
        secret = self._data.with_suffix(".password")
        secret.write_text(self._password)
        asked = [f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        self._run("initdb", f"--pgdata={self._data}", f"--username={_USER}", *asked)

    def follow(self, primary: Node) -> None:
        """Become a copy of `primary` that follows it."""
        place = f"host=127.0.0.1 port={primary.port} user={_USER} password={self._password}"
        self._run("pg_basebackup", "-D", str(self._data), "-R", "-X", "stream", "-d", place)

    def start(self) -> None:
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "''",
            "max_connections": "100",
            "fsync": "off",
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        log = str(self._data.with_suffix(".log"))
        self._run("pg_ctl", "start", "-w", "-D", str(self._data), "-l", log, "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        """Stop: `fast` sends the standby what is left, `immediate` is a crash."""
        self._run("pg_ctl", "stop", "-w", "-m", mode, "-D", str(self._data))

    def freeze(self) -> None:
        """Answer nothing any more, and keep every connection open."""
        for process in self._processes():
            os.kill(process, signal.SIGSTOP)

    def thaw(self) -> None:
        for process in self._processes():
            os.kill(process, signal.SIGCONT)

    def _processes(self) -> list[int]:
        main = int((self._data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text()
        return [main, *map(int, children.split())]

    def promote(self) -> None:
        self._run("pg_ctl", "promote", "-w", "-D", str(self._data))

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / program), *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=postgres_data.environment(),
            **identity(self._account),
        )


class Pair:
    """A primary and a standby; `url` names both, as an operator would."""

    def __init__(self, folder: Path) -> None:
        password = secrets.token_urlsafe(12)
        self.primary, self.standby = (Node(folder / name, password) for name in ("a", "b"))
        self._account = f"{_USER}:{password}"

    @property
    def url(self) -> str:
        places = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"
        return f"postgresql://{self._account}@{places}/postgres?target_session_attrs=read-write"


@contextlib.contextmanager
def replicated() -> Iterator[Pair]:
    """Run a pair of servers; whichever still runs at the end is stopped."""
    with tempfile.TemporaryDirectory(prefix="porta-pair-", ignore_cleanup_errors=True) as name:
        folder, account = Path(name), binaries.postgres_account()
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        pair = Pair(folder)
        pair.primary.create()
        pair.primary.start()
        try:
            pair.standby.follow(pair.primary)
            pair.standby.start()
            yield pair
        finally:
            for node in (pair.primary, pair.standby):
                with contextlib.suppress(subprocess.CalledProcessError, FileNotFoundError):
                    node.thaw()
                    node.stop()
