"""The messages that the mail catcher holds, in memory and for this run only."""

from __future__ import annotations

import re
import secrets
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any

_KEPT = 1000
_LONGEST_DECODED = 16 * 1024
"""Characters of a header; the time to decode one grows with their square."""
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Mail:
    """A message as it came over SMTP."""

    id: str
    sender: str
    recipients: tuple[str, ...]
    helo: str
    data: bytes
    received: datetime

    def parsed(self) -> Message:
        """Return the message; one that cannot be taken apart has its headers, and one body."""
        try:
            return message_from_bytes(self.data)
        except Exception:  # parts within parts are a RecursionError, and there is more
            return BytesHeaderParser().parsebytes(self.data)


class Inbox:
    """The messages caught, the newest first; the oldest fall out when there are too many."""

    def __init__(self, kept: int = _KEPT) -> None:
        self.mails: deque[Mail] = deque(maxlen=kept)

    def add(self, sender: str, recipients: list[str], helo: str, data: bytes) -> Mail:
        """Keep a message and return it."""
        identifier = secrets.token_urlsafe(12)
        to = tuple(map(_sound, recipients))
        mail = Mail(identifier, _sound(sender), to, _sound(helo), data, datetime.now(UTC))
        self.mails.appendleft(mail)
        return mail

    def find(self, identifier: str) -> Mail | None:
        """Return the message, or None."""
        return next((mail for mail in self.mails if mail.id == identifier), None)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take a message from aiosmtpd, whose name for the method this is."""
        helo = str(session.host_name or "")
        self.add(str(envelope.mail_from), list(envelope.rcpt_tos), helo, envelope.content)
        return "250 OK"


def headers_of(message: Message) -> list[tuple[str, str]]:
    """Return names and values of the headers, for a person."""
    return [(name, _decoded(str(raw))) for name, raw in message.raw_items()]


def subject_of(mail: Mail) -> str:
    """Return the subject, or a word that it has none."""
    headers = headers_of(mail.parsed())
    subject = next((value for name, value in headers if name.lower() == "subject"), "")
    return subject.strip() or "(no subject)"


def body_of(message: Message, kind: str) -> str | None:
    """Return the decoded body of a kind (`plain` or `html`), or None when there is none."""
    parts = (part for part in _leaves(message) if part.get_content_type() == f"text/{kind}")
    return next(map(_text_of, parts), None)


def _leaves(part: Message) -> Iterator[Message]:
    """Return the parts to be read, whatever multiparts they are in; attachments left out."""
    if part.get_content_disposition() == "attachment":
        return
    if part.get_content_maintype() == "multipart" and part.is_multipart():
        for inner in part.get_payload():
            assert isinstance(inner, Message)
            yield from _leaves(inner)
    else:
        yield part


def _text_of(part: Message) -> str:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes), "a text has no parts"
    try:
        return _sound(content.decode(part.get_content_charset("utf-8"), errors="replace"))
    except Exception:  # no such charset, or one that raises whatever it likes
        return content.decode(errors="replace")


def _decoded(raw: str) -> str:
    """Return the value of a header with its encoded words decoded (RFC 2047), else as it came.

    Every header is read as plain text: what takes addresses apart fails at those that are none.
    """
    octets = raw.encode("ascii", "surrogateescape")  # RFC 6532: they may be UTF-8
    text = "".join(octets.decode(errors="replace").splitlines())
    if len(text) > _LONGEST_DECODED:
        return text
    try:
        return _sound(str(policy.default.header_factory("Subject", text)))
    except Exception:  # an encoded word may name any charset
        return text


def _sound(text: str) -> str:
    """Return `text` without halves of characters, which cannot be sent to anybody."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
