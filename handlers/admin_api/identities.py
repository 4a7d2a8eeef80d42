"""Identities of one person: who they are at other providers, taken away."""

from __future__ import annotations

from pydantic import Field

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Items, Moment, Shown
from porta.services import identities
from porta.services.permissions import needed_by

_MANY = "/organizations/{organizationId}/users/{userId}/identities"
_ONE = f"{_MANY}/{{identityId}}"


class Identity(Shown):
    """That a person is somebody at another provider."""

    id: str
    connection_id: str
    connection_name: str
    issuer: str
    subject: str
    email: str | None = Field(description="Their address there, as it was told at the last sign-in")
    name: str | None = Field(description="What they are called there, where no address was told")
    created_at: Moment
    last_used_at: Moment


async def _list(call: Call) -> Answer:
    user, within = call.id("userId"), call.id("organizationId")
    found = await identities.list(call.storage, call.actor, user, within=within)
    return Answer(Items(data=tuple(map(Identity.model_validate, found)), total=len(found)))


async def _unlink(call: Call) -> Answer:
    user, within, identity = call.id("userId"), call.id("organizationId"), call.id("identityId")
    await identities.unlink(
        call.storage, call.actor, user, identity, within=within, post=call.runtime.post
    )
    return Answer()


ROUTES = (
    Route(
        "GET",
        _MANY,
        "List who a person is at other providers",
        _list,
        permissions=needed_by(identities.list),
        response=Items[Identity],
        delegable=True,
    ),
    Route(
        "DELETE",
        _ONE,
        "Have a person be nobody at another provider any more",
        _unlink,
        permissions=needed_by(identities.unlink),
        delegable=True,
    ),
)
