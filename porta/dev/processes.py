"""Child processes that never outlive this one: own session, own log, and a watchdog each."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import secrets
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypedDict

# It reads a pipe that only the parent holds. A line means "all is well"; end of file means that
# the parent is gone, however it went. Neither a signal nor PR_SET_PDEATHSIG covers kill -9 of a
# parent on every system, and the latter also fires when the thread that started the child ends.
_WATCHDOG = """
read -r line && exit 0
kill -s "$2" "$1" 2>/dev/null
tries=0
while kill -0 "$1" 2>/dev/null && [ "$tries" -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
kill -s KILL -- "-$1" 2>/dev/null
"""


class StartFailed(Exception):
    """A server cannot be started; the message says why, and what to do about it."""


@dataclass(slots=True)
class Child:
    """A running process, its log, and the watchdog that ends it should we die first."""

    name: str
    popen: subprocess.Popen[bytes]
    watchdog: subprocess.Popen[bytes]
    log: Path
    stop_signal: signal.Signals

    @property
    def pid(self) -> int:
        return self.popen.pid

    def exit_code(self) -> int | None:
        """Return the exit code, negative for a signal, or None while it runs."""
        return self.popen.poll()

    def request_stop(self) -> None:
        """Ask it to stop, without waiting."""
        if self.popen.poll() is None:
            self.popen.send_signal(self.stop_signal)

    def stop(self, timeout: float = 15.0) -> None:
        """Stop it and everything it started; after `timeout` seconds without mercy."""
        self.request_stop()
        try:
            self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            kill_group(self.pid)
            self.popen.wait()
        with contextlib.suppress(BrokenPipeError):
            self.watchdog.communicate(b"\n")

    def last_lines(self, count: int = 20) -> str:
        """Return the end of its log."""
        return last_lines(self.log, count)


def spawn(
    command: Sequence[str],
    *,
    name: str,
    log: Path,
    env: Mapping[str, str],
    cwd: Path | None = None,
    account: pwd.struct_passwd | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> Child:
    """Start `command` in a session of its own, output appended to `log`, as `account` if given.

    Raises StartFailed when the program cannot be executed.
    """
    with log.open("ab") as output:
        try:
            popen = subprocess.Popen(  # noqa: S603 - the caller names the program
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
                umask=0o077,
                **identity(account),
            )
        except OSError as error:
            raise StartFailed(f"{name} cannot be started: {error}") from error
    return Child(name, popen, _watch(popen.pid, stop_signal), log, stop_signal)


class Identity(TypedDict):
    """How `subprocess` is told to run as another account."""

    user: int | None
    group: int | None
    extra_groups: list[int] | None


def identity(account: pwd.struct_passwd | None) -> Identity:
    """Return what makes `subprocess` run as `account`, or as we do ourselves for None."""
    if account is None:
        return {"user": None, "group": None, "extra_groups": None}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _watch(pid: int, stop_signal: signal.Signals) -> subprocess.Popen[bytes]:
    name = stop_signal.name.removeprefix("SIG")
    return subprocess.Popen(  # noqa: S603 - a constant script
        ["/bin/sh", "-c", _WATCHDOG, "watchdog", str(pid), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )


def kill_group(pid: int) -> None:
    """Kill the process group that `pid` leads, if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def lock(path: Path, holding: str) -> IO[bytes]:
    """Take the lock of `path` until the file returned is closed, or this process ends.

    Raises StartFailed when another process has it, which is then said to be `holding` it.
    """
    handle = path.open("ab")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        message = f"Another process is {holding}. Stop it, or use another folder (--data)."
        raise StartFailed(message) from None
    return handle


def free_port() -> int:
    """Return a port of the loopback interface on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def last_lines(log: Path, count: int) -> str:
    """Return the last `count` lines of a log file, read from its last 16 KiB."""
    try:
        with log.open("rb") as handle:
            handle.seek(max(0, log.stat().st_size - 16384))
            text = handle.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-count:])


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all, readable by its owner only."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)
    fresh.replace(path)


def kept_password(directory: Path) -> str:
    """Return the password kept in `directory`, made on the first call, readable by its owner."""
    path = directory / "password"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text(encoding="utf-8")
