"""OAuth clients: listed, read, changed, refused."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from handlers.admin_api import history
from handlers.admin_api.history import History, HistoryQuery
from handlers.admin_api.lists import Listing, Sorting, listing, page_of
from handlers.admin_api.organizations import BrandLook, look_of
from handlers.admin_api.route import Route
from handlers.admin_api.statuses import named, status_routes
from porta.administration.call import Answer, Call, Data, Moment, Shown
from porta.protocol.tokens.claim_mappings import to_entry
from porta.services import client_registration, clients
from porta.services.clients import ClientFilters
from porta.services.fields import Id
from porta.services.permissions import needed_by
from storage.models.audit import AuditFilter
from storage.models.clients import Client as Stored

_ONE = "/clients/{clientId}"
_SortBy = Literal["client_name", "clientName", "created_at", "createdAt"]
_FURTHER = ("logo_uri", "client_uri", "policy_uri", "tos_uri", "contacts", "jwks")
_FURTHER_SETTINGS = ("default_max_age", "require_auth_time", "strict_auth_method")


class Mapping(Shown):
    """What a client calls a claim, and where it goes."""

    source: str
    claim: str | tuple[str, ...]
    targets: tuple[str, ...]


class Client(Shown):
    """An OAuth client of an organization."""

    id: str
    organization_id: str
    application_id: str
    client_id: str
    client_name: str
    name: str = Field(description="The same as `clientName`")
    client_type: str
    application_type: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    response_types: tuple[str, ...]
    scope: str
    token_endpoint_auth_method: str
    allowed_origins: tuple[str, ...]
    require_pkce: bool
    login_methods: tuple[str, ...] | None
    status: str
    is_first_party: bool
    access_token_format: str
    access_token_type: str
    access_token_signing_alg: str
    id_token_signed_response_alg: str
    id_token_claims: bool | None
    roles_claim: str | None
    claim_mappings: tuple[Mapping, ...]
    introspects_organization: bool
    revokes_globally: bool
    tells_all_roles: bool
    brand: BrandLook | None
    logo_uri: str | None
    client_uri: str | None
    policy_uri: str | None
    tos_uri: str | None
    contacts: tuple[str, ...] | None
    jwks: dict[str, Any] | None
    default_max_age: int | None
    require_auth_time: bool | None
    strict_auth_method: bool | None
    created_at: Moment
    updated_at: Moment


def take_other_names(data: Any) -> Any:
    """Return a body whose `name`, as some programs call it, is `clientName`."""
    if isinstance(data, dict) and "name" in data and "clientName" not in data:
        return {("clientName" if key == "name" else key): data[key] for key in data}
    return data


class ClientPatch(client_registration.ClientPatch):
    """What of a client is to change."""

    _other_names = model_validator(mode="before")(take_other_names)


class WholeClient(Client):
    """A client with what it takes from its organization."""

    effective_login_methods: tuple[str, ...]


class ClientQuery(Sorting):
    """Which clients."""

    sort_by: _SortBy | None = None
    sort: _SortBy | None = None
    organization_id: Id | None = None
    application_id: Id | None = None
    status: Literal["active", "inactive", "revoked"] | None = None
    search: str | None = Field(None, max_length=100, description="A part of the name")


def _told(stored: Stored) -> dict[str, Any]:
    others = {"name", "brand", "claim_mappings", *_FURTHER, *_FURTHER_SETTINGS}
    told = {name: getattr(stored, name) for name in Client.model_fields if name not in others}
    further = {name: stored.metadata.get(name) for name in (*_FURTHER, *_FURTHER_SETTINGS)}
    mappings = tuple(Mapping.model_validate(to_entry(each)) for each in stored.claim_mappings)
    told["brand"] = look_of(stored.brand) if stored.brand is not None else None
    return {**told, **further, "claim_mappings": mappings, "name": stored.client_name}


def _shown(stored: Stored) -> Client:
    return Client(**_told(stored))


async def whole(call: Call, stored: Stored) -> WholeClient:
    """Return a client with what it takes from its organization, as it is answered."""
    home = await call.storage.organizations.find_by_id(stored.organization_id)
    inherited = home.default_login_methods if home else ()
    return WholeClient(**_told(stored), effective_login_methods=stored.login_methods or inherited)


async def _one(call: Call, stored: Stored) -> Answer:
    return Answer(Data(data=await whole(call, stored)), version=stored.version)


async def _list(call: Call) -> Answer:
    query = call.query_as(ClientQuery)
    names = ("organization_id", "application_id", "status", "search")
    filters = ClientFilters.parse({name: getattr(query, name) or None for name in names})
    page = page_of(call, query)
    listed = await clients.list(call.storage, call.actor, page, filters)
    return Answer(listing(call, query, page, listed, _shown))


async def _get(call: Call) -> Answer:
    return await _one(call, await clients.get(call.storage, call.actor, call.path["clientId"]))


async def _update(call: Call) -> Answer:
    patch, target = call.body_as(ClientPatch), call.path["clientId"]
    changed = await clients.update(call.storage, call.actor, target, patch, call.version)
    return await _one(call, changed)


async def _history(call: Call) -> Answer:
    found = await clients.get(call.storage, call.actor, call.path["clientId"])
    wanted = AuditFilter(organization_id=found.organization_id, client_id=found.client_id)
    return await history.answer(call, wanted)


ROUTES = (
    Route(
        "GET",
        "/clients",
        "List clients",
        _list,
        permissions=needed_by(clients.list),
        query=ClientQuery,
        response=Listing[Client],
        delegable=True,
    ),
    Route(
        "GET",
        _ONE,
        "Read a client, by id or client_id",
        _get,
        permissions=needed_by(clients.get),
        response=Data[WholeClient],
        delegable=True,
    ),
    *(
        Route(
            method,
            _ONE,
            "Change a client: what is left out stays, null removes",
            _update,
            permissions=needed_by(clients.update),
            request=ClientPatch,
            response=Data[WholeClient],
            errors=(400, 412),
            delegable=True,
        )
        for method in ("PUT", "PATCH")
    ),
    *status_routes(
        _ONE,
        named("clientId"),
        (
            ("activate", "Make an inactive client active", clients.activate),
            ("restore", "The same, as some clients call it", clients.activate),
            ("deactivate", "Refuse a client, and end what it holds", clients.deactivate),
            ("revoke", "Revoke a client for good", clients.revoke),
            (
                "revoke-tokens",
                "End every code and token that was issued to it until now",
                clients.revoke_tokens,
            ),
        ),
        delegable=True,
    ),
    Route(
        "GET",
        f"{_ONE}/history",
        "Tell what was done to a client",
        _history,
        permissions=needed_by(clients.get),
        query=HistoryQuery,
        response=History,
        delegable=True,
    ),
)
