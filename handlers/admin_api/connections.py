"""Connections of an organization: the identity providers that its people sign in at."""

from __future__ import annotations

from typing import Literal

from handlers.admin_api.lists import Listing, Sorting, listing, page_of
from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Moment, Shown
from porta.protocol import endpoints
from porta.services import connections
from porta.services.connections import ConnectionPatch, NewConnection
from porta.services.permissions import needed_by
from storage.models.connections import Connection as Stored

_ALL = "/organizations/{organizationId}/connections"
_ONE = f"{_ALL}/{{connectionId}}"
_SortBy = Literal["name", "created_at", "createdAt"]


class ConnectionRule(Shown):
    """Whoever has `value` in `claim` holds these roles, and nobody else holds them."""

    claim: str
    value: str
    role_ids: tuple[str, ...]


class Connection(Shown):
    """An identity provider of an organization. Its secret is never shown."""

    id: str
    organization_id: str
    provider: str
    name: str
    issuer: str
    client_id: str
    has_client_secret: bool
    redirect_path: str
    """Below the issuer of the organization: what is registered at the provider."""
    scopes: tuple[str, ...]
    options: dict[str, str]
    claim_mapping: dict[str, str]
    role_mapping: tuple[ConnectionRule, ...]
    allowed_tenants: tuple[str, ...]
    allowed_domains: tuple[str, ...]
    authoritative_domains: tuple[str, ...]
    creates_accounts: bool
    trusts_second_factor: bool
    status: str
    created_at: Moment
    updated_at: Moment


class ConnectionQuery(Sorting):
    """Which connections."""

    sort_by: _SortBy | None = None
    sort: _SortBy | None = None


def _shown(stored: Stored) -> Connection:
    made = {"has_client_secret", "redirect_path"}
    told = {name: getattr(stored, name) for name in Connection.model_fields if name not in made}
    return Connection(
        **told,
        has_client_secret=stored.client_secret is not None,
        redirect_path=endpoints.FEDERATION_CALLBACK.format(connection=stored.id),
    )


def _one(stored: Stored) -> Answer:
    return Answer(Data(data=_shown(stored)), version=stored.version)


async def _create(call: Call) -> Answer:
    command, home = call.body_as(NewConnection), call.id("organizationId")
    keys = call.runtime.settings.signing_key_encryption_keys
    return _one(await connections.create(call.storage, call.actor, home, command, keys))


async def _list(call: Call) -> Answer:
    query, home = call.query_as(ConnectionQuery), call.id("organizationId")
    page = page_of(call, query)
    listed = await connections.list(call.storage, call.actor, home, page)
    return Answer(listing(call, query, page, listed, _shown))


async def _get(call: Call) -> Answer:
    target, home = call.id("connectionId"), call.id("organizationId")
    return _one(await connections.get(call.storage, call.actor, target, within=home))


async def _update(call: Call) -> Answer:
    target, home = call.id("connectionId"), call.id("organizationId")
    patch, keys = call.body_as(ConnectionPatch), call.runtime.settings.signing_key_encryption_keys
    return _one(
        await connections.update(
            call.storage, call.actor, target, patch, keys, call.version, within=home
        )
    )


async def _delete(call: Call) -> Answer:
    target, home = call.id("connectionId"), call.id("organizationId")
    await connections.delete(call.storage, call.actor, target, call.version, within=home)
    return Answer()


ROUTES = (
    Route(
        "POST",
        _ALL,
        "Make a connection to an identity provider",
        _create,
        permissions=needed_by(connections.create),
        request=NewConnection,
        response=Data[Connection],
        status=201,
        errors=(400, 409),
        delegable=True,
    ),
    Route(
        "GET",
        _ALL,
        "List the connections of an organization",
        _list,
        permissions=needed_by(connections.list),
        query=ConnectionQuery,
        response=Listing[Connection],
        delegable=True,
    ),
    Route(
        "GET",
        _ONE,
        "Read a connection",
        _get,
        permissions=needed_by(connections.get),
        response=Data[Connection],
        delegable=True,
    ),
    *(
        Route(
            method,
            _ONE,
            "Change a connection",
            _update,
            permissions=needed_by(connections.update),
            request=ConnectionPatch,
            response=Data[Connection],
            errors=(400, 409, 412),
            delegable=True,
        )
        for method in ("PUT", "PATCH")
    ),
    Route(
        "DELETE",
        _ONE,
        "Delete a connection: nobody signs in there any more",
        _delete,
        permissions=needed_by(connections.delete),
        errors=(412,),
        delegable=True,
    ),
)
