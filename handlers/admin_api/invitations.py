"""Invitations: the mail that a person would get, shown beforehand."""

from __future__ import annotations

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Shown
from porta.services import invitations
from porta.services.fields import Email, Name
from porta.services.invitations import Invitation
from porta.services.permissions import needed_by
from storage.models.users import User


class InvitationPreview(Invitation):
    """Whom the mail would be for, who need not be there yet, and what it would say."""

    email: Email
    given_name: Name | None = None
    family_name: Name | None = None


class InvitationLetter(Shown):
    """A mail as it would be sent; its link leads nowhere."""

    subject: str
    html: str
    text: str


async def _preview(call: Call) -> Answer:
    asked, home = call.body_as(InvitationPreview), call.id("organizationId")
    person = User(
        id="",
        organization_id=home,
        email=asked.email,
        given_name=asked.given_name,
        family_name=asked.family_name,
    )
    letter = await invitations.preview(
        call.storage, call.actor, home, person, asked, post=call.runtime.post
    )
    told = InvitationLetter(subject=letter.subject, html=letter.html, text=letter.text)
    return Answer(Data(data=told))


ROUTES = (
    Route(
        "POST",
        "/organizations/{organizationId}/users/invite/preview",
        "Show the mail that would invite a person",
        _preview,
        permissions=needed_by(invitations.preview),
        request=InvitationPreview,
        response=Data[InvitationLetter],
        errors=(400,),
        delegable=True,
    ),
)
