"""Set-up links: made, listed, and ended before they are used (decisions/0048)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from handlers.admin_api.lists import Listing, Paging, listing, page_of
from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Moment, Shown
from porta.services import setup_links
from porta.services.permissions import needed_by
from porta.services.setup_links import Made, NewSetupLink
from storage.models.setup_links import SetupLink as Stored

_ALL = "/organizations/{organizationId}/setup-links"
_ONE = f"{_ALL}/{{setupLinkId}}"
_Status = Literal["pending", "begun", "tested", "completed"]


class SetupLink(Shown):
    """A set-up link, and how far whoever has it has come. What they typed is theirs until then."""

    id: str
    organization_id: str
    provider: str | None = Field(description="Of a link that connects one")
    name: str | None = Field(description="What people will know its connection by")
    domain_id: str | None = Field(description="Of a link that proves one")
    status: _Status
    tests: int = Field(description="How many sign-ins were tried")
    connection_id: str | None = Field(description="What it connected, once it is completed")
    sent_to: str | None = Field(description="Where it was mailed to")
    made_by: str | None = Field(description="The person, or the client, who made it")
    created_at: Moment
    expires_at: Moment
    completed_at: Moment | None


class NewLink(SetupLink):
    """A set-up link that was just made."""

    url: str | None = Field(description="Where it leads, this once; null where it was mailed")


def _told(stored: Stored) -> dict[str, object]:
    own = {"status", "connection_id", "made_by"}
    told = {name: getattr(stored, name) for name in SetupLink.model_fields if name not in own}
    return told | {
        "status": _status_of(stored),
        "connection_id": stored.connection_id if stored.completed_at is not None else None,
        "made_by": stored.made_by or stored.made_by_client,
    }


def _status_of(stored: Stored) -> _Status:
    if stored.completed_at is not None:
        return "completed"
    if stored.tested is not None:
        return "tested"
    return "pending" if stored.browser is None else "begun"


def _shown(stored: Stored) -> SetupLink:
    return SetupLink.model_validate(_told(stored))


def _new(made: Made) -> NewLink:
    return NewLink.model_validate(_told(made.link) | {"url": made.url})


async def _create(call: Call) -> Answer:
    command, home = call.body_as(NewSetupLink), call.id("organizationId")
    made = await setup_links.create(call.storage, call.actor, home, command, post=call.runtime.post)
    return Answer(Data(data=_new(made)))


async def _list(call: Call) -> Answer:
    query, home = call.query_as(Paging), call.id("organizationId")
    page = page_of(call, query)
    listed = await setup_links.list(call.storage, call.actor, home, page)
    return Answer(listing(call, query, page, listed, _shown))


async def _revoke(call: Call) -> Answer:
    target, home = call.id("setupLinkId"), call.id("organizationId")
    await setup_links.revoke(call.storage, call.actor, target, within=home)
    return Answer()


ROUTES = (
    Route(
        "POST",
        _ALL,
        "Make a set-up link, by which somebody connects a provider or proves a domain",
        _create,
        permissions=needed_by(setup_links.create),
        request=NewSetupLink,
        response=Data[NewLink],
        status=201,
        errors=(400, 409),
        delegable=True,
    ),
    Route(
        "GET",
        _ALL,
        "List the set-up links of an organization that are open, or were used lately",
        _list,
        permissions=needed_by(setup_links.list),
        query=Paging,
        response=Listing[SetupLink],
        delegable=True,
    ),
    Route(
        "DELETE",
        _ONE,
        "End a set-up link: what was typed there is forgotten",
        _revoke,
        permissions=needed_by(setup_links.revoke),
        delegable=True,
    ),
)
