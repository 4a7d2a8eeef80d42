"""Consents of a person: what each client was allowed, listed and withdrawn."""

from __future__ import annotations

from pydantic import Field

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Items, Moment, Shown
from porta.services import consents
from porta.services.permissions import needed_by

_ALL = "/organizations/{organizationId}/users/{userId}/consents"


class ConsentedClient(Shown):
    """What a person allowed a client, in all their sessions that live."""

    client_id: str
    scopes: tuple[str, ...]
    resources: tuple[str, ...] = Field(description="What the scopes are for, where it was named")
    claims: tuple[str, ...] = Field(description="Roles, permissions and custom claims, by name")
    sessions: int
    consented_at: Moment = Field(description="When first")


class Withdrawn(Shown):
    """The clients that may nothing more."""

    client_ids: tuple[str, ...]


async def _list(call: Call) -> Answer:
    user, within = call.id("userId"), call.id("organizationId")
    found = await consents.list(call.storage, call.actor, user, within=within)
    return Answer(Items(data=tuple(map(ConsentedClient.model_validate, found)), total=len(found)))


async def _withdraw(call: Call) -> Answer:
    user, within = call.id("userId"), call.id("organizationId")
    client_id = call.path["clientId"]
    await consents.withdraw(call.storage, call.actor, user, client_id, within=within)
    return Answer()


async def _withdraw_all(call: Call) -> Answer:
    user, within = call.id("userId"), call.id("organizationId")
    withdrawn = await consents.withdraw_all(call.storage, call.actor, user, within=within)
    return Answer(Data(data=Withdrawn(client_ids=withdrawn)))


ROUTES = (
    Route(
        "GET",
        _ALL,
        "List the clients that a person allowed something",
        _list,
        permissions=needed_by(consents.list),
        response=Items[ConsentedClient],
        delegable=True,
    ),
    Route(
        "DELETE",
        _ALL,
        "Withdraw all that a person was asked for, with the tokens that stand on it",
        _withdraw_all,
        permissions=needed_by(consents.withdraw_all),
        response=Data[Withdrawn],
        delegable=True,
    ),
    Route(
        "DELETE",
        f"{_ALL}/{{clientId}}",
        "Withdraw what a person allowed a client, with the tokens that stand on it",
        _withdraw,
        permissions=needed_by(consents.withdraw),
        delegable=True,
    ),
)
