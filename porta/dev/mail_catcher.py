"""Catches what Porta mails during development: SMTP in, an inbox page and a JSON API out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tornado.httpserver import HTTPServer
from tornado.web import HTTPError

from porta.dev import mail_api, mail_pages, web
from porta.dev.mail_api import MailHandler
from porta.dev.mail_inbox import Inbox, body_of
from porta.dev.processes import StartFailed

_LARGEST = 10 * 1024 * 1024
_SANDBOX = (
    "sandbox allow-top-navigation-by-user-activation; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data: http: https:; frame-ancestors 'self'"
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


class _InboxHandler(MailHandler):
    """`GET /`."""

    def get(self) -> None:
        self.finish(mail_pages.inbox(self.inbox.mails))


class _DeleteHandler(MailHandler):
    """`POST /delete`: the inbox is empty."""

    def post(self) -> None:
        self.inbox.mails.clear()
        self.see_other("/")


class _MessageHandler(MailHandler):
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
            self.finish(mail_pages.message(mail))


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
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(
        lambda: SMTP(inbox, hostname="localhost", data_size_limit=_LARGEST, enable_SMTPUTF8=True),
        "127.0.0.1",
        smtp_port,
    )
    given = {"inbox": inbox}
    base, pages = web.serve(
        [
            (r"/", _InboxHandler, given),
            (r"/delete", _DeleteHandler, given),
            (r"/messages/([^/]+)(/html|/source)?", _MessageHandler, given),
            *mail_api.routes(inbox),
        ],
        web_port,
    )
    port = smtp.sockets[0].getsockname()[1]
    return MailCatcher(inbox, port, f"{base}/", f"{base}/api/v2/messages", (smtp, pages))
