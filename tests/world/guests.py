"""Guests: people who were invited, and the link that they got."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from porta.audit.actors import SYSTEM, Actor
from porta.runtime import Runtime
from porta.services import invitations
from porta.services.invitation_fields import NewInvitation
from storage.models.organizations import Organization
from storage.postgres.driver import Postgres
from tests.world.mail import letters_to


@dataclass(frozen=True)
class Guest:
    """Somebody who was invited."""

    id: str
    email: str
    link: str
    """The path that was mailed to them."""
    invitation_id: str


async def invited(
    runtime: Runtime, pg: Postgres, home: Organization, actor: Actor = SYSTEM, **more: Any
) -> Guest:
    """Invite somebody, by default somebody new, and read the link in their mail."""
    email = more.pop("email", f"{secrets.token_hex(6)}@guest.example")
    async with runtime.storage.everywhere.transaction() as tx:
        command = NewInvitation.parse({"email": email, **more})
        made = await invitations.invite(tx, actor, home.id, command, post=runtime.post)
    (letter, *_) = await letters_to(runtime, pg, made.user.id)
    url = next(line for line in letter.text.splitlines() if "/auth/accept-invite/" in line)
    link = url.removeprefix(runtime.settings.issuer_base_url)
    return Guest(made.user.id, email, link, made.sent.id)
