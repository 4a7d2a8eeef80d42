"""Mail that waits in the queue: what it says, as its worker would read it."""

from __future__ import annotations

import re

import msgspec

from porta.emails.message import Letter
from porta.emails.post import QueuedMail
from porta.runtime import Runtime
from storage.postgres.driver import Postgres


async def letters_to(runtime: Runtime, pg: Postgres, user_id: str) -> list[Letter]:
    """Return what was written to a person, the newest first."""
    rows = await pg.fetch(
        "SELECT payload::text FROM jobs WHERE kind = 'send_mail' AND payload ->> 'user_id' = %(id)s"
        " ORDER BY id DESC",
        {"id": user_id},
    )
    found = [runtime.post.open(msgspec.json.decode(row[0], type=QueuedMail)) for row in rows]
    return [letter for letter in found if letter is not None]


async def letters_for(runtime: Runtime, pg: Postgres, address: str) -> list[Letter]:
    """Return what was written to an address, whoever has it, the newest first."""
    rows = await pg.fetch(
        "SELECT payload::text FROM jobs WHERE kind = 'send_mail' AND payload ->> 'to' = %(to)s"
        " ORDER BY id DESC",
        {"to": address},
    )
    found = [runtime.post.open(msgspec.json.decode(row[0], type=QueuedMail)) for row in rows]
    return [letter for letter in found if letter is not None]


async def mailed_codes(runtime: Runtime, pg: Postgres, user_id: str) -> list[str]:
    """Return the codes that were mailed to a person, the newest first."""
    letters = await letters_to(runtime, pg, user_id)
    return [code for letter in letters for code in re.findall(r"^[0-9]{6}$", letter.text, re.M)]
