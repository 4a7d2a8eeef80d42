"""Mailed links: what is kept of what travels by mail, in the tables of Porta 1.x."""

from __future__ import annotations

from enum import Enum

import msgspec


class LinkKind(Enum):
    """A kind of mailed link: the table that it is kept in."""

    MAGIC_LINK = "magic_link_tokens"
    PASSWORD_RESET = "password_reset_tokens"
    INVITATION = "invitation_tokens"


class MailedLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that can be used, or just was. Times are seconds since the epoch."""

    user_id: str
    email: str
    """The address of its person: it was sent there, and nowhere else."""
    expires_at: float
    interaction: str | None = None
    """The `id` of the interaction that a magic link was asked for at; None for one of 1.x."""
