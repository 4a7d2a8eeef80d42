"""What is sent again and what is not; certificates, time limits, and answers that are none."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from porta.admin_client import (
    AdminApiError,
    AdminClient,
    BearerToken,
    Conflict,
    NoAnswer,
    NotSignedIn,
    ServerError,
    TooManyRequests,
    Unauthenticated,
)
from porta.admin_client.http import Http, InsecureAddress
from porta.admin_client.resource import Unreadable
from porta.admin_client.resources.organizations import OrganizationPatch
from tests.porta.admin_client.peer import CLOSES, HANGS, Peer, answer, peer
from tests.world.certificates import write_certificate
from tests.world.ports import free_port

ME = answer(200, '{"data":{"userId":null,"clientId":"c","email":null,"organizationId":null,"permissions":[]}}')  # fmt: skip  # noqa: E501
BUSY = answer(409, '{"error":"A request is being answered","code":"conflict"}', Retry_After="0")
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"


def _client(found: Peer, **options: float) -> AdminClient:
    return AdminClient(found.url, BearerToken("t"), timeout=options.get("timeout", 20.0))


@pytest.mark.parametrize(
    "first",
    [CLOSES, CUT, answer(502), answer(504), answer(503), answer(503, Retry_After="0"), answer(429)],
)
async def test_a_question_is_asked_again(first: bytes) -> None:
    async with peer(first, ME) as found, _client(found) as admin:
        assert (await admin.me.get()).client_id == "c"
        assert len(found.requests) == 2


@pytest.mark.parametrize("first", [CLOSES, CUT, BUSY, answer(502), answer(503, Retry_After="0")])
async def test_a_post_is_sent_again_with_the_same_key(first: bytes) -> None:
    """Whether the first one took effect or not: the key says that they are the same."""
    async with peer(first, answer(204)) as found, _client(found) as admin:
        await admin.organizations.suspend("acme")
        await admin.organizations.suspend("acme")
        keys = found.keys()
    assert len(keys) == 3
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("first", [CLOSES, CUT, answer(502), answer(503)])
async def test_a_change_that_may_have_taken_effect_is_not_sent_again(first: bytes) -> None:
    """The second would meet another version than the one that was read, or nothing."""
    async with peer(first, answer(204)) as found, _client(found) as admin:
        with pytest.raises((NoAnswer, ServerError)):
            await admin.organizations.update("acme", OrganizationPatch(name="A"))
        assert len(found.requests) == 1


async def test_what_was_refused_had_no_effect_and_is_sent_again() -> None:
    limited = answer(429, '{"error":"Too many","code":"too_many_requests"}', Retry_After="0")
    async with peer(limited, answer(204)) as found, _client(found) as admin:
        await admin.roles.delete("a", "r")
        assert len(found.requests) == 2


async def test_nobody_waits_for_longer_than_patience_or_goes_on_for_ever() -> None:
    limited = answer(429, '{"error":"Too many","code":"c"}', Retry_After="3600")
    async with peer(limited) as found, _client(found) as admin:
        with pytest.raises(TooManyRequests) as refused:
            await admin.me.get()
        assert (refused.value.retry_after, len(found.requests)) == (3600.0, 1)
    async with peer(answer(503)) as found, AdminClient(found.url, None, attempts=2) as admin:
        with pytest.raises(ServerError):
            await admin.metadata.get()
        assert len(found.requests) == 2
    taken = answer(409, '{"error":"taken","code":"conflict"}')
    async with peer(taken) as found, _client(found) as admin:
        with pytest.raises(Conflict):
            await admin.organizations.suspend("acme")
        assert len(found.requests) == 1


async def test_a_refused_token_is_not_sent_twice() -> None:
    dead = answer(401, '{"error":"no","code":"invalid_token"}')
    async with peer(dead) as found, _client(found) as admin:
        with pytest.raises(Unauthenticated):
            await admin.me.get()
        assert len(found.requests) == 1


@pytest.mark.parametrize(
    "said", [answer(302, Location="https://evil.example/"), answer(307, Location="/api/admin/me")]
)
async def test_no_redirect_takes_the_token_along(said: bytes) -> None:
    async with peer(said, ME) as found, _client(found) as admin:
        with pytest.raises(NotSignedIn, match="is this its address"):
            await admin.me.get()
        assert len(found.requests) == 1


@pytest.mark.parametrize("body", ["<html>", "{}", '{"data":{}}', '{"data":[]}', ""])
async def test_what_is_no_answer_of_ours_is_told(body: str) -> None:
    async with peer(answer(200, body)) as found, _client(found) as admin:
        with pytest.raises(Unreadable):
            await admin.me.get()
    async with peer(answer(418, body, X_Request_Id="r-1")) as found, _client(found) as admin:
        with pytest.raises(AdminApiError, match="418"):
            await admin.me.get()


async def test_a_server_that_does_not_answer_is_not_waited_for() -> None:
    async with peer(HANGS) as found, _client(found, timeout=0.2) as admin:
        with pytest.raises(NoAnswer, match="in time") as failed:
            await admin.roles.delete("a", "r")
        assert failed.value.was_sent
        await asyncio.wait_for(found.closed.wait(), 20)


async def test_a_caller_who_is_cancelled_leaves_no_connection() -> None:
    async with peer(HANGS) as found, _client(found) as admin:
        asking = asyncio.create_task(admin.me.get())
        while not found.requests:
            await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(found.closed.wait(), 20)


async def test_nobody_there_is_told_as_such() -> None:
    async with AdminClient(f"http://127.0.0.1:{free_port()}", None, attempts=2) as admin:
        with pytest.raises(NoAnswer, match="cannot be reached") as failed:
            await admin.metadata.get()
    assert not failed.value.was_sent


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "localhost")
    other, _ = write_certificate(tmp_path, "other.example")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with peer(ME, tls=tls) as found:
        for ca_file in (None, str(other)):
            token = BearerToken("t")
            async with AdminClient(found.url, token, ca_file=ca_file, attempts=1) as admin:
                with pytest.raises(NoAnswer, match="not trusted"):
                    await admin.me.get()
        by_address = found.url.replace("localhost", "127.0.0.1")
        async with AdminClient(by_address, token, ca_file=str(certificate), attempts=1) as admin:
            with pytest.raises(NoAnswer, match="not trusted"):  # it is another name's
                await admin.me.get()
        assert found.requests == []
        async with AdminClient(found.url, token, ca_file=str(certificate)) as admin:
            assert (await admin.me.get()).client_id == "c"


@pytest.mark.parametrize(
    "server",
    ["http://id.example.com", "ftp://localhost", "id.example.com", "http://127.0.0.1.evil.example",
     "http://10.0.0.1", "https://", "http://localhost.evil.example"],
)  # fmt: skip
async def test_a_token_does_not_travel_in_the_clear(server: str) -> None:
    with pytest.raises(InsecureAddress):
        AdminClient(server, BearerToken("t"))
    http = Http()
    with pytest.raises(InsecureAddress):
        await http.send("GET", f"{server}/x", {})
    http.close()
