"""A real PgBouncer of a test's own, in front of the tests' PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from porta.dev.processes import identity
from tests.world.machine import skip_without
from tests.world.ports import free_port

_PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")

needs_pgbouncer = skip_without(_PROGRAM, "no pgbouncer is installed")


class PgBouncer:
    """Pools sessions of the server at `server`; `options` are lines of its section [pgbouncer].

    Without options it is as it comes: session mode, and no startup parameter is ignored.
    """

    def __init__(self, server: str, folder: Path, **options: str) -> None:
        self._server = urlsplit(server)
        self._folder = folder
        self._options = options
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        parts = self._server
        return f"postgresql://{parts.username}:x@127.0.0.1:{self._port}{parts.path}"

    def start(self) -> None:
        assert _PROGRAM is not None, "pgbouncer is needed, and not installed"
        account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        file, log = self._folder / "pgbouncer.ini", self._folder / "pgbouncer.log"
        file.write_text(self._configuration())
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [_PROGRAM, str(file)], cwd="/", stdout=output, stderr=output, **identity(account)
            )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), self._connect():
                return
            time.sleep(0.01)
        raise RuntimeError(log.read_text())

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port), timeout=1)

    def _configuration(self) -> str:
        parts = self._server
        options = {
            "listen_addr": "127.0.0.1",
            "listen_port": str(self._port),
            "unix_socket_dir": "",
            "auth_type": "any",
            **self._options,
        }
        target = f"host={parts.hostname} port={parts.port} user={parts.username}"
        lines = [
            "[databases]",
            f"* = {target} password={unquote(parts.password or '')}",
            "[pgbouncer]",
            *(f"{name} = {value}" for name, value in options.items()),
        ]
        return "\n".join(lines) + "\n"


@contextlib.contextmanager
def pooled(server: str, **options: str) -> Iterator[str]:
    """Run a PgBouncer in front of `server`, and yield the URL to reach it by."""
    with tempfile.TemporaryDirectory(prefix="porta-pgbouncer-") as folder:
        Path(folder).chmod(0o755)  # as root it has another account
        bouncer = PgBouncer(server, Path(folder), **options)
        bouncer.start()
        try:
            yield bouncer.url
        finally:
            bouncer.stop()
