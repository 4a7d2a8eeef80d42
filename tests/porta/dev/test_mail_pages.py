"""The inbox shows whatever arrives: long, odd, or with a link in a sentence."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from porta.dev import mail_catcher
from porta.dev.mail_inbox import Inbox, Mail, body_of
from tests.flows.chromium import chromium, needs_chromium, window
from tests.porta.dev.odd_mails import ODD

_LINES = sorted({line for data in ODD.values() for line in data.splitlines() if len(line) < 500})


def caught(data: bytes, recipient: str = "a@b.test") -> Mail:
    return Inbox().add("porta@example.test", [recipient], "host", data)


def shown(header: bytes, body: bytes = b"hello\r\n") -> str:
    return mail_catcher.message_page(caught(header + b"\r\n\r\n" + body))


@given(st.lists(st.sampled_from(_LINES) | st.binary(max_size=40)).map(b"\r\n".join))
def test_every_message_can_be_shown_and_told(data: bytes) -> None:
    mail = caught(data)
    for page in (mail_catcher.inbox_page([mail]), mail_catcher.message_page(mail)):
        assert page.encode()
    assert (body_of(mail.parsed(), "html") or "").encode() is not None
    assert msgspec.json.encode(mail_catcher.describe(mail))


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (b'From: "', "<td>&quot;</td>"),
        (b"Message-ID: <[a@b>", "<td>&lt;[a@b&gt;</td>"),
        (b"Subject: =?utf-7?q?+2AA-?=", "<h1>=?utf-7?q?+2AA-?=</h1>"),
        (b"subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "<h1>Grüße</h1>"),
        ("Subject: Grüße".encode(), "<h1>Grüße</h1>"),  # RFC 6532
        (b"Subject: a\r\n b", "<h1>a b</h1>"),
        (b"Subject:  ", "<h1>(no subject)</h1>"),
    ],
)
def test_a_header_is_decoded_or_shown_as_it_came(header: bytes, text: str) -> None:
    assert text in shown(header)


@pytest.mark.parametrize(
    ("header", "body", "text"),
    [
        (
            b"Content-Type: text/plain; charset=nonsense",
            b"Gr\xc3\xbc\xc3\x9fe \xff",
            "Grüße \ufffd",
        ),
        (b"Content-Type: text/plain; charset=iso-8859-1", b"Gr\xfc\xdfe", "Grüße"),
        (b"Content-Type: text/plain; charset=undefined", b"hello", "hello"),
        (b"Content-Transfer-Encoding: base64", b"aGVsbG8=", "hello"),
        (b"Content-Transfer-Encoding: base64", b"aGVsbG8", "hello"),
    ],
)
def test_a_body_is_decoded_as_far_as_it_can_be(header: bytes, body: bytes, text: str) -> None:
    assert f"<pre>{text}</pre>" in shown(header, body)


def test_an_attachment_is_not_the_text() -> None:
    parts = (
        b"--b\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nattached\r\n"
        b"--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n"
        b"--c\r\n\r\nmeant\r\n--c\r\nContent-Type: text/html\r\n\r\n<b>\r\n--c--\r\n--b--\r\n"
    )
    page = shown(b"Content-Type: multipart/mixed; boundary=b", parts)
    assert "<pre>meant</pre>" in page
    assert "<iframe" in page
    assert "attached" not in page


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("Open https://a.test/x?b=c&d=e to go on", ["https://a.test/x?b=c&d=e"]),
        ("Open https://a.test/x.", ["https://a.test/x"]),
        ("http://a.test/x, https://b.test:8443/; or", ["http://a.test/x", "https://b.test:8443/"]),
        ("Really https://a.test/x?!", ["https://a.test/x"]),
        ("(https://a.test/path)", ["https://a.test/path"]),
        ("(see https://a.test/path).", ["https://a.test/path"]),
        ("https://a.test/Porta_(port).", ["https://a.test/Porta_(port)"]),
        ("<https://a.test/x>", ["https://a.test/x"]),
        ('"https://a.test/x"', ["https://a.test/x"]),
        ("[https://a.test/x] http://[::1]:3000/x.", ["https://a.test/x", "http://[::1]:3000/x"]),
        ("https://a.test/a.b,c/?q=(d)&e", ["https://a.test/a.b,c/?q=(d)&e"]),
        ("https:// http://... ftp://a.test/ javascript://a.test/", []),
        ("https://" + ")" * 100_000 + " (" * 100_000 + "https://" * 100_000, None),
    ],
)
def test_a_link_ends_where_its_sentence_goes_on(text: str, links: list[str] | None) -> None:
    page = mail_catcher.message_page(
        caught(b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text.encode())
    )
    if links is not None:
        found = re.findall(r'<a href="(http[^"]*)" rel="noreferrer">\1</a>', page)
        assert [link.replace("&amp;", "&") for link in found] == links


_OVERFLOWING = """() => [...document.querySelectorAll("h1, ul.mails a > *")]
  .filter(each => each.scrollWidth > each.clientWidth).map(each => each.textContent)"""


@pytest.mark.browser
@needs_chromium[1]
@pytest.mark.parametrize("width", [1280, 320])
async def test_what_is_long_is_wrapped(width: int) -> None:
    running = await mail_catcher.start()
    recipients = ["a" * 60 + "@" + "b" * 60 + ".test", "x@y.test"]
    mail = running.inbox.add("a@b.test", recipients, "h", b"Subject: " + b"W" * 900 + b"\r\n\r\n")
    size = {"width": width, "height": 800}
    async with chromium() as browser, window(browser, viewport=size) as visitor:
        for path in ("", f"messages/{mail.id}"):
            await visitor.open(running.web + path)
            assert await visitor.page.evaluate(_OVERFLOWING) == []
            assert await visitor.page.evaluate("document.body.scrollWidth") <= width
    await running.stop()
