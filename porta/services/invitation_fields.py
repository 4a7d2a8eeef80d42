"""Fields of an invitation: who is invited to what, and in which words."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from porta.services.commands import Command
from porta.services.fields import Email, Locale, Name, judged
from porta.services.pre_assignments import PreAssignments
from porta.text.names import find_text_problem

Message = Annotated[str, Field(max_length=500), judged(find_text_problem)]


class Invitation(Command):
    """What an invitation says beside the link."""

    personal_message: Message | None = None
    locale: Locale | None = None
    """A BCP 47 tag; by default the person's language, else the organization's."""


class NewInvitation(PreAssignments, Invitation):
    """Who is invited, with what, and whereto. Names are of who is not there yet."""

    email: Email
    given_name: Name | None = None
    family_name: Name | None = None
    client_id: str | None = Field(None, max_length=255)
    """The `client_id` of the application that the person is led to in the end."""
