"""The messages that the mail catcher holds, in memory and for this run only."""

from __future__ import annotations

import secrets
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Mail:
    """A message as it came over SMTP."""

    id: str
    sender: str
    recipients: tuple[str, ...]
    helo: str
    data: bytes
    received: datetime

    def parsed(self) -> EmailMessage:
        return message_from_bytes(self.data, policy=policy.default)


class Inbox:
    """The messages caught, the newest first; the oldest fall out when there are too many."""

    def __init__(self, kept: int = _KEPT) -> None:
        self.mails: deque[Mail] = deque(maxlen=kept)

    def add(self, sender: str, recipients: list[str], helo: str, data: bytes) -> Mail:
        """Keep a message and return it."""
        identifier = secrets.token_urlsafe(12)
        mail = Mail(identifier, sender, tuple(recipients), helo, data, datetime.now(UTC))
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


def body_of(message: EmailMessage, kind: str) -> str | None:
    """Return the decoded body of a kind (`plain` or `html`), or None when there is none."""
    part = message.get_body((kind,))
    return str(part.get_content()) if part else None
