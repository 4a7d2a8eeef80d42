"""Server-sent events: read in whatever pieces they come, gone on with, and ended."""

from __future__ import annotations

import asyncio

import pytest

from porta.admin_client import AdminApiError, AdminClient, BearerToken, NoAnswer, Unauthenticated
from porta.admin_client.events import Parser
from porta.admin_client.http import Http
from porta.admin_client.resources.jobs import Job
from porta.outbox import queue
from porta.outbox.queue import Kind, Nothing
from tests.porta.admin_client.peer import CLOSES, HANGS, PAUSES, answer, peer
from tests.world.administrators import Installation

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
TEXT = (
    ': hello\nretry: 3000\n\nevent: job\nid: 1\ndata: {"a":\ndata: 1}\n\n'
    "id:2\ndata: ä\r\n\r\nx: y\n\n"
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_stream_is_read_in_any_pieces(size: int) -> None:
    raw, parser = TEXT.encode(), Parser()
    pieces = [raw[start : start + size] for start in range(0, len(raw), size)]
    found = [event for piece in pieces for event in parser.feed(piece)]
    assert found == [("job", "1", '{"a":\n1}'), ("", "2", "ä")]


def test_a_line_without_an_end_is_refused() -> None:
    parser = Parser()
    for _ in range(15):
        assert list(parser.feed(b"x" * 2**16)) == []
    with pytest.raises(NoAnswer):
        list(parser.feed(b"x" * 2**17))


def _stream(*texts: str, ends: bool = True) -> bytes:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(t.encode()), t.encode()) for t in texts)
    return HEAD + chunks + (b"0\r\n\r\n" if ends else PAUSES)


def _event(number: int) -> str:
    job = (
        f'{{"id":"{number}","kind":"k","organizationId":null,"state":"ready","recurs":false,'
        '"attempts":0,"maxAttempts":1,"createdAt":"2026-01-01T00:00:00.000Z",'
        '"runAt":"2026-01-01T00:00:00.000Z","doneAt":null,"deadAt":null,"cancelledAt":null,'
        '"progress":null,"lastError":null}'
    )
    return f"event: job\nid: v{number}\ndata: {job}\n\n"


async def test_a_stream_that_is_lost_goes_on_after_the_last_event() -> None:
    answers = (
        _stream(_event(1), _event(2), ends=False),
        CLOSES,
        _stream(_event(3)),
        answer(204),
    )
    async with peer(*answers) as found, AdminClient(found.url, BearerToken("t")) as admin:
        async with admin.jobs.events("1") as events:
            seen = [(await anext(events)).id, (await anext(events)).id]
            found.go_on.set()
            seen += [job.id async for job in events]
        assert seen == ["1", "2", "3"]
        ids = [line for each in found.requests for line in each.split(b"\r\n") if b"Last-" in line]
        assert ids == [b"Last-Event-Id: v2", b"Last-Event-Id: v2", b"Last-Event-Id: v3"]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (
            _stream('event: error\ndata: {"error":"over","code":"c","status":401}\n\n'),
            Unauthenticated,
        ),
        (_stream("event: job\ndata: {}\n\n"), AdminApiError),
        (_stream("event: job\ndata: nonsense\n\n"), AdminApiError),
        (answer(401, '{"error":"no","code":"invalid_token"}'), Unauthenticated),
    ],
)
async def test_what_ends_a_stream_is_told(said: bytes, kind: type[Exception]) -> None:
    async with peer(said) as found, AdminClient(found.url, BearerToken("t")) as admin:
        async with admin.jobs.events("1") as events:
            with pytest.raises(kind):
                await anext(events)
        assert len(found.requests) == 1


async def test_who_stops_listening_leaves_no_connection() -> None:
    async with peer(HANGS) as found, AdminClient(found.url, BearerToken("t")) as admin:
        async with admin.jobs.events("1"):
            while not found.requests:
                await asyncio.sleep(0.01)
        await asyncio.wait_for(found.closed.wait(), 20)


async def test_a_job_is_watched_to_its_end(admin: AdminClient, installation: Installation) -> None:
    async with installation.runtime.storage.everywhere.transaction() as tx:
        id = await queue.enqueue(tx, Kind("watched", Nothing), Nothing())
    seen: list[Job] = []
    async with admin.jobs.events(str(id)) as events:
        async for job in events:
            seen.append(job)
            await installation.execute(
                "UPDATE jobs SET ready = FALSE, done_at = now() WHERE id = %(id)s AND ready", id=id
            )
    assert [job.state for job in seen] == ["ready", "done"]


class _Renewed:
    """A token that is refused, and another one in its place."""

    def __init__(self) -> None:
        self._number = 1

    async def token(self, http: Http) -> str:
        del http
        return f"t{self._number}"

    async def renew(self, http: Http, refused: str) -> bool:
        del http
        assert refused == f"t{self._number}"
        self._number += 1
        return True


async def test_a_stream_goes_on_after_an_id_that_no_event_had() -> None:
    """What a filter leaves out is not asked for again."""
    answers = (_stream("id: v7\n\n", _event(8), "id: v9\n\n"), _stream(_event(10)), answer(204))
    async with peer(*answers) as found, AdminClient(found.url, BearerToken("t")) as admin:
        async with admin.jobs.events("1") as events:
            assert [job.id async for job in events] == ["8", "10"]
        ids = [line for each in found.requests for line in each.split(b"\r\n") if b"Last-" in line]
        assert ids == [b"Last-Event-Id: v9", b"Last-Event-Id: v10"]


async def test_a_token_that_ends_in_mid_stream_is_renewed() -> None:
    over = 'event: error\ndata: {"error":"over","code":"invalid_token","status":401}\n\n'
    answers = (_stream(_event(1), over), _stream(_event(2)), answer(204))
    async with peer(*answers) as found, AdminClient(found.url, _Renewed()) as admin:
        async with admin.jobs.events("1") as events:
            assert [job.id async for job in events] == ["1", "2"]
        sent = [b"Bearer t1" in each for each in found.requests]
        assert sent == [True, False, False]
        assert b"Last-Event-Id: v1" in found.requests[1]


async def test_a_token_that_is_refused_again_and_again_ends_the_stream() -> None:
    over = 'event: error\ndata: {"error":"over","code":"invalid_token","status":401}\n\n'
    answers = (_stream(_event(1), over), _stream(over))
    async with peer(*answers) as found, AdminClient(found.url, _Renewed()) as admin:
        async with admin.jobs.events("1") as events:
            assert (await anext(events)).id == "1"
            with pytest.raises(Unauthenticated):
                await anext(events)
        assert len(found.requests) == 2
