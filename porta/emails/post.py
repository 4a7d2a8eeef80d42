"""Outgoing post: a letter sealed, and queued in the transaction that made it necessary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from porta.emails.message import Letter, new_message_id
from porta.emails.render import Emails
from porta.outbox import queue
from porta.outbox.queue import Kind
from porta.security import boxes

if TYPE_CHECKING:
    from storage.router import Storage

_PURPOSE = "mail"


class QueuedMail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that waits. What it says is sealed: a link in it is as good as a password, and who
    reads the table shall not have it. Times are seconds since the epoch.
    """

    template: str
    """What mail it is, for the audit trail."""
    to: str
    box: str
    message_id: str
    written_at: float
    expires_at: float
    """When what it offers ends: it is not sent after that."""
    user_id: str | None = None


# A day of attempts: the first ten take a quarter of an hour, all others ten minutes each.
SEND_MAIL = Kind("send_mail", QueuedMail, max_attempts=150)


@dataclass(frozen=True, slots=True)
class Post:
    """What it takes to write a mail: templates, who sends it, and the keys that seal it."""

    emails: Emails
    sender: str
    keys: tuple[str, ...]
    issuer_base_url: str
    clock: Callable[[], float]
    is_sent: bool = True
    """Whether this installation sends any mail."""

    async def queue(
        self,
        tx: Storage,
        template: str,
        letter: Letter,
        *,
        to: str,
        organization_id: str,
        lifetime: float,
        user_id: str | None = None,
    ) -> int:
        """Queue a letter to one address in the transaction `tx`; return the id of the job.

        `lifetime` is in seconds: what it offers ends then. Raises Unavailable for a full queue.
        """
        now = self.clock()
        mail = QueuedMail(
            template=template,
            to=to,
            box=boxes.close(self.keys, _PURPOSE, msgspec.json.encode(letter)),
            message_id=new_message_id(self.sender),
            written_at=now,
            expires_at=now + lifetime,
            user_id=user_id,
        )
        return await queue.enqueue(tx, SEND_MAIL, mail, organization_id=organization_id)

    def open(self, mail: QueuedMail) -> Letter | None:
        """Return the letter of a queued mail; None where none of our keys has sealed it."""
        found = boxes.unlock(self.keys, _PURPOSE, mail.box)
        return None if found is None else msgspec.json.decode(found, type=Letter)
