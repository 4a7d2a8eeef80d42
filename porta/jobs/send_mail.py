"""Job: hand a queued mail to the mail server."""

from __future__ import annotations

from porta.audit import events
from porta.emails.mailer import MailDeferred, MailRefused
from porta.emails.message import address_of, build
from porta.emails.post import SEND_MAIL, QueuedMail
from porta.jobs.job import Execution, Job, JobDeferred, JobFailed
from porta.text.email_addresses import ascii_domain_form
from storage.router import Storage


async def run(execution: Execution) -> None:
    """Send it, and tell the audit trail; what the server refuses for good is a dead letter.

    A mail whose worker dies at the wrong moment is sent twice, under one Message-ID.
    """
    mail = SEND_MAIL.decode(execution.payload)
    try:
        await _send(execution, mail)
    except MailDeferred as fault:
        raise JobDeferred(str(fault)) from None
    except JobFailed as fault:
        async with execution.runtime.storage.everywhere.transaction() as tx:
            await _record(tx, execution, mail, "email.send.failed", error=str(fault))
        raise
    async with execution.completion() as tx:
        await _record(tx, execution, mail, "email.send.success")


async def _send(execution: Execution, mail: QueuedMail) -> None:
    runtime = execution.runtime
    if runtime.clock() >= mail.expires_at:
        raise JobFailed("what it offers has expired before it could be sent")
    letter = runtime.post.open(mail)
    if letter is None:
        raise JobFailed("none of COOKIE_KEYS opens it")
    sender = ascii_domain_form(address_of(runtime.post.sender))
    recipient = ascii_domain_form(mail.to)
    message, utf8 = build(
        letter,
        sender=sender,
        recipient=recipient,
        message_id=mail.message_id,
        written_at=mail.written_at,
    )
    try:
        await runtime.mailer.send(sender, recipient, message, utf8=utf8)
    except MailRefused as refusal:
        raise JobFailed(str(refusal)) from None


async def _record(
    tx: Storage, execution: Execution, mail: QueuedMail, event_type: str, **more: str
) -> None:
    await events.record(
        tx,
        event_type,
        organization_id=execution.claimed.organization_id,
        user_id=mail.user_id,
        metadata={"template": mail.template, **more},
    )


JOB = Job(SEND_MAIL, run)
