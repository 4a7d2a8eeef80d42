"""The message: what stands in it is ours, whatever names and subjects people think of."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

import pytest

from porta.emails.message import Letter, address_of, build, new_message_id

_EXPECTED = {
    *("From", "To", "Subject", "Date", "Message-ID", "Content-Language", "Auto-Submitted"),
    *("MIME-Version", "Content-Type"),
}


def letter(**more: str) -> Letter:
    given = {"subject": "Welcome", "text": "Hi\n", "html": "<p>Hi</p>", "language": "en"}
    return Letter(**{**given, "sender_name": "Acme", **more})


def made(of: Letter, to: str = "ann@acme.test", sender: str = "id@example.com") -> EmailMessage:
    data, utf8 = build(
        of, sender=sender, recipient=to, message_id="<1@example.com>", written_at=1.8e9
    )
    assert utf8 == (not (sender + to).isascii())
    assert utf8 or data.isascii()
    assert all(len(line) <= 998 for line in data.splitlines()), "RFC 5322 §2.1.1"
    assert b"\n" not in data.replace(b"\r\n", b""), "RFC 5321 §2.3.8"
    found = message_from_bytes(data, policy=policy.default)
    assert isinstance(found, EmailMessage)
    assert set(found.keys()) == _EXPECTED
    assert len(found.keys()) == len(_EXPECTED)
    told = [str(part.addr_spec) for part in found["To"].addresses]
    # RFC 6532: octets of a header may be UTF-8, and the parser leaves them as they came.
    assert [each.encode("utf-8", "surrogateescape").decode() for each in told] == [to]
    assert [str(part.addr_spec) for part in found["From"].addresses] == [sender]
    return found


def test_a_letter_is_text_and_html_in_one_message() -> None:
    found = made(letter(text="Grüße\n", html="<p>Grüße</p>", subject="Grüße", language="de"))
    assert found.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in found.iter_parts()] == ["text/plain", "text/html"]
    contents = [part.get_content().strip() for part in found.iter_parts()]
    assert contents == ["Grüße", "<p>Grüße</p>"]
    assert found["Subject"] == "Grüße"
    assert found["Content-Language"] == "de"
    assert found["Auto-Submitted"] == "auto-generated"
    assert parsedate_to_datetime(found["Date"]).timestamp() == 1.8e9
    assert found["From"].addresses[0].display_name == "Acme"


_HOSTILE = [
    "x\r\nBcc: eve@evil.test",
    "x\nBcc: eve@evil.test",
    "x\rBcc: eve@evil.test",
    "x\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029Bcc: eve@evil.test",
    "=?utf-8?q?x=0D=0ABcc:_eve@evil.test?=",
    "=?utf-8?b?eA0KQmNjOiBldmVAZXZpbC50ZXN0?=",
    "a =?utf-8?q?x=0ABcc:_e?= =?utf-8?q?ve@evil.test?=",
    'Acme" <eve@evil.test>, "',
    "Acme <eve@evil.test>",
    "eve@evil.test,",
    "\\",
    '"',
    "(comment",
    "x" * 5000,
    "ü" * 5000,
    "日本 " * 100,
    "\u202eemcA",
    "=?",
    "",
]


@pytest.mark.parametrize("text", _HOSTILE)
def test_no_name_and_no_subject_becomes_a_header_or_an_address(text: str) -> None:
    for field in ("subject", "sender_name"):
        found = made(letter(**{field: text}))
        assert "eve@evil.test" not in str(found["To"])
        assert len(found["From"].addresses) == 1
        for value in (str(found["Subject"]), str(found["From"])):
            assert value.splitlines() in ([value], [])
            assert not any(c in value for c in "\r\n\0\x85\u2028\u2029\u202e")


@pytest.mark.parametrize("text", [".\r\n.\nQUIT\r\n", "From me\n", "\r", "x" * 5000, "\x85 \u2028"])
def test_no_text_ends_the_message_or_a_line_too_late(text: str) -> None:
    found = made(letter(text=text, html=f"<p>{text}</p>"))
    plain, _ = found.iter_parts()
    assert plain.get_content().split() == text.split()


@pytest.mark.parametrize("to", ["jörg@acme.test", "ann@xn--bcher-kva.test", "o'hara+x@acme.test"])
def test_addresses_stand_as_they_are(to: str) -> None:
    made(letter(), to)


def test_a_message_id_is_ours_alone() -> None:
    ids = {new_message_id("Porta <id@bücher.example>") for _ in range(50)}
    assert len(ids) == 50
    assert all(each.endswith("@xn--bcher-kva.example>") for each in ids)
    assert address_of("Porta <id@example.com>") == "id@example.com"
