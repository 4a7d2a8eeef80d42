"""A real Redis of one's own: on the loopback, with a password, to be stopped and started."""

from __future__ import annotations

import contextlib
import secrets
import socket
import subprocess
import time
from contextlib import AbstractContextManager
from pathlib import Path

import redis

from porta.dev.binaries import locate_redis
from tests.world.ports import free_port


class Valkey:
    """A server process; whatever it held is gone when it stops."""

    def __init__(
        self,
        directory: Path,
        *options: str,
        port: int | None = None,
        password: str | None = None,
        config: str | None = None,
    ) -> None:
        """`password` is one of its own where none is given, and none where it is empty.

        `config` is the content of a file of settings, which a Sentinel writes to.
        """
        self.port = port or free_port()
        self.password = secrets.token_urlsafe(24) if password is None else password
        self._config = config
        self.directory = directory
        self.options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        credentials = f":{self.password}@" if self.password else ""
        return f"redis://{credentials}127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [locate_redis(), *self._file(), "--bind", "127.0.0.1", "--port", str(self.port)]
        command += ["--dir", str(self.directory)]
        command += ["--requirepass", self.password] if self.password else []
        command += [] if "--sentinel" in self.options else ["--save", ""]
        self._process = subprocess.Popen([*command, *self.options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), self._connect():
                return
            time.sleep(0.01)
        raise RuntimeError("the server did not start")

    def _file(self) -> list[str]:
        if self._config is None:
            return []
        file = self.directory / f"server-{self.port}.conf"
        file.write_text(self._config, encoding="utf-8")
        return [str(file)]

    def client(self) -> AbstractContextManager[redis.Redis]:
        """Return a client of another make."""
        return contextlib.closing(redis.Redis.from_url(self.url))

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Keep the connections open and answer nothing."""
        assert self._process is not None
        self._process.send_signal(19)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(18)

    def _connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=1)
