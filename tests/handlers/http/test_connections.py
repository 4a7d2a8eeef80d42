"""Who gets a place, and who gives one up (faults F5, F6, F11, F12; security 9; K13)."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from ipaddress import ip_network
from typing import Any

import pytest
import pytest_asyncio
import structlog

from handlers.application import Porta
from handlers.base import PortaHandler
from handlers.http.connections import VISITORS, Connections, Limits, limits_of
from handlers.http.early_errors import EarlyErrors
from handlers.http.refusal import NotFoundHandler
from handlers.http.server import Server, listen
from handlers.http.timeouts import Phase
from handlers.routes import ROUTES
from porta.config.settings import Settings
from porta.runtime import Runtime
from tests.handlers.http.wire import exchange, request, statuses
from tests.world.waiting import eventually

PLACES = 50
SHARE = 20
HALF = b"GET / HT"
NEIGHBOUR = "127.0.0.2"
LARGE = request("POST", "/acme/token", "Content-Length: 65536", body=b"x" * 65_500)
SMALL = request("POST", "/acme/token", "Content-Length: 1", "Connection: close", body=b"x")


class _CountedHandler(PortaHandler):
    """Knows how often it was begun; answers when it is told to."""

    begun = 0
    release: asyncio.Event

    async def get(self) -> None:
        type(self).begun += 1
        await self.release.wait()
        self.finish_json({})


class _AwayHandler(PortaHandler):
    """Is away, and says so in its own words."""

    async def get(self) -> None:
        self.finish_json({"status": "away"}, 503)


@pytest_asyncio.fixture(loop_scope="session")
async def crowded(runtime: Runtime) -> AsyncIterator[Server]:
    """A server of few places, less than half of which one address may take."""
    _CountedHandler.begun, _CountedHandler.release = 0, asyncio.Event()
    routes = [("/counted", _CountedHandler), ("/away", _AwayHandler), *ROUTES]
    application = Porta(runtime, routes, NotFoundHandler)
    server = listen(application, "127.0.0.1", 0, Limits(PLACES, SHARE))
    yield server
    _CountedHandler.release.set()
    await server.stop(limit=1)


@pytest_asyncio.fixture(loop_scope="session")
async def open_house(runtime: Runtime) -> AsyncIterator[Server]:
    """A server all of whose places one address may take."""
    _CountedHandler.begun, _CountedHandler.release = 0, asyncio.Event()
    application = Porta(runtime, [("/counted", _CountedHandler), *ROUTES], NotFoundHandler)
    server = listen(application, "127.0.0.1", 0, Limits(PLACES, PLACES))
    yield server
    _CountedHandler.release.set()
    await server.stop(limit=1)


@pytest.fixture
def hold() -> Any:
    """Open connections that are closed when the test ends."""
    with ExitStack() as stack:

        def opened(
            server: Server, count: int, sent: bytes = b"", source: str = "127.0.0.1"
        ) -> list[socket.socket]:
            held = []
            for _ in range(count):
                address = ("127.0.0.1", server.port)
                held.append(socket.create_connection(address, source_address=(source, 0)))
                stack.enter_context(held[-1])
                held[-1].sendall(sent)
            return held

        yield opened


async def _until(fact: Callable[[], object]) -> None:
    async def holds() -> bool:
        return bool(fact())

    await eventually(holds, 30)


async def _until_waiting(server: Server, count: int, *phases: Phase) -> None:
    await _until(lambda: sum(s.phase in phases for s in server.connections) == count)


async def _until_old(server: Server) -> None:
    """Until whatever has been begun was begun a second ago, and was seen to."""
    await _until(lambda: all(time.monotonic() - s.since > 1.1 for s in server.connections))


async def _read(connection: socket.socket) -> bytes:
    return await asyncio.to_thread(connection.recv, 65536)


@pytest.mark.parametrize("crowd", [60, 120, 200])
async def test_faults_F5_everybody_in_a_crowd_is_answered(open_house: Server, crowd: int) -> None:
    ask = request("GET", "/acme/jwks", "Connection: close")
    with structlog.testing.capture_logs() as logs:
        open_house.application.log = structlog.get_logger().bind()
        answers = await asyncio.gather(
            *(exchange(open_house.port, ask, timeout=60) for _ in range(crowd))
        )
    lines = [line["event"] for line in logs]
    assert {"refused", "request"}.isdisjoint(lines), "a crowd does not write the log"
    told = [statuses(answer) for answer in answers]
    assert all(each in ([200], [503]) for each in told)
    assert all(b"Retry-After: " in answer for answer in answers if b" 503 " in answer)


async def test_faults_F5_a_request_that_is_on_its_way_is_served(
    open_house: Server, hold: Any
) -> None:
    """Nobody who has just come is closed for the next: it is the next who is told to wait."""
    held = hold(open_house, PLACES)
    await _until_waiting(open_house, PLACES, Phase.IDLE)
    ask = request("GET", "/acme/jwks", "Connection: close")
    told = [statuses(await exchange(open_house.port, ask)) for _ in range(5)]
    assert [503] in told
    for connection in held:
        connection.sendall(ask)
    served = [statuses(await _read(connection)) for connection in held]
    assert all(each in ([200], []) for each in served)
    # A machine that takes a second for five requests may have made room meanwhile.
    assert served.count([]) <= told.count([200])


async def test_faults_F5_whoever_was_served_makes_room(open_house: Server, hold: Any) -> None:
    held = hold(open_house, PLACES, request("GET", "/nothing"))
    await _until_waiting(open_house, PLACES, Phase.IDLE)
    ask = request("GET", "/acme/jwks", "Connection: close")
    assert statuses(await exchange(open_house.port, ask)) == [200]
    assert len(held) == PLACES


async def test_faults_F6_one_address_does_not_shut_out_the_others(
    crowded: Server, hold: Any
) -> None:
    hold(crowded, 150, HALF)
    await _until(lambda: len(crowded.connections) >= SHARE + VISITORS)
    ask = request("GET", "/acme/jwks", "Connection: close")
    for _ in range(5):
        assert statuses(await exchange(crowded.port, ask, source=NEIGHBOUR)) == [200]
    refused = await exchange(crowded.port, ask)
    assert statuses(refused) in ([503], [200])  # 200 where a second has passed
    for path in ("/live", "/ready"):
        probe = request("GET", path, "Connection: close")
        assert statuses(await exchange(crowded.port, probe)) == [200]


async def test_faults_F6_an_address_makes_room_for_itself(crowded: Server, hold: Any) -> None:
    held = hold(crowded, SHARE, HALF)
    await _until_waiting(crowded, SHARE, Phase.HEADER)
    await _until_old(crowded)
    ask = request("GET", "/acme/jwks", "Connection: close")
    assert statuses(await exchange(crowded.port, ask)) == [200]
    gone = await _read(held[0])
    assert statuses(gone) == [503], "the oldest goes, and hears why"
    assert b"Retry-After: 1" in gone


@pytest.mark.parametrize(
    ("sent", "phase"),
    [
        (HALF, Phase.HEADER),
        (request("POST", "/acme/token", "Content-Length: 10", body=b"a"), Phase.BODY),
        (request("POST", "/acme/token", "Transfer-Encoding: chunked", body=b"3\r\na"), Phase.BODY),
    ],
    ids=["header", "body", "chunk"],
)
async def test_security_9_the_block_that_has_most_gives_way(
    crowded: Server, hold: Any, sent: bytes, phase: Phase
) -> None:
    few = hold(crowded, 13, sent, source="127.0.0.3")
    most = hold(crowded, 20, sent, source="127.0.0.4")
    others = hold(crowded, 17, sent, source="127.0.0.5")
    await _until_waiting(crowded, PLACES, phase)
    await _until(lambda: len(crowded.connections.closable) == PLACES)
    with structlog.testing.capture_logs() as logs:
        crowded.application.log = structlog.get_logger().bind()
        ask = request("GET", "/acme/jwks")
        newcomers = hold(crowded, 3, ask, source=NEIGHBOUR)
        for newcomer in newcomers:
            assert statuses(await _read(newcomer)) == [200]
        for oldest in most[:3]:
            assert statuses(await _read(oldest)) == [503]
        await _until(lambda: any(line["event"] == "connections.full" for line in logs))
    assert sum(line.get("closed_unfinished", 0) for line in logs) == 3
    held = [s for s in crowded.connections if s.phase is phase]
    left = [sum(s.block == block for s in held) for block in ("127.0.0.3", "127.0.0.5")]
    assert left == [len(few), len(others)]


async def test_security_9_what_is_being_answered_is_never_closed_for_room(
    open_house: Server, hold: Any
) -> None:
    held = hold(open_house, PLACES, request("GET", "/counted"))
    await _until_waiting(open_house, PLACES, Phase.ANSWER)
    await _until_old(open_house)
    refused = await exchange(open_house.port, request("GET", "/acme/jwks"))
    assert statuses(refused) == [503]
    assert b"Retry-After: 1" in refused
    for path in ("/live", "/ready"):
        probe = request("GET", path, "Connection: close")
        assert statuses(await exchange(open_house.port, probe)) == [200]
    _CountedHandler.release.set()
    for connection in held:
        assert statuses(await _read(connection)) == [200]


async def test_whoever_waited_outside_gets_a_place_when_there_is_one(
    open_house: Server, hold: Any
) -> None:
    hold(open_house, PLACES, request("GET", "/counted"))
    await _until_waiting(open_house, PLACES, Phase.ANSWER)
    (late,) = hold(open_house, 1, b"GET /acme/jwks HTTP/1.1\r\nHost:")
    await _until_waiting(open_house, 1, Phase.HEADER)
    _CountedHandler.release.set()
    await _until_waiting(open_house, PLACES, Phase.IDLE)
    late.sendall(b" localhost\r\n\r\n")
    # Unless this machine took longer than visitors may stay.
    assert statuses(await _read(late)) in ([200], [503])


async def test_faults_F6_who_has_left_takes_no_place_of_the_address(
    crowded: Server, hold: Any
) -> None:
    for sent in (b"", HALF, request("GET", "/nothing")):
        for _ in range(SHARE):
            (connection,) = hold(crowded, 1, sent)
            await _until(lambda: len(crowded.connections) == 1)
            connection.close()
            await _until(lambda: len(crowded.connections) == 0)
    ask = request("GET", "/acme/jwks", "Connection: close")
    for _ in range(SHARE * 2):
        assert statuses(await exchange(crowded.port, ask)) == [200]
    assert (crowded.connections.closed_idle, crowded.connections.closed_unfinished) == (0, 0)


async def test_a_proxy_stands_for_many(runtime: Runtime, hold: Any) -> None:
    application = Porta(runtime, ROUTES, NotFoundHandler)
    limits = Limits(PLACES, SHARE, proxies=(ip_network("127.0.0.1/32"),))
    server = listen(application, "127.0.0.1", 0, limits)
    hold(server, SHARE * 2)
    hold(server, SHARE + 5, source=NEIGHBOUR)
    await _until(lambda: len(server.connections) == SHARE * 2 + 10 + 15)
    connections = list(server.connections)
    assert sum(s.block is None for s in connections) == SHARE * 2
    await server.stop(limit=0.1)


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("198.51.100.3", None),
        ("::ffff:198.51.100.3", None),
    ],
)
def test_connections_are_counted_by_address_block(
    runtime: Runtime, address: str, block: str | None
) -> None:
    limits = Limits(10, 5, proxies=(ip_network("198.51.100.0/24"),))
    refusals = EarlyErrors(Porta(runtime, [], NotFoundHandler))
    assert Connections(limits, refusals).block_of(address) == block


@pytest.mark.parametrize(
    ("most", "share", "expected"),
    [(10_000, None, 500), (1000, None, 100), (182, None, 100), (50, None, 37), (1, None, 1),
     (1000, 7, 7), (10, 50, 10)],
)  # fmt: skip
def test_a_block_has_a_part_of_all_places(
    settings: Settings, most: int, share: int | None, expected: int
) -> None:
    update = {"max_connections": most, "max_connections_per_address": share}
    assert limits_of(settings.model_copy(update=update)).per_block == expected


def test_K13_idle_connections_outlast_the_balancers_unless_a_setting_says_otherwise(
    settings: Settings,
) -> None:
    assert limits_of(settings).keep_alive == 75
    limits = limits_of(settings.model_copy(update={"keep_alive_seconds": 620.0}))
    assert limits.keep_alive == 620


async def test_K13_a_connection_idles_as_long_as_the_setting_says(
    runtime: Runtime, hold: Any
) -> None:
    application = Porta(runtime, ROUTES, NotFoundHandler)
    server = listen(application, "127.0.0.1", 0, Limits(PLACES, PLACES, keep_alive=0.5))
    (idle,) = hold(server, 1, request("GET", "/live"))
    assert statuses(await _read(idle)) == [200]
    idle.settimeout(30)  # without the setting it would be 75
    assert await _read(idle) == b""
    await server.stop(limit=0.1)


async def test_security_9_bodies_that_do_not_end_take_bounded_memory(
    open_house: Server, hold: Any
) -> None:
    life = open_house.application.life
    life.max_arriving = 10 * 65_536
    held = hold(open_house, PLACES - 5, LARGE)
    with_room = life.max_arriving // (65_500 - 8192)
    await _until(
        lambda: (
            life.arriving > life.max_arriving - 65_536
            and all(s.phase is Phase.BODY for s in open_house.connections)
        )
    )
    assert life.arriving <= life.max_arriving
    honest = await exchange(open_house.port, SMALL)
    assert b"invalid_" in honest
    assert statuses(honest) in ([400], [401])
    for connection in held:
        connection.sendall(b"y" * 36)
    told = [statuses(await _read(connection))[0] for connection in held]
    assert told.count(503) == len(held) - with_room
    assert set(told) <= {400, 401, 503}
    assert life.arriving == 0


async def test_security_9_who_leaves_in_the_middle_of_a_body_leaves_nothing_behind(
    open_house: Server, hold: Any
) -> None:
    held = hold(open_house, 5, LARGE)
    life = open_house.application.life
    await _until(lambda: life.arriving == 5 * (65_500 - 8192))
    for connection in held:
        connection.close()
    await _until(lambda: life.arriving == 0)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/nothing"), ("POST", "/acme/jwks"), ("POST", "/live"), ("GET", "/acme/me"),
     ("PUT", "/acme/token"), ("OPTIONS", "/acme/token")],
)  # fmt: skip
async def test_security_9_no_body_is_kept_that_nobody_reads(
    open_house: Server, hold: Any, method: str, path: str
) -> None:
    (held,) = hold(open_house, 1, request(method, path, "Content-Length: 65536", body=b"x" * 65535))
    await _until_waiting(open_house, 1, Phase.BODY)
    await asyncio.sleep(0.1)
    assert open_house.application.life.arriving == 0
    held.sendall(b"x")
    assert statuses(await _read(held))[0] in (200, 204, 401, 404, 405)


async def test_faults_F12_a_request_that_nobody_waits_for_is_not_begun(
    open_house: Server,
) -> None:
    address = ("127.0.0.1", open_house.port)
    with structlog.testing.capture_logs() as logs:
        open_house.application.log = structlog.get_logger().bind()
        for _ in range(5):  # sent and left before the server comes to it
            with socket.create_connection(address) as gone:
                gone.sendall(request("GET", "/counted"))
        with socket.create_connection(address) as waiting:
            waiting.sendall(request("GET", "/counted"))
            await _until(lambda: _CountedHandler.begun)
            await _until(lambda: any(line["event"] == "requests.abandoned" for line in logs))
            _CountedHandler.release.set()
            assert statuses(await _read(waiting)) == [200]
    assert _CountedHandler.begun == 1
    assert sum(line["count"] for line in logs if line["event"] == "requests.abandoned") == 5
    assert open_house.application.life.in_flight == 0


async def test_faults_F11_every_503_says_when_to_come_back(crowded: Server) -> None:
    life = crowded.application.life
    ask = request("GET", "/away", "Connection: close")
    assert b"Retry-After: 1" in await exchange(crowded.port, ask)
    life.draining = True
    draining = await exchange(crowded.port, request("GET", "/ready", "Connection: close"))
    life.draining, life.max_in_flight = False, 0
    full = await exchange(crowded.port, request("GET", "/health", "Connection: close"))
    for answer in (draining, full):
        assert statuses(answer) == [503]
        assert b"Retry-After: 1" in answer
