"""Invitations: sent, shown beforehand, listed, sent once more, and taken back."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from handlers.admin_api.lists import Listing, Paging, listing, page_of
from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Moment, Nothing, Shown
from porta.services import invitations
from porta.services.fields import Email, Name
from porta.services.invitation_fields import Invitation, NewInvitation
from porta.services.invitations import InvitationFilters, Invited
from porta.services.permissions import needed_by
from storage.models.invitations import PendingInvitation
from storage.models.users import User

_USERS = "/organizations/{organizationId}/users/invite"
_BASE = "/organizations/{organizationId}/invitations"


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


class SentInvitation(Shown):
    """An invitation whose mail is on its way."""

    id: str
    user_id: str
    email: str
    created: bool = Field(description="Whether the person was not there before")
    invitation_sent: bool
    expires_at: Moment


class CarriedRole(Shown):
    """A role that the person has once they have accepted."""

    application_id: str
    role_id: str


class CarriedClaim(Shown):
    """A claim that the person has then; its value is theirs."""

    application_id: str
    claim_definition_id: str


class WaitingInvitation(Shown):
    """An invitation that nobody has accepted, and that was not taken back."""

    id: str
    user_id: str
    email: str
    given_name: str | None
    family_name: str | None
    status: Literal["pending", "expired"]
    roles: tuple[CarriedRole, ...]
    claims: tuple[CarriedClaim, ...]
    client_id: str | None = Field(description="The client that the person is led to")
    invited_by: str | None = Field(description="The person, or the client, who sent it")
    created_at: Moment
    expires_at: Moment


class InvitationQuery(Paging):
    """Which of them."""

    status: Literal["pending", "expired"] | None = None


def _sent(invited: Invited, status: int) -> Answer:
    told = SentInvitation(
        id=invited.sent.id,
        user_id=invited.user.id,
        email=invited.user.email,
        created=invited.created,
        invitation_sent=True,
        expires_at=invited.sent.expires_at,
    )
    return Answer(Data(data=told), status=status)


def _shown(stored: PendingInvitation) -> WaitingInvitation:
    carried = stored.details
    return WaitingInvitation(
        id=stored.id,
        user_id=stored.user_id,
        email=stored.email,
        given_name=stored.given_name,
        family_name=stored.family_name,
        status="expired" if stored.is_expired else "pending",
        roles=tuple(map(CarriedRole.model_validate, carried.roles)),
        claims=tuple(map(CarriedClaim.model_validate, carried.claims)),
        client_id=carried.client_id,
        invited_by=stored.invited_by or stored.invited_by_client,
        created_at=stored.created_at,
        expires_at=stored.expires_at,
    )


async def _invite(call: Call) -> Answer:
    command, home = call.body_as(NewInvitation), call.id("organizationId")
    made = await invitations.invite(call.storage, call.actor, home, command, post=call.runtime.post)
    return _sent(made, 201 if made.created else 200)


async def _list(call: Call) -> Answer:
    query, home = call.query_as(InvitationQuery), call.id("organizationId")
    filters = InvitationFilters.parse({"status": query.status})
    page = page_of(call, query)
    listed = await invitations.list(call.storage, call.actor, home, page, filters)
    return Answer(listing(call, query, page, listed, _shown))


async def _resend(call: Call) -> Answer:
    home, target = call.id("organizationId"), call.id("invitationId")
    made = await invitations.resend(call.storage, call.actor, home, target, post=call.runtime.post)
    return _sent(made, 200)


async def _revoke(call: Call) -> Answer:
    home, target = call.id("organizationId"), call.id("invitationId")
    await invitations.revoke(call.storage, call.actor, home, target)
    return Answer()


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
        _USERS,
        "Invite a person, who is added where there is nobody of this address",
        _invite,
        permissions=needed_by(invitations.invite),
        request=NewInvitation,
        response=Data[SentInvitation],
        status=201,
        also=(200,),
        errors=(400, 403, 409, 429),
        delegable=True,
    ),
    Route(
        "POST",
        f"{_USERS}/preview",
        "Show the mail that would invite a person",
        _preview,
        permissions=needed_by(invitations.preview),
        request=InvitationPreview,
        response=Data[InvitationLetter],
        errors=(400,),
        delegable=True,
    ),
    Route(
        "GET",
        _BASE,
        "List the invitations of an organization that nobody has accepted",
        _list,
        permissions=needed_by(invitations.list),
        query=InvitationQuery,
        response=Listing[WaitingInvitation],
        delegable=True,
    ),
    Route(
        "POST",
        f"{_BASE}/{{invitationId}}/resend",
        "Send an invitation once more, with a new link: the earlier one ends",
        _resend,
        permissions=needed_by(invitations.resend),
        request=Nothing,
        optional_body=True,
        response=Data[SentInvitation],
        errors=(403, 409, 429),
        delegable=True,
    ),
    Route(
        "DELETE",
        f"{_BASE}/{{invitationId}}",
        "Take an invitation back: its link ends",
        _revoke,
        permissions=needed_by(invitations.revoke),
        delegable=True,
    ),
)
