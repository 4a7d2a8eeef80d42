"""The listening server: limits, faults, and coming to rest (requirements I.5, I.7, K.8)."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import httpx
import pytest
import pytest_asyncio
import structlog

from handlers.application import Porta
from handlers.base import PortaHandler
from handlers.http import timeouts
from handlers.http.connections import Limits
from handlers.http.refusal import NotFoundHandler
from handlers.http.server import CannotListen, Server, listen
from handlers.http.timeouts import Phase
from handlers.routes import ROUTES
from porta.runtime import Runtime
from tests.handlers.http.wire import exchange, request, statuses
from tests.world.waiting import eventually

ROOM = 20
"""Connections that the server accepts at once."""
PATIENCE = 0.4
"""Seconds for one phase, so that a test can see them pass."""


class _SlowHandler(PortaHandler):
    """Answers when it is told to."""

    release: asyncio.Event

    async def get(self) -> None:
        await self.release.wait()
        self.finish_json({"slow": True})


class _BrokenHandler(PortaHandler):
    """Fails in a way that nobody foresaw."""

    async def get(self) -> None:
        raise RuntimeError("SELECT hunter2 FROM /srv/secret")


@pytest_asyncio.fixture(loop_scope="session")
async def rest(runtime: Runtime) -> AsyncIterator[Server]:
    """A server with handlers that misbehave; whoever stops it need not do so twice."""
    _SlowHandler.release = asyncio.Event()
    routes = [("/slow", _SlowHandler), ("/broken", _BrokenHandler), *ROUTES]
    application = Porta(runtime, routes, NotFoundHandler)
    server = listen(application, "127.0.0.1", 0, Limits(ROOM, ROOM))
    yield server
    _SlowHandler.release.set()
    await server.stop(limit=1)


def test_the_time_limits_are_those_of_the_requirement() -> None:
    """I.5: header and body 10 s, idle 75 s unless a setting says otherwise."""
    assert timeouts.PATIENCE == {
        Phase.IDLE: 75,
        Phase.HEADER: 10,
        Phase.BODY: 10,
        Phase.ANSWER: 60,
    }


async def _until(fact: Callable[[], object]) -> None:
    async def holds() -> bool:
        return bool(fact())

    await eventually(holds)


async def _until_in_flight(server: Server, requests: int) -> None:
    await _until(lambda: server.application.life.in_flight == requests)


def _phases(server: Server) -> list[Phase]:
    """What each connection waits for, as the server sees it."""
    return [stream.phase for stream in server.connections]


def _url(server: Server, path: str) -> str:
    return f"http://127.0.0.1:{server.port}{path}"


async def test_an_unforeseen_fault_tells_its_number_and_no_more(rest: Server) -> None:
    with structlog.testing.capture_logs() as logs:
        rest.application.log = structlog.get_logger().bind()
        async with httpx.AsyncClient() as http:
            answer = await http.get(_url(rest, "/broken"))
    request_id = answer.headers["X-Request-Id"]
    assert (answer.status_code, answer.json()) == (
        500,
        {"error": "server_error", "request_id": request_id},
    )
    (failed,) = [line for line in logs if line["event"] == "request.failed"]
    assert "hunter2" in str(failed["exc_info"][1])
    assert failed["url"] == "/broken"


@pytest.mark.parametrize(
    ("phase", "sent"),
    [
        (Phase.IDLE, b""),
        (Phase.HEADER, b"GET / HT"),
        (Phase.BODY, request("POST", "/", "Content-Length: 10", body=b"abc")),
        (Phase.BODY, request("POST", "/", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n")),
        (Phase.ANSWER, request("GET", "/slow")),
    ],
    ids=["idle", "header", "body", "chunks", "answer"],
)
async def test_nobody_holds_a_connection_for_ever(rest: Server, phase: Phase, sent: bytes) -> None:
    rest.connections.patience[phase] = PATIENCE
    # Any other limit is ten seconds and more.
    assert await exchange(rest.port, sent, timeout=9) == b""


async def test_a_header_that_trickles_is_no_excuse(rest: Server) -> None:
    rest.connections.patience[Phase.HEADER] = PATIENCE
    reader, writer = await asyncio.open_connection("127.0.0.1", rest.port)
    with suppress(ConnectionError):
        for _ in range(40):
            writer.write(b"X")
            await writer.drain()
            await asyncio.sleep(0.1)
            if reader.at_eof():
                break
    await _until(lambda: reader.at_eof() or reader.exception())
    writer.close()


async def _hold(server: Server, sent: bytes = b"") -> list[socket.socket]:
    """Open as many connections as the server has room for, and send that on each."""
    held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(ROOM)]
    for connection in held:
        connection.sendall(sent)
    phase = Phase.HEADER if sent else Phase.IDLE
    await _until(lambda: _phases(server) == [phase] * ROOM)
    return held


async def test_there_are_only_so_many_connections(rest: Server) -> None:
    held = await _hold(rest, b"GET / HT")
    answer = await exchange(rest.port, request("GET", "/nothing"))
    assert statuses(answer) == [503]
    assert b"Retry-After: 1" in answer
    held.pop().close()
    await _until(lambda: len(_phases(rest)) < ROOM)
    answer = await exchange(rest.port, request("GET", "/nothing", "Connection: close"))
    assert statuses(answer) == [404]
    for connection in held:
        connection.close()


def _told(logs: Sequence[Mapping[str, object]]) -> list[object]:
    """How many were closed to make room, as often as the log says so."""
    return [line["closed_idle"] for line in logs if line["event"] == "connections.full"]


async def _until_silent_for_a_second(server: Server) -> None:
    """Until no request can be on its way any more."""
    await _until(lambda: all(time.monotonic() - s.since > 1 for s in server.connections))


async def test_who_was_idle_for_longest_makes_room(rest: Server) -> None:
    with structlog.testing.capture_logs() as logs:
        rest.application.log = structlog.get_logger().bind()
        first, second, *others = await _hold(rest)
        await _until_silent_for_a_second(rest)
        first.sendall(request("GET", "/nothing"))
        assert statuses(await asyncio.to_thread(first.recv, 65536)) == [404]
        answer = await exchange(rest.port, request("GET", "/live", "Connection: close"))
        assert statuses(answer) == [200]
        assert await asyncio.to_thread(second.recv, 1) == b""
        for connection in (first, *others):
            connection.sendall(request("GET", "/nothing", "Connection: close"))
            assert statuses(await asyncio.to_thread(connection.recv, 65536)) == [404]
        await _until(lambda: _told(logs))
    assert _told(logs) == [1]
    for connection in (first, second, *others):
        connection.close()


async def test_who_has_left_makes_room_first(rest: Server) -> None:
    """Between the end of a connection and the notice of it, there is none to be asked."""
    left, other, *others = await _hold(rest)
    await _until_silent_for_a_second(rest)
    left.close()
    newcomer = socket.create_connection(("127.0.0.1", rest.port))
    for connection in (newcomer, other):
        connection.sendall(request("GET", "/nothing", "Connection: close"))
        assert statuses(await asyncio.to_thread(connection.recv, 65536)) == [404]
    for connection in (newcomer, other, *others):
        connection.close()


async def test_a_request_that_has_come_is_not_lost_to_make_room(rest: Server) -> None:
    first, second, *others = await _hold(rest)
    await _until_silent_for_a_second(rest)
    newcomer = socket.create_connection(("127.0.0.1", rest.port))
    for connection in (newcomer, first):
        connection.sendall(request("GET", "/nothing", "Connection: close"))
    for connection in (newcomer, first):
        assert statuses(await asyncio.to_thread(connection.recv, 65536)) == [404]
    assert await asyncio.to_thread(second.recv, 1) == b""
    for connection in (newcomer, first, second, *others):
        connection.close()


async def test_there_are_only_so_many_requests_at_once(rest: Server) -> None:
    rest.application.life.max_in_flight = 1
    async with httpx.AsyncClient() as http:
        slow = asyncio.create_task(http.get(_url(rest, "/slow")))
        await _until_in_flight(rest, 1)
        refused = await http.get(_url(rest, "/slow"))
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        _SlowHandler.release.set()
        assert (await slow).status_code == 200
        assert (await http.get(_url(rest, "/slow"))).status_code == 200
    assert rest.application.life.in_flight == 0


async def test_an_overload_is_no_reason_to_be_killed(rest: Server) -> None:
    """Requirement K.3: life, keys and discovery do not depend on who waits for a store."""
    rest.application.life.max_in_flight = 0
    async with httpx.AsyncClient() as http:
        assert (await http.get(_url(rest, "/slow"))).status_code == 503
        assert (await http.get(_url(rest, "/ready"))).status_code == 503
        for path in ("/live", "/acme/jwks", "/acme/.well-known/openid-configuration"):
            answer = await http.get(_url(rest, path))
            assert (path, answer.status_code) == (path, 200)


async def test_what_cannot_be_read_is_told_once_a_second(rest: Server) -> None:
    with structlog.testing.capture_logs() as logs:
        rest.application.log = structlog.get_logger().bind()
        answers = [
            await exchange(rest.port, b"GET /hunter2 HTTP/1.1\r\nhunter2\r\n\r\n") for _ in range(5)
        ]
    told = [line for line in logs if line["event"] == "message.refused"]
    assert 1 <= len(told) < len(answers)
    assert told[0].pop("requestId").encode() in answers[0]
    assert told[0] == {
        "event": "message.refused",
        "log_level": "warning",
        "kind": "malformed_header",
        "status": 400,
        "withheld": 0,
    }


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (request("POST", "/", "Content-Length: 3", "Transfer-Encoding: chunked"), "bad_framing"),
        (request("POST", "/", "Transfer-Encoding: chunked", body=b"g\r\n"), "bad_framing"),
        (request("POST", "/", "Transfer-Encoding: chunked", body=b"0" * 99), "bad_framing"),
        (request("GET", "/", "Host: another"), "malformed_header"),
        (request("GET", "/", "X-Long: " + "x" * 17_000), "header_too_large"),
    ],
)
async def test_the_log_tells_what_could_not_be_read(
    rest: Server, message: bytes, kind: str
) -> None:
    with structlog.testing.capture_logs() as logs:
        rest.application.log = structlog.get_logger().bind()
        await exchange(rest.port, message)
    assert [line["kind"] for line in logs if line["event"] == "message.refused"] == [kind]


@contextmanager
def no_free_descriptor() -> Iterator[list[int]]:
    """Let every accept() fail as it does when the limit of open files is reached; count them.

    The limit itself would take every thread of this process along.
    """
    tried: list[int] = []

    def accept(listener: socket.socket) -> NoReturn:
        tried.append(listener.fileno())
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "accept", accept)
        yield tried


async def test_without_a_free_descriptor_it_waits_instead_of_turning(
    rest: Server, caplog: pytest.LogCaptureFixture
) -> None:
    address = ("127.0.0.1", rest.port)
    waiting = [socket.create_connection(address) for _ in range(3)]
    with no_free_descriptor() as tried:
        began = time.monotonic()
        await asyncio.sleep(0.5)
        rests = (time.monotonic() - began) / 0.1
    assert 1 <= len(tried) <= rests + 1
    told = [record.message for record in caplog.records if not record.name.startswith("storage.")]
    assert told == ["connections.no_descriptor"]
    for connection in waiting:
        connection.sendall(request("GET", "/nothing", "Connection: close"))
        answer = await asyncio.to_thread(connection.recv, 65536)
        assert statuses(answer) == [404]
        connection.close()


async def test_a_server_that_waits_can_be_stopped(rest: Server) -> None:
    waiting = socket.create_connection(("127.0.0.1", rest.port))
    with no_free_descriptor() as tried:
        await _until(lambda: tried)
        await rest.stop(limit=0.1)
    await asyncio.sleep(0.3)
    waiting.close()


async def test_who_leaves_early_is_forgotten(rest: Server) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", rest.port)
    writer.write(request("GET", "/slow"))
    await _until_in_flight(rest, 1)
    writer.close()
    await _until(lambda: not _phases(rest))
    _SlowHandler.release.set()
    await _until_in_flight(rest, 0)


async def test_what_was_begun_is_finished(rest: Server) -> None:
    async with httpx.AsyncClient() as http:
        await http.get(_url(rest, "/nothing"))  # leaves an idle connection behind
        slow = asyncio.create_task(http.get(_url(rest, "/slow")))
        await _until_in_flight(rest, 1)
        stopping = asyncio.create_task(rest.stop(drain=2))
        await _until(lambda: rest.application.life.draining)
        served = await http.get(_url(rest, "/nothing"))  # the balancer has not noticed yet
        assert (served.status_code, served.headers["Connection"]) == (404, "close")
        await eventually(lambda: _is_closed(rest))
        _SlowHandler.release.set()
        assert (await slow).json() == {"slow": True}
        await asyncio.wait_for(stopping, 8)  # it would cut off after ten seconds


async def _is_closed(server: Server) -> bool:
    """Whether nobody is let in any more."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    except ConnectionError:  # refused, or reset on its way in
        return True
    writer.close()
    return False


async def test_what_does_not_end_is_cut_off(rest: Server) -> None:
    async with httpx.AsyncClient() as http:
        slow = asyncio.create_task(http.get(_url(rest, "/slow")))
        await _until_in_flight(rest, 1)
        await asyncio.wait_for(rest.stop(limit=0.2), 8)
        with pytest.raises(httpx.RemoteProtocolError):
            await slow


def _refused(runtime: Runtime, host: str, port: int) -> str:
    with pytest.raises(CannotListen) as refusal:
        listen(Porta(runtime, [], NotFoundHandler), host, port, Limits(10, 10))
    return str(refusal.value)


async def test_a_port_in_use_is_told_with_what_to_do(runtime: Runtime) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} is in use" in _refused(runtime, "127.0.0.1", port)


_BOTH = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="there is no IPv6 here")


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@_BOTH
@pytest.mark.skipif(not _has_ipv6(), reason="there is no IPv6 here")
@pytest.mark.parametrize("host", ["::", "0::0", "[::]"])
async def test_K14_every_address_is_one_of_both_families(runtime: Runtime, host: str) -> None:
    if host.startswith("["):
        assert "HOST" in _refused(runtime, host, 0)
        return
    server = listen(Porta(runtime, ROUTES, NotFoundHandler), host, 0, Limits(10, 10))
    for address in ("127.0.0.1", "::1"):
        with socket.create_connection((address, server.port)) as connection:
            connection.sendall(request("GET", "/health", "Connection: close"))
            answer = await asyncio.to_thread(connection.recv, 65536)
            assert statuses(answer) == [200]
            assert b"checks" in answer, "both are this machine"
    assert {s.block for s in server.connections} <= {"127.0.0.1", "::/64"}
    await server.stop(limit=1)


@pytest.mark.parametrize(
    ("host", "refused"), [("127.0.0.1", "::1"), ("0.0.0.0", "::1"), ("::1", "127.0.0.1")]
)
@pytest.mark.skipif(not _has_ipv6(), reason="there is no IPv6 here")
async def test_K14_an_address_of_one_family_is_of_that_one(
    runtime: Runtime, host: str, refused: str
) -> None:
    server = listen(Porta(runtime, ROUTES, NotFoundHandler), host, 0, Limits(10, 10))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((refused, server.port))
    await server.stop(limit=1)


async def test_K14_without_ipv6_every_address_is_of_ipv4(runtime: Runtime) -> None:
    create = socket.create_server

    def without(address: tuple[str, int], **options: Any) -> socket.socket:
        if options.get("family") == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
        return create(address, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "create_server", without)
        server = listen(Porta(runtime, ROUTES, NotFoundHandler), "::", 0, Limits(10, 10))
    ask = request("GET", "/live", "Connection: close")
    assert statuses(await exchange(server.port, ask)) == [200]
    await server.stop(limit=1)


@pytest.mark.parametrize("host", ["203.0.113.1", "no.such.host.invalid", "x" * 300, "ü" * 70])
async def test_a_foreign_address_is_told_with_what_to_do(runtime: Runtime, host: str) -> None:
    assert "use 0.0.0.0" in _refused(runtime, host, 0)
