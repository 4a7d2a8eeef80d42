"""SMTP client (RFC 5321): one connection that is kept, TLS by rule, failures told apart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiosmtplib
from aiosmtplib import SMTP

from porta.config.setting_types import Tls
from porta.config.settings import Settings

TIMEOUT = 20.0
"""Seconds until a connection stands, and for the answer to each command."""
_KEPT = 30.0
"""Seconds for which a connection is kept that nobody uses; servers close theirs after minutes."""
_MOST = 100
"""Messages on one connection: servers may want an end, and balancers a new beginning."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail goes, and how this host calls itself there."""

    host: str
    port: int
    tls: Tls
    user: str | None
    password: str | None
    local_name: str


def server_of(settings: Settings) -> MailServer | None:
    """Return the mail server that the settings name, if any."""
    if settings.smtp_host is None:
        return None
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        tls=settings.smtp_tls,
        user=settings.smtp_user or None,
        password=settings.smtp_pass,
        # A name that is ours (§4.1.4): what a container calls itself means nothing out there.
        local_name=urlsplit(settings.issuer_base_url).hostname or "localhost",
    )


class MailDeferred(Exception):
    """The message could not be handed over now: another attempt may do (4yz, no connection)."""


class MailRefused(Exception):
    """The server refused the message for good (5yz): the same one will be refused again."""


class Mailer:
    """Hands messages to a mail server; without one, every message is deferred."""

    def __init__(self, server: MailServer | None) -> None:
        self._server = server
        self._idle: SMTP | None = None
        self._sent = 0
        self._closing: asyncio.TimerHandle | None = None

    async def send(self, sender: str, recipient: str, message: bytes, *, utf8: bool) -> None:
        """Hand over a message to one recipient; `utf8` asks for SMTPUTF8 (RFC 6531).

        Raises MailDeferred and MailRefused, with a reason that names nobody.
        """
        task = asyncio.create_task(self._hand_over(sender, recipient, message, utf8))
        try:
            await asyncio.wait({task})
        finally:
            await _end(task)
        task.result()

    async def _hand_over(self, sender: str, recipient: str, message: bytes, utf8: bool) -> None:
        try:
            async with self._connection() as smtp:
                options = ["SMTPUTF8"] if utf8 else []
                await smtp.sendmail(sender, [recipient], message, mail_options=options)
        except aiosmtplib.SMTPNotSupported:
            raise MailRefused("the mail server takes no addresses beyond ASCII") from None
        except aiosmtplib.SMTPRecipientsRefused as refusal:
            raise _answered(refusal.recipients[0], recipient) from None
        except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as refusal:
            raise _answered(refusal, recipient) from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as fault:
            raise MailDeferred(_reason(fault, recipient)) from None

    async def close(self) -> None:
        """Take leave of the server."""
        smtp, self._idle = self._idle, None
        self._cancel_closing()
        if smtp is not None:
            await _leave(smtp)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[SMTP]:
        """Lend the connection that is kept, where it still answers, else a new one.

        Whoever comes while it is lent has one of his own, which is closed afterwards. So is one
        on which anything failed.
        """
        smtp = await self._kept() or await self._connect()
        try:
            yield smtp
        except BaseException:
            smtp.close()
            raise
        if self._idle is None and self._sent < _MOST:
            self._idle = smtp
            self._sent += 1
            self._closing = asyncio.get_running_loop().call_later(_KEPT, self._forget)
        else:
            await _leave(smtp)

    async def _kept(self) -> SMTP | None:
        smtp, self._idle = self._idle, None
        self._cancel_closing()
        if smtp is None:
            return None
        try:
            await smtp.rset()
        except (aiosmtplib.SMTPException, OSError):
            smtp.close()
            return None
        except BaseException:
            smtp.close()
            raise
        return smtp

    async def _connect(self) -> SMTP:
        if self._server is None:
            raise OSError("SMTP_HOST is not set")
        server = self._server
        smtp = SMTP(
            hostname=server.host,
            port=server.port,
            local_hostname=server.local_name,
            timeout=TIMEOUT,
            use_tls=server.tls == "implicit",
            # Required where it is wanted: who stands between could take the offer away.
            start_tls=server.tls == "starttls",
            username=server.user,
            password=server.password,
        )
        self._sent = 0
        try:
            await smtp.connect()
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _forget(self) -> None:
        smtp, self._idle, self._closing = self._idle, None, None
        if smtp is not None:
            smtp.close()

    def _cancel_closing(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel a task until it has ended: before Python 3.12 `wait_for`, in which aiosmtplib waits,
    swallows a cancellation that comes together with an answer (gh-86296).
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.1)
    if not task.cancelled():
        task.exception()  # it is told to who still waits, or to nobody


async def _leave(smtp: SMTP) -> None:
    try:
        await smtp.quit(timeout=2.0)
    except (aiosmtplib.SMTPException, OSError):
        pass
    finally:
        smtp.close()


def _answered(refusal: aiosmtplib.SMTPResponseException, recipient: str) -> Exception:
    """Return the error of an answer to a message, its sender or its recipient (§4.2.1)."""
    kind = MailRefused if 500 <= refusal.code < 600 else MailDeferred
    return kind(_reason(refusal, recipient))


def _reason(fault: Exception, recipient: str) -> str:
    """Return what went wrong, in the words of the server; who was to get the mail is not told."""
    said = str(getattr(fault, "message", "") or fault) or type(fault).__name__
    code = getattr(fault, "code", None)
    return f"{code} {said}".replace(recipient, "…") if code else said.replace(recipient, "…")
