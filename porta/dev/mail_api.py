"""The JSON API of the mail catcher, with the paths and shapes of MailHog's versions 1 and 2."""

from __future__ import annotations

import re
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any

from porta.dev.mail_inbox import Inbox, Mail
from porta.dev.web import PageHandler, Route

_LARGEST_PAGE = 250


class MailHandler(PageHandler):
    """A page or an answer about the messages that were caught."""

    def initialize(self, inbox: Inbox) -> None:
        self.inbox = inbox


class _ListingHandler(MailHandler):
    """`GET /api/v2/messages` and `/api/v2/search`: a page of them, the newest first."""

    def get(self, name: str) -> None:
        mails = list(self.inbox.mails)
        if name == "search":
            kind, text = (self.get_query_argument(each, "") for each in ("kind", "query"))
            mails = [mail for mail in mails if _matches(mail, kind, text.lower())]
        try:
            start = max(0, int(self.get_query_argument("start", "0")))
            limit = min(_LARGEST_PAGE, max(0, int(self.get_query_argument("limit", "50"))))
        except ValueError:
            self.finish_json({"error": "start and limit are numbers"}, 400)
            return
        items = [describe(mail) for mail in mails[start : start + limit]]
        self.finish_json({"total": len(mails), "count": len(items), "start": start, "items": items})


class _AllHandler(MailHandler):
    """`GET` and `DELETE /api/v1/messages`."""

    def get(self) -> None:
        self.finish_json([describe(mail) for mail in self.inbox.mails])

    def delete(self) -> None:
        self.inbox.mails.clear()
        self.finish_json({})


class _OneHandler(MailHandler):
    """`GET` and `DELETE /api/v1/messages/{id}`."""

    def get(self, identifier: str) -> None:
        if mail := self._find(identifier):
            self.finish_json(describe(mail))

    def delete(self, identifier: str) -> None:
        if mail := self._find(identifier):
            self.inbox.mails.remove(mail)
            self.finish_json({})

    def _find(self, identifier: str) -> Mail | None:
        if (mail := self.inbox.find(identifier)) is None:
            self.finish_json({"error": "not found"}, 404)
        return mail


def routes(inbox: Inbox) -> list[Route]:
    """Return the URLs of the API."""
    given = {"inbox": inbox}
    return [
        (r"/api/v2/(messages|search)", _ListingHandler, given),
        (r"/api/v1/messages", _AllHandler, given),
        (r"/api/v1/messages/([^/]+)", _OneHandler, given),
    ]


def _matches(mail: Mail, kind: str, text: str) -> bool:
    match kind:
        case "from":
            return text in mail.sender.lower()
        case "to":
            return any(text in recipient.lower() for recipient in mail.recipients)
        case "containing":
            return text in mail.data.decode(errors="replace").lower()
    return False


def describe(mail: Mail) -> dict[str, Any]:
    """Return a message as MailHog's API shows it: bodies as they were sent, still encoded."""
    data = mail.data.replace(b"\r\n", b"\n")
    parts = _parts(mail.parsed(), data.partition(b"\n\n")[2])
    return {
        "ID": mail.id,
        "From": _address(mail.sender),
        "To": [_address(recipient) for recipient in mail.recipients],
        "Content": _content(data),
        "Created": mail.received.isoformat(timespec="milliseconds"),
        "MIME": {"Parts": [_content(part) for part in parts]} if parts else None,
        "Raw": {
            "From": mail.sender,
            "To": list(mail.recipients),
            "Data": mail.data.decode(errors="replace"),
            "Helo": mail.helo,
        },
    }


def _parts(message: Message, body: bytes) -> list[bytes]:
    """Return the parts of a multipart body (RFC 2046 §5.1.1); none of any other body."""
    if message.get_content_maintype() != "multipart" or not message.is_multipart():
        return []
    line = rb"(?:^|\n)--" + re.escape((message.get_boundary() or "").encode(errors="replace"))
    inside = re.split(line + rb"--[ \t]*(?:\n|$)", body, maxsplit=1)[0]
    return re.split(line + rb"[ \t]*(?:\n|$)", inside)[1:]


def _content(data: bytes) -> dict[str, Any]:
    head, _, body = data.partition(b"\n\n")
    headers: dict[str, list[str]] = {}
    for name, value in BytesHeaderParser().parsebytes(head + b"\n\n").items():
        headers.setdefault(name, []).append(" ".join(str(value).split()))
    text = body.decode(errors="replace").replace("\n", "\r\n")
    return {"Headers": headers, "Body": text, "Size": len(text), "MIME": None}


def _address(address: str) -> dict[str, Any]:
    mailbox, _, domain = address.rpartition("@")
    return {"Relays": None, "Mailbox": mailbox, "Domain": domain, "Params": ""}
