"""The JSON API of the mail catcher, with the paths and shapes of MailHog's versions 1 and 2."""

from __future__ import annotations

import re
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any

from porta.dev.http import Answer, Request, json_answer
from porta.dev.mail_inbox import Inbox, Mail

_LARGEST_PAGE = 250


def answer(inbox: Inbox, request: Request, path: list[str]) -> Answer:
    """Answer a request whose path below `/api` is `path`."""
    match request.method, path:
        case "GET", ["v2", "messages"]:
            return _listing(list(inbox.mails), request)
        case "GET", ["v2", "search"]:
            kind, text = request.query.get("kind", ""), request.query.get("query", "")
            return _listing([m for m in inbox.mails if _matches(m, kind, text.lower())], request)
        case "GET", ["v1", "messages"]:
            return json_answer([describe(mail) for mail in inbox.mails])
        case "DELETE", ["v1", "messages"]:
            inbox.mails.clear()
            return json_answer({})
        case "GET", ["v1", "messages", identifier] if mail := inbox.find(identifier):
            return json_answer(describe(mail))
        case "DELETE", ["v1", "messages", identifier] if mail := inbox.find(identifier):
            inbox.mails.remove(mail)
            return json_answer({})
    return json_answer({"error": "not found"}, 404)


def _listing(mails: list[Mail], request: Request) -> Answer:
    try:
        start = max(0, int(request.query.get("start", "0")))
        limit = min(_LARGEST_PAGE, max(0, int(request.query.get("limit", "50"))))
    except ValueError:
        return json_answer({"error": "start and limit are numbers"}, 400)
    items = [describe(mail) for mail in mails[start : start + limit]]
    return json_answer({"total": len(mails), "count": len(items), "start": start, "items": items})


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
