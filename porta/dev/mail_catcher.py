"""Catches what Porta mails during development: SMTP in, an inbox page and a JSON API out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from porta.dev import http, mail_api, mail_pages, pages
from porta.dev.http import Answer, Request, page, redirect, text_answer
from porta.dev.mail_inbox import Inbox, Mail, body_of
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
    servers: tuple[asyncio.Server, ...]

    async def stop(self) -> None:
        """Stop listening; the messages are gone."""
        for server in self.servers:
            server.close()


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
    web = await http.serve(lambda request: _answer(inbox, request), web_port)
    base = f"http://127.0.0.1:{http.port_of(web)}"
    port = http.port_of(smtp)
    return MailCatcher(inbox, port, base + "/", base + "/api/v2/messages", (smtp, web))


async def _answer(inbox: Inbox, request: Request) -> Answer:
    if request.method == "HEAD":  # answered as GET; the server leaves the body out
        request = replace(request, method="GET")
    match request.method, request.path.strip("/").split("/"):
        case "GET", [""]:
            return page(mail_pages.inbox(inbox.mails))
        case "GET", ["style.css"]:
            return pages.stylesheet()
        case "POST", ["delete"]:
            inbox.mails.clear()
            return redirect("/")
        case _, ["api", *rest]:
            return mail_api.answer(inbox, request, rest)
        case "GET", ["messages", identifier, *view] if mail := inbox.find(identifier):
            return _show(mail, view)
    return text_answer(404, "not found\n")


def _show(mail: Mail, view: list[str]) -> Answer:
    match view:
        case []:
            return page(mail_pages.message(mail))
        case ["html"]:
            html = '<base target="_top">' + (body_of(mail.parsed(), "html") or "")
            return Answer(body=html.encode(), headers={"Content-Security-Policy": _SANDBOX})
        case ["source"]:
            return Answer(body=mail.data, content_type="text/plain; charset=utf-8")
    return text_answer(404, "not found\n")
