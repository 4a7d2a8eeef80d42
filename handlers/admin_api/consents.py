"""Consents of a person: what each client was allowed."""

from __future__ import annotations

from pydantic import Field

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Items, Moment, Shown
from porta.services import consents
from porta.services.permissions import needed_by


class ConsentedClient(Shown):
    """What a person allowed a client, in all their sessions that live."""

    client_id: str
    scopes: tuple[str, ...]
    resources: tuple[str, ...] = Field(description="What the scopes are for, where it was named")
    claims: tuple[str, ...] = Field(description="Roles, permissions and custom claims, by name")
    sessions: int
    consented_at: Moment = Field(description="When first")


async def _list(call: Call) -> Answer:
    user, within = call.id("userId"), call.id("organizationId")
    found = await consents.list(call.storage, call.actor, user, within=within)
    return Answer(Items(data=tuple(map(ConsentedClient.model_validate, found)), total=len(found)))


ROUTES = (
    Route(
        "GET",
        "/organizations/{organizationId}/users/{userId}/consents",
        "List the clients that a person allowed something",
        _list,
        permissions=needed_by(consents.list),
        response=Items[ConsentedClient],
        delegable=True,
    ),
)
