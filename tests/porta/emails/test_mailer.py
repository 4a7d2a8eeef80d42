"""The mailer: its connection, its TLS, its time limits, and what a failure means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from porta.emails import mailer as module
from porta.emails.mailer import MailDeferred, Mailer, MailRefused, MailServer, server_of
from tests.porta.emails.smtp_servers import PASSWORD, USER, certificate, raw, serving
from tests.world.ports import free_port
from tests.world.served import settings_for

MESSAGE = b"From: id@example.com\r\nTo: ann@acme.test\r\nSubject: x\r\n\r\nBody\r\n"


@asynccontextmanager
async def mailing(server: MailServer | None) -> AsyncIterator[Mailer]:
    mailer = Mailer(server)
    try:
        yield mailer
    finally:
        await mailer.close()


async def send(mailer: Mailer, to: str = "ann@acme.test", *, utf8: bool = False) -> None:
    await mailer.send("id@example.com", to, MESSAGE, utf8=utf8)


async def test_messages_go_over_one_connection_that_is_kept() -> None:
    async with serving() as (caught, server), mailing(server) as mailer:
        for _ in range(5):
            await send(mailer)
        assert len(caught.messages) == 5
        assert caught.messages[0][:2] == ("id@example.com", ["ann@acme.test"])
        assert len({id(session) for session in caught.sessions}) == 1
        assert caught.sessions[0].host_name == "id.example.com", "our name, not the container's"


async def test_a_connection_that_the_server_closed_is_renewed() -> None:
    async with serving() as (caught, server), mailing(server) as mailer:
        await send(mailer)
        caught.hang_up()
        await asyncio.sleep(0.1)
        await send(mailer)
        assert len(caught.messages) == 2
        assert len(caught.transports) == 2


async def test_a_connection_is_closed_when_nobody_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT", 0.1)
    async with serving() as (caught, server), mailing(server) as mailer:
        await send(mailer)
        async with asyncio.timeout(20):
            while not caught.transports[0].is_closing():
                await asyncio.sleep(0.01)
        await send(mailer)
        assert len(caught.messages) == 2


async def test_a_connection_ends_after_so_many_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    async with serving() as (caught, server), mailing(server) as mailer:
        for _ in range(7):
            await send(mailer)
        assert len(caught.messages) == 7
        assert 2 <= len(caught.transports) <= 4


async def test_many_at_once_all_arrive() -> None:
    async with serving() as (caught, server), mailing(server) as mailer:
        await asyncio.gather(*(send(mailer, f"p{n}@acme.test") for n in range(8)))
        await send(mailer)
        assert len(caught.messages) == 9
        assert len(caught.transports) <= 8


@pytest.mark.parametrize("mode", ["starttls", "implicit"])
async def test_tls_is_spoken_with_a_certificate_that_holds(
    mode: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    async with serving(tls=context, implicit=mode == "implicit") as (caught, server):
        async with mailing(replace(server, tls=mode)) as mailer:
            await send(mailer)
        assert len(caught.messages) == 1


@pytest.mark.parametrize("mode", ["starttls", "implicit"])
@pytest.mark.parametrize("trouble", ["unknown", "another host"])
async def test_a_certificate_that_does_not_hold_is_refused(
    mode: Any, trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, file = certificate(
        tmp_path, "mail.example.com" if trouble != "unknown" else "127.0.0.1"
    )
    if trouble != "unknown":
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    async with serving(tls=context, implicit=mode == "implicit") as (caught, server):
        async with mailing(replace(server, tls=mode)) as mailer:
            with pytest.raises(MailDeferred, match=r"(?i)certificate"):
                await send(mailer)
        assert caught.messages == []


async def test_a_server_that_offers_no_tls_is_told_nothing() -> None:
    """Somebody in between can take the offer of STARTTLS out of the answer (RFC 8314 §5.2)."""
    async with serving() as (caught, server), mailing(replace(server, tls="starttls")) as mailer:
        with pytest.raises(MailDeferred, match="STARTTLS"):
            await send(mailer)
        assert caught.messages == []


async def test_a_password_is_given_and_a_wrong_one_is_no_fault_of_the_message() -> None:
    async with serving(auth=True) as (caught, server):
        async with mailing(replace(server, user=USER, password=PASSWORD)) as mailer:
            await send(mailer)
        async with mailing(replace(server, user=USER, password="wrong")) as mailer:
            with pytest.raises(MailDeferred, match="535"):
                await send(mailer)
        assert caught.logins[0]
        assert not any(caught.logins[1:]), "whichever way it was tried"
        assert len(caught.messages) == 1


@pytest.mark.parametrize(
    ("rcpt", "data", "expected"),
    [
        ("550 5.1.1 <{address}>: no such user", "", MailRefused),
        ("553 bad address", "", MailRefused),
        ("450 4.2.1 mailbox busy", "", MailDeferred),
        ("421 4.3.2 shutting down", "", MailDeferred),
        ("", "554 5.7.1 spam", MailRefused),
        ("", "552 too large", MailRefused),
        ("", "451 4.3.0 later", MailDeferred),
        ("", "452 disk full", MailDeferred),
    ],
)
async def test_an_answer_is_for_good_or_for_now(
    rcpt: str, data: str, expected: type[Exception]
) -> None:
    async with serving() as (caught, server), mailing(server) as mailer:
        caught.rcpt, caught.data = rcpt, data or "250 OK"
        with pytest.raises(expected) as refusal:
            await send(mailer)
        assert str(refusal.value)[:3] == (rcpt or data)[:3]
        assert "ann@acme.test" not in str(refusal.value), "who was to get it is not told"
        assert caught.messages == []
        caught.rcpt, caught.data = "", "250 OK"
        await send(mailer)
        assert len(caught.messages) == 1


@pytest.mark.parametrize(
    "greeting", [b"554 no service\r\n", b"421 busy\r\n", b"\xff\xfe nonsense\r\n", b"220"]
)
async def test_a_server_in_trouble_is_tried_again(
    greeting: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.5)
    async with raw(lambda line: None, greeting) as port:
        server = MailServer("127.0.0.1", port, "none", None, None, "localhost")
        async with mailing(server) as mailer:
            with pytest.raises(MailDeferred):
                await send(mailer)


@pytest.mark.parametrize("silent_at", [b"EHLO", b"MAIL", b"RCPT", b"DATA", b"."])
async def test_a_server_that_falls_silent_is_left(
    silent_at: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.5)

    def answer(line: bytes) -> bytes:
        if line.startswith((silent_at, b"From", b"To", b"Subject", b"Body", b"\r\n")):
            return b""
        return b"354 go on\r\n" if line.startswith(b"DATA") else b"250 OK\r\n"

    async with raw(answer, b"220 hello\r\n") as port:
        server = MailServer("127.0.0.1", port, "none", None, None, "localhost")
        async with mailing(server) as mailer:
            with pytest.raises(MailDeferred):
                await asyncio.wait_for(send(mailer), 20)


async def test_nobody_listens_and_no_server_is_named() -> None:
    nobody = MailServer("127.0.0.1", free_port(), "none", None, None, "localhost")
    for server, said in ((nobody, "onnect"), (None, "SMTP_HOST is not set")):
        async with mailing(server) as mailer:
            with pytest.raises(MailDeferred, match=said):
                await send(mailer)


async def test_addresses_beyond_ascii_need_a_server_that_takes_them() -> None:
    async with serving() as (caught, server), mailing(server) as mailer:
        await send(mailer, "jörg@acme.test", utf8=True)
        assert caught.messages[0][1] == ["jörg@acme.test"]

    def answer(line: bytes) -> bytes:
        return b"250-localhost\r\n250 SIZE 1000\r\n" if line.startswith(b"EHLO") else b"250 OK\r\n"

    async with raw(answer, b"220 hello\r\n") as port:
        plain = MailServer("127.0.0.1", port, "none", None, None, "localhost")
        async with mailing(plain) as mailer:
            with pytest.raises(MailRefused, match="ASCII"):
                await send(mailer, "jörg@acme.test", utf8=True)


@pytest.mark.parametrize("when", [0.0, 0.02, 0.1, 0.3])
async def test_who_is_cancelled_leaves_no_connection(when: float) -> None:
    """What would be left open fails this run as a ResourceWarning, and stands on the server."""

    def answer(line: bytes) -> bytes:
        return b"" if line.startswith(b"MAIL") else b"250 OK\r\n"

    async with raw(answer, b"220 hello\r\n") as port:
        server = MailServer("127.0.0.1", port, "none", None, None, "localhost")
        async with mailing(server) as mailer:
            sending = asyncio.create_task(send(mailer))
            await asyncio.sleep(when)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            assert mailer._idle is None


@pytest.mark.parametrize(
    ("settings", "tls"),
    [
        ({"smtp_host": "mail.example.com"}, "starttls"),
        ({"smtp_host": "10.0.0.3"}, "starttls"),
        ({"smtp_host": "mail.example.com", "smtp_port": 465}, "implicit"),
        ({"smtp_host": "localhost", "smtp_port": 465}, "implicit"),
        ({"smtp_host": "127.0.0.1", "smtp_port": 2525}, "none"),
        ({"smtp_host": "localhost"}, "none"),
        ({"smtp_host": "[::1]"}, "none"),
        ({"smtp_host": "mail.internal", "smtp_tls": "none"}, "none"),
        ({"smtp_host": "localhost", "smtp_tls": "starttls"}, "starttls"),
    ],
)
def test_plain_text_stays_on_this_machine_unless_it_is_asked_for(
    settings: dict[str, Any], tls: str
) -> None:
    server = server_of(settings_for("postgresql:///x", None, **settings))
    assert server is not None
    assert server.tls == tls
    assert server_of(settings_for("postgresql:///x", None)) is None
