"""Catches what Porta mails during development: SMTP in, an inbox page and a JSON listing out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.web import HTTPError

from porta.dev import pages as dev_pages
from porta.dev import web
from porta.dev.mail_inbox import Inbox, Mail, body_of, headers_of, subject_of
from porta.dev.processes import StartFailed

_LARGEST = 10 * 1024 * 1024
_LARGEST_PAGE = 250
_SANDBOX = (
    "sandbox allow-top-navigation-by-user-activation; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data: http: https:; frame-ancestors 'self'"
)
# A bracket is part of a link with its counterpart only; a mark that ends a sentence never is.
_LINK = re.compile(
    r"""(https?://
    (?: [^\s<>"()\[\]] | \([^\s<>"()\[\]]*\) | \[[^\s<>"()\[\]]*\] )+
    (?<![.,:;!?']))""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class MailCatcher:
    """What is running, and where."""

    inbox: Inbox
    smtp_port: int
    web: str
    api: str
    servers: tuple[asyncio.Server, HTTPServer]

    async def stop(self) -> None:
        """Stop listening; the messages are gone."""
        smtp, pages = self.servers
        smtp.close()
        pages.stop()


async def start(smtp_port: int = 0, web_port: int = 0) -> MailCatcher:
    """Listen on the loopback interface, on free ports unless told otherwise.

    Raises StartFailed where the packages of development are not installed.
    """
    try:
        from aiosmtpd.smtp import SMTP  # an eighth of a second that only this function needs
    except ModuleNotFoundError:
        raise StartFailed(
            "aiosmtpd, which catches the mail, is not installed: pip install 'porta[dev]'"
        ) from None

    inbox = Inbox()
    smtp = await asyncio.get_running_loop().create_server(
        lambda: SMTP(inbox, hostname="localhost", data_size_limit=_LARGEST, enable_SMTPUTF8=True),
        "127.0.0.1",
        smtp_port,
    )
    routes = {
        r"/": _InboxHandler,
        r"/delete": _DeleteHandler,
        r"/messages/([^/]+)(/html|/source)?": _MessageHandler,
        r"/api/v2/messages": _ListingHandler,
        r"/api/v1/messages": _DeleteHandler,
    }
    given = {"inbox": inbox}
    base, http = web.serve([(path, handler, given) for path, handler in routes.items()], web_port)
    port = smtp.sockets[0].getsockname()[1]
    return MailCatcher(inbox, port, f"{base}/", f"{base}/api/v2/messages", (smtp, http))


class _MailHandler(web.PageHandler):
    def initialize(self, inbox: Inbox) -> None:
        self.inbox = inbox


class _InboxHandler(_MailHandler):
    """`GET /`."""

    def get(self) -> None:
        self.finish(inbox_page(self.inbox.mails))


class _DeleteHandler(_MailHandler):
    """`POST /delete`, and `DELETE /api/v1/messages` as MailHog has it: the inbox is empty."""

    def post(self) -> None:
        self.inbox.mails.clear()
        self.see_other("/")

    def delete(self) -> None:
        self.inbox.mails.clear()
        self.finish_json({})


class _MessageHandler(_MailHandler):
    """`GET /messages/{id}`, with `/html` or `/source` for what is in it."""

    def get(self, identifier: str, view: str | None = None) -> None:
        mail = self.inbox.find(identifier)
        if mail is None:
            raise HTTPError(404)
        if view == "/html":
            self.set_header("Content-Security-Policy", _SANDBOX)
            self.finish('<base target="_top">' + (body_of(mail.parsed(), "html") or ""))
        elif view == "/source":
            self.finish_text(mail.data)
        else:
            self.finish(message_page(mail))


class _ListingHandler(_MailHandler):
    """`GET /api/v2/messages`, as MailHog has it: a page of them, the newest first."""

    def get(self) -> None:
        try:
            start = max(0, int(self.get_query_argument("start", "0")))
            limit = min(_LARGEST_PAGE, max(0, int(self.get_query_argument("limit", "50"))))
        except ValueError:
            raise HTTPError(400, reason="start and limit are numbers") from None
        mails = list(self.inbox.mails)
        items = [describe(mail) for mail in mails[start : start + limit]]
        self.finish_json({"total": len(mails), "count": len(items), "start": start, "items": items})


def inbox_page(mails: Collection[Mail]) -> str:
    """Return the list of messages."""
    return dev_pages.render("inbox", mails=mails, subject_of=subject_of)


def message_page(mail: Mail) -> str:
    """Return one message: its headers, its text, and its HTML in a frame without scripts."""
    parsed = mail.parsed()
    text = body_of(parsed, "plain")
    return dev_pages.render(
        "message",
        mail=mail,
        subject=subject_of(mail),
        headers=headers_of(parsed),
        html=body_of(parsed, "html"),
        # Every other piece is a link.
        pieces=None if text is None else _LINK.split("\n".join(text.splitlines())),
    )


def describe(mail: Mail) -> dict[str, Any]:
    """Return a message as MailHog's API shows it: bodies as they were sent, still encoded."""
    data = mail.data.replace(b"\r\n", b"\n")
    parts = _parts(mail.parsed(), data.partition(b"\n\n")[2])
    raw = {"From": mail.sender, "To": list(mail.recipients), "Helo": mail.helo}
    return {
        "ID": mail.id,
        "From": _address(mail.sender),
        "To": [_address(recipient) for recipient in mail.recipients],
        "Content": _content(data),
        "Created": mail.received.isoformat(timespec="milliseconds"),
        "MIME": {"Parts": [_content(part) for part in parts]} if parts else None,
        "Raw": raw | {"Data": mail.data.decode(errors="replace")},
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
