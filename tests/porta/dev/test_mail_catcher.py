"""What Porta mails is caught, shown to a person and told to scripts."""

from __future__ import annotations

import asyncio
import logging
import smtplib
import sys
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from porta.dev import mail_catcher
from porta.dev.mail_catcher import MailCatcher
from porta.dev.mail_inbox import Inbox, Mail
from porta.dev.processes import StartFailed
from tests.porta.dev.odd_mails import ODD


@pytest.fixture
async def catcher() -> AsyncIterator[MailCatcher]:
    running = await mail_catcher.start()
    yield running
    await running.stop()


@pytest.fixture
async def browser(catcher: MailCatcher) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=catcher.web, trust_env=False) as client:
        yield client


async def send(catcher: MailCatcher, subject: str = "Grüße", to: str = "bob@acme.test") -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "porta@example.test", to, subject
    message.set_content("Open http://localhost:3000/x?token=abc to go on <b>.\n")
    message.add_alternative("<p>Open <a href='http://localhost:3000/x'>this</a></p>", "html")

    def deliver() -> None:
        with smtplib.SMTP("127.0.0.1", catcher.smtp_port, timeout=5) as smtp:
            smtp.send_message(message)

    await asyncio.to_thread(deliver)


async def listing(catcher: MailCatcher, browser: httpx.AsyncClient, query: str = "") -> Any:
    return (await browser.get(catcher.api + query)).json()


async def test_the_listing_has_mailhogs_shape(
    catcher: MailCatcher, browser: httpx.AsyncClient
) -> None:
    await send(catcher, "first")
    await send(catcher, "second")
    found = await listing(catcher, browser)
    assert (found["total"], found["count"], found["start"]) == (2, 2, 0)
    newest, oldest = found["items"]
    assert newest["Content"]["Headers"]["Subject"] == ["second"]
    assert oldest["Content"]["Headers"]["To"] == ["bob@acme.test"]
    assert "token=abc" in newest["Content"]["Body"]
    assert newest["From"]["Mailbox"] == "porta"
    assert newest["To"] == [{"Relays": None, "Mailbox": "bob", "Domain": "acme.test", "Params": ""}]
    kinds = [part["Headers"]["Content-Type"][0] for part in newest["MIME"]["Parts"]]
    assert [kind.split(";")[0] for kind in kinds] == ["text/plain", "text/html"]
    assert newest["Raw"]["To"] == ["bob@acme.test"]


async def test_the_listing_goes_by_pages(catcher: MailCatcher, browser: httpx.AsyncClient) -> None:
    for number in range(3):
        await send(catcher, str(number))
    found = await listing(catcher, browser, "?start=1&limit=1")
    assert (found["total"], found["count"], found["start"]) == (3, 1, 1)
    assert found["items"][0]["Content"]["Headers"]["Subject"] == ["1"]
    assert (await browser.get(catcher.api + "?start=one")).status_code == 400


async def test_messages_are_deleted(catcher: MailCatcher, browser: httpx.AsyncClient) -> None:
    await send(catcher)
    assert (await browser.delete("/api/v1/messages")).status_code == 200
    assert (await listing(catcher, browser))["total"] == 0


async def test_a_person_reads_the_inbox(catcher: MailCatcher, browser: httpx.AsyncClient) -> None:
    assert "Nothing has arrived" in (await browser.get("/")).text
    await send(catcher, "<Grüße>")
    assert "&lt;Grüße&gt;" in (await browser.get("/")).text
    identifier = catcher.inbox.mails[0].id
    shown = (await browser.get(f"/messages/{identifier}")).text
    assert '<a href="http://localhost:3000/x?token=abc"' in shown
    assert "&lt;b&gt;" in shown
    assert "Subject: " in (await browser.get(f"/messages/{identifier}/source")).text
    assert (await browser.get("/messages/unknown")).status_code == 404
    cleared = await browser.post("/delete", headers={"Origin": catcher.web.rstrip("/")})
    assert cleared.status_code == 303
    assert not catcher.inbox.mails


async def test_html_of_a_message_runs_no_script(
    catcher: MailCatcher, browser: httpx.AsyncClient
) -> None:
    await send(catcher)
    answer = await browser.get(f"/messages/{catcher.inbox.mails[0].id}/html")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox ")
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy


async def test_other_names_and_other_sites_are_refused(
    catcher: MailCatcher, browser: httpx.AsyncClient
) -> None:
    await send(catcher)
    rebound = await browser.get("/api/v2/messages", headers={"Host": "evil.test"})
    assert rebound.status_code == 421
    crossed = await browser.post("/delete", headers={"Origin": "https://evil.test"})
    assert crossed.status_code == 403
    assert len(catcher.inbox.mails) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nbroken\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n\r\n",
    ],
)
async def test_a_malformed_request_is_answered(raw: bytes, catcher: MailCatcher) -> None:
    port = httpx.URL(catcher.web).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    assert (await reader.readline()) == b"HTTP/1.1 400 Bad Request\r\n"
    writer.close()


async def test_a_long_address_is_answered(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/" + "x" * 60_000)).status_code == 404
    cookies = "; ".join(f"port{number}={'x' * 4000}" for number in range(20))
    assert (await browser.get("/", headers={"Cookie": cookies})).status_code == 200


async def everywhere(browser: httpx.AsyncClient, mail: Mail) -> dict[str, int]:
    """Ask for everything that shows this message; return the status of each answer."""
    paths = ["/", *(f"/messages/{mail.id}{view}" for view in ("", "/html", "/source"))]
    paths.append("/api/v2/messages")
    return {path: (await browser.get(path)).status_code for path in paths}


@pytest.mark.parametrize("data", ODD.values(), ids=ODD.keys())
async def test_a_message_that_is_off_is_shown(
    data: bytes, catcher: MailCatcher, browser: httpx.AsyncClient
) -> None:
    statuses = await everywhere(browser, catcher.inbox.add("a@b.test", ["a@b.test"], "h", data))
    assert set(statuses.values()) == {200}, statuses


async def test_an_envelope_that_is_off_is_shown(
    catcher: MailCatcher, browser: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    # aiosmtpd logs what it is sent, half a character too, which no report of a test can hold.
    caplog.set_level(logging.CRITICAL, "mail.log")
    reader, writer = await asyncio.open_connection("127.0.0.1", catcher.smtp_port)
    for line in (
        b"EHLO x",
        b"MAIL FROM:<\xff@b.test> SMTPUTF8",
        b"RCPT TO:<a\xfe@b.test>",
        b"DATA",
        b"Subject: odd\r\n\r\nhello\r\n.",
        b"QUIT",
    ):
        writer.write(line + b"\r\n")
        await writer.drain()
    assert b"221" in await reader.read()
    writer.close()
    (mail,) = catcher.inbox.mails
    assert mail.recipients == ("a\N{REPLACEMENT CHARACTER}@b.test",)
    statuses = await everywhere(browser, mail)
    assert set(statuses.values()) == {200}, statuses


async def test_a_question_for_the_head_is_answered_as_for_the_whole(
    catcher: MailCatcher, browser: httpx.AsyncClient
) -> None:
    await send(catcher)
    identifier = catcher.inbox.mails[0].id
    views = ("", "/html", "/source", "/unknown")
    paths = ["/", "/style.css", "/unknown", *(f"/messages/{identifier}{view}" for view in views)]
    paths += ["/api/v2/messages", "/api/v2/messages?start=x"]
    for path in paths:
        whole, head = await browser.get(path), await browser.head(path)
        assert (head.status_code, head.headers) == (whole.status_code, whole.headers), path
        assert head.content == b""


async def test_the_inbox_is_renewed_by_who_reads_it(browser: httpx.AsyncClient) -> None:
    shown = (await browser.get("/")).text
    assert 'http-equiv="refresh"' not in shown  # WCAG 2.2: 2.2.1, 3.2.5
    assert '<a class="button quiet" href="/">Reload</a>' in shown


def test_the_oldest_falls_out() -> None:
    inbox = Inbox(kept=2)
    for number in range(3):
        inbox.add("a@b.test", [f"{number}@b.test"], "", b"")
    assert [mail.recipients[0] for mail in inbox.mails] == ["2@b.test", "1@b.test"]


async def test_without_its_package_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "aiosmtpd.smtp", None)
    with pytest.raises(StartFailed, match=r"pip install 'porta\[dev\]'"):
        await mail_catcher.start()
