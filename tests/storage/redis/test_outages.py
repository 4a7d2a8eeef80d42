"""Every way a connection to Redis is lost, and how it comes back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import select
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from storage.errors import Unreachable
from storage.opening import open_client
from storage.redis.connection import Wire
from storage.redis.lane import Redis
from tests.world.ports import free_port
from tests.world.valkey import Valkey
from tests.world.waiting import stopwatch

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def until_answered(redis: Redis, seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while True:
            try:
                await redis.ping()
            except Unreachable:
                await asyncio.sleep(0.02)
            else:
                return


async def test_a_restart_is_survived(own_redis: Valkey) -> None:
    redis = await Redis.open(own_redis.url)
    await redis.ping()
    own_redis.restart()
    await until_answered(redis)
    await redis.close()


async def test_connecting_anew_is_in_no_requests_context(own_redis: Valkey) -> None:
    """It goes on after the request whose command found the connection lost."""
    whose: ContextVar[str] = ContextVar("whose", default="nobody's")
    redis = await Redis.open(own_redis.url)
    seen: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == "redis.connected":
                seen.append(whose.get())

    logger, handler = logging.getLogger("storage.redis.lane"), Handler()
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.DEBUG)
    whose.set("the request's")
    wire = redis._wire
    assert wire is not None
    wire.abort("found lost by a command")
    await until_answered(redis)
    logger.removeHandler(handler)
    logger.setLevel(level)
    assert seen == ["nobody's"]
    await redis.close()


async def test_while_redis_is_away_commands_fail_at_once(own_redis: Valkey) -> None:
    redis = await Redis.open(own_redis.url)
    own_redis.stop()
    async with stopwatch() as seconds:
        failures = await asyncio.gather(
            *(redis.command("GET", "x") for _ in range(20)), return_exceptions=True
        )
        for _ in range(20):
            with pytest.raises(Unreachable):
                await redis.ping()
        assert all(isinstance(failure, Unreachable) for failure in failures)
        assert seconds() < 1.0
    own_redis.start()
    await until_answered(redis)
    await redis.close()


async def test_whoever_calls_after_a_long_absence_is_answered_at_once(
    own_redis: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attempts are rare by then, and nobody has to wait for the next one, or be refused."""
    monkeypatch.setattr("storage.redis.lane.pauses", lambda: iter([0.0, 3600.0, 3600.0]))
    redis = await Redis.open(own_redis.url)
    own_redis.stop()
    for _ in range(2):  # one under way when the connection is lost, one that waits for the attempt
        with pytest.raises(Unreachable):
            await redis.ping()
    own_redis.start()
    async with asyncio.timeout(30):
        await redis.ping()
    await redis.close()


async def test_a_server_that_goes_silent_is_given_up_after_the_deadline(own_redis: Valkey) -> None:
    redis = await Redis.open(own_redis.url, deadline=1.5)
    own_redis.freeze()
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with stopwatch() as seconds:
        answers = await asyncio.gather(
            *(redis.command("GET", "x") for _ in range(10)), return_exceptions=True
        )
        assert all(isinstance(answer, Unreachable) for answer in answers)
        assert seconds() < 5.0
    assert loop.time() - started > 1.0
    async with stopwatch() as seconds:
        with pytest.raises(Unreachable):
            await redis.ping()
        assert seconds() < 0.5
    own_redis.thaw()
    await until_answered(redis)
    await redis.close()


async def test_a_loop_that_stood_still_does_not_blame_redis(own_redis: Valkey) -> None:
    redis = await Redis.open(own_redis.url, deadline=0.2)
    first = redis._wire
    assert first is not None
    answer = asyncio.create_task(redis.command("ECHO", "late"))
    for _ in range(3):
        await asyncio.sleep(0)  # The command is sent.
    time.sleep(0.4)
    _wait_for_bytes(first)
    first._check_deadline()  # As a loop does that looks at timers before sockets.
    assert await answer == b"late"
    assert redis._wire is first
    await redis.close()


def _wait_for_bytes(wire: Wire) -> None:
    """Block until something has come that the loop has not read yet."""
    assert wire._transport is not None
    readable, _, _ = select.select([wire._transport.get_extra_info("socket").fileno()], [], [], 30)
    assert readable


async def test_an_old_answer_never_reaches_a_new_question(own_redis: Valkey) -> None:
    redis = await Redis.open(own_redis.url, deadline=1.5)
    own_redis.freeze()
    with pytest.raises(Unreachable):
        await redis.command("ECHO", "old")
    own_redis.thaw()
    await until_answered(redis)
    assert await redis.command("ECHO", "new") == b"new"
    await redis.close()


async def test_a_killed_connection_is_connected_anew(own_redis: Valkey) -> None:
    redis, other = await Redis.open(own_redis.url), await Redis.open(own_redis.url)
    await other.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await until_answered(redis)
    await redis.close()
    await other.close()


async def test_the_first_caller_after_a_loss_waits_for_the_reconnection(own_redis: Valkey) -> None:
    redis = await Redis.open(own_redis.url)
    first = redis._wire
    assert first is not None
    await redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no")
    with contextlib.suppress(Unreachable):
        await redis.command("ECHO", "under way when the connection fell")
    assert first.broken
    assert await redis.command("ECHO", "next") == b"next"
    await redis.close()


async def test_a_caller_who_stops_waiting_for_it_harms_no_other(
    own_redis: Valkey,
) -> None:
    redis = await Redis.open(own_redis.url)
    assert redis._wire is not None
    redis._wire.abort("test")
    impatient, patient = (asyncio.create_task(redis.command("ECHO", i)) for i in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == b"1"
    assert impatient.cancelled()
    await redis.close()


async def test_too_many_waiting_commands_are_refused(own_redis: Valkey) -> None:
    redis = await Redis.open(own_redis.url, deadline=30.0, max_pending=5)
    own_redis.freeze()
    calls = [asyncio.create_task(redis.ping()) for _ in range(8)]
    done, _ = await asyncio.wait(calls, timeout=1.0)
    assert len(done) == 3
    own_redis.thaw()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(answer, Unreachable) for answer in answers) == 3
    await redis.close()


async def test_after_close_commands_fail(own_redis: Valkey) -> None:
    redis = await Redis.open(own_redis.url)
    await redis.close()
    with pytest.raises(Unreachable):
        await redis.ping()
    await redis.close()


async def test_closing_ends_the_reconnection(own_redis: Valkey) -> None:
    redis = await Redis.open(own_redis.url)
    own_redis.stop()
    with pytest.raises(Unreachable):
        await redis.ping()
    tasks = asyncio.all_tasks()
    await redis.close()
    assert asyncio.all_tasks() < tasks


async def test_a_replica_after_a_failover_is_left(
    own_redis: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.redis.lane._WAIT_FOR_CURE", 0.0)
    redis = await Redis.open(own_redis.url)
    await redis.command("REPLICAOF", "127.0.0.1", free_port())
    client = await redis.command("CLIENT", "ID")
    with pytest.raises(Unreachable, match="READONLY"):
        await redis.command("SET", "key", 1)
    assert await redis.command("CLIENT", "ID") != client
    await redis.close()


@pytest_asyncio.fixture
async def impostor() -> AsyncIterator[Callable[[bytes], Awaitable[str]]]:
    """Start a server that greets properly, then answers each message with the bytes given."""
    servers: list[asyncio.Server] = []

    async def start(answer: bytes) -> str:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                await reader.read(65536)
                writer.write(b"-ERR unknown command\r\n+OK\r\n+PONG\r\n")
                while await reader.read(65536):
                    writer.write(answer)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        servers.append(server)
        return f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400\r\n\r\n", b"+OK\r\n+OK\r\n+OK\r\n"])
async def test_an_answer_nobody_asked_for_ends_the_connection(
    impostor: Callable[[bytes], Awaitable[str]], answer: bytes
) -> None:
    redis = await Redis.open(await impostor(answer), deadline=60)
    first = redis._wire
    assert first is not None
    async with asyncio.timeout(30):  # Before the deadline of the command.
        await asyncio.gather(redis.ping(), return_exceptions=True)
        while not first.broken:
            await asyncio.sleep(0.01)
    await redis.close()


async def test_rediss_verifies_the_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    _self_signed(certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            writer.write(b"-ERR unknown command\r\n+OK\r\n+PONG\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        url = f"rediss://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(Unreachable):
            await Redis.open(url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        redis = await Redis.open(url)
        await redis.close()


@pytest.mark.parametrize("form", ["rediss+sentinel://:s@{}/name", "rediss+cluster://:s@{}"])
async def test_who_is_asked_for_servers_shows_a_certificate_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """Nothing is said before, above all no password."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    _self_signed(certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(65536):
            heard.append(said)
            writer.write(b"-ERR unknown command\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        url = form.format(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(Unreachable):
            await open_client(url)
        assert heard == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with pytest.raises(Unreachable):
            await open_client(url, 5.0)
        assert b"AUTH" in heard[0]


def _self_signed(certificate: Path, key: Path) -> None:
    private, now = generate_private_key(SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, SHA256())
    )
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
