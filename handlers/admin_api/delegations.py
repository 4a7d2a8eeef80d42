"""Administrators of one organization, and clients that administer."""

from __future__ import annotations

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Items, Shown
from porta.services import delegations
from porta.services.delegations import AdministratorRoles, MachineRoles
from porta.services.permissions import needed_by

_OF_ORGANIZATION = "/organizations/{idOrSlug}/administrators"
_OF_CLIENT = "/clients/{clientId}/administration"


class Delegated(Shown):
    """Who administers, what for, and with which roles."""

    user_id: str | None
    client_id: str | None
    """The id of the client, not its client_id."""
    organization_id: str | None
    """null, of a client, is everywhere."""
    role_ids: tuple[str, ...]


async def _list(call: Call) -> Answer:
    found = await delegations.list_administrators(call.storage, call.actor, call.path["idOrSlug"])
    return Answer(Items(data=tuple(map(Delegated.model_validate, found)), total=len(found)))


async def _delegate(call: Call) -> Answer:
    organization, user = call.path["idOrSlug"], call.path["userId"]
    command = call.body_as(AdministratorRoles)
    await delegations.delegate(call.storage, call.actor, organization, user, command)
    return Answer()


async def _withdraw(call: Call) -> Answer:
    organization, user = call.path["idOrSlug"], call.path["userId"]
    await delegations.withdraw(call.storage, call.actor, organization, user)
    return Answer()


async def _get(call: Call) -> Answer:
    found = await delegations.find_of_client(call.storage, call.actor, call.path["clientId"])
    return Answer(Data(data=Delegated.model_validate(found)))


async def _let(call: Call) -> Answer:
    command, client = call.body_as(MachineRoles), call.path["clientId"]
    found = await delegations.let_administer(call.storage, call.actor, client, command)
    return Answer(Data(data=Delegated.model_validate(found)))


async def _stop(call: Call) -> Answer:
    await delegations.stop_administering(call.storage, call.actor, call.path["clientId"])
    return Answer()


ROUTES = (
    Route(
        "GET",
        _OF_ORGANIZATION,
        "List who administers this organization and no other one",
        _list,
        permissions=needed_by(delegations.list_administrators),
        response=Items[Delegated],
        delegable=True,
    ),
    Route(
        "PUT",
        f"{_OF_ORGANIZATION}/{{userId}}",
        "Let a person of the administrators' organization administer this one alone",
        _delegate,
        permissions=needed_by(delegations.delegate),
        request=AdministratorRoles,
        errors=(400, 409),
    ),
    Route(
        "DELETE",
        f"{_OF_ORGANIZATION}/{{userId}}",
        "Let a person administer this organization no more",
        _withdraw,
        permissions=needed_by(delegations.withdraw),
    ),
    Route(
        "GET",
        _OF_CLIENT,
        "Read what a client administers by itself",
        _get,
        permissions=needed_by(delegations.find_of_client),
        response=Data[Delegated],
    ),
    Route(
        "PUT",
        _OF_CLIENT,
        "Let a client administer by itself (client credentials); for super-administrators",
        _let,
        permissions=needed_by(delegations.let_administer),
        request=MachineRoles,
        response=Data[Delegated],
        errors=(400,),
    ),
    Route(
        "DELETE",
        _OF_CLIENT,
        "Let a client administer no more; for super-administrators",
        _stop,
        permissions=needed_by(delegations.stop_administering),
    ),
)
