"""Connections of an organization: the identity providers that its people sign in at."""

from __future__ import annotations

from typing import Any, Literal

from handlers.admin_api.lists import Listing, Sorting
from handlers.admin_api.owned import Owned
from porta.administration.call import Call, Data, Moment, Shown
from porta.protocol import endpoints
from porta.services import connections
from porta.services.connections import ConnectionPatch, NewConnection
from storage.models.connections import Connection as Stored

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


def _keys(call: Call) -> dict[str, Any]:
    return {"keys": call.runtime.settings.signing_key_encryption_keys}


_CONNECTIONS = Owned(
    "connections", "connectionId", _shown, Data[Connection], Listing[Connection], given=_keys
)

ROUTES = (
    _CONNECTIONS.create(
        "Make a connection to an identity provider", connections.create, NewConnection
    ),
    _CONNECTIONS.list("List the connections of an organization", connections.list, ConnectionQuery),
    _CONNECTIONS.read("Read a connection", connections.get),
    *_CONNECTIONS.update(
        "Change a connection", connections.update, ConnectionPatch, errors=(400, 409, 412)
    ),
    _CONNECTIONS.delete("Delete a connection: nobody signs in there any more", connections.delete),
)
