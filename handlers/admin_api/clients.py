"""OAuth clients and their secrets."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from handlers.admin_api import history
from handlers.admin_api.history import History, HistoryQuery
from handlers.admin_api.lists import Listing, Sorting, listing, page_of
from handlers.admin_api.route import Route
from handlers.admin_api.statuses import named, status_routes
from porta.administration.call import Answer, Call, Data, Items, Moment, Shown
from porta.protocol.tokens.claim_mappings import to_entry
from porta.security.passwords import Hashed
from porta.services import client_secrets, clients
from porta.services.client_registration import ClientPatch, NewClient
from porta.services.client_secrets import NewSecret
from porta.services.clients import ClientFilters
from porta.services.commands import Command, Reasoned
from porta.services.fields import Id, Name
from porta.services.permissions import needed_by
from storage.models.audit import AuditFilter
from storage.models.clients import Client as Stored
from storage.models.clients import SecretEntry

_ONE = "/clients/{clientId}"
_SECRET = f"{_ONE}/secrets/{{secretId}}"
_SortBy = Literal["client_name", "clientName", "created_at", "createdAt"]
_WARNING = "This secret is shown once and cannot be read again"
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


class WholeClient(Client):
    """A client with what it takes from its organization."""

    effective_login_methods: tuple[str, ...]


class Secret(Shown):
    """A secret, never its value."""

    id: str
    client_id: str = Field(description="The id of the client, not its client_id")
    label: str | None
    expires_at: Moment | None
    status: str
    last_used_at: Moment | None
    created_at: Moment


class ShownSecret(Shown):
    """A secret that was just made, with its value."""

    id: str
    client_id: str
    label: str | None
    plaintext: str
    secret: str = Field(description="The same as `plaintext`")
    expires_at: Moment | None
    created_at: Moment


class SecretAnswer(Shown):
    """A secret, this once."""

    data: ShownSecret
    warning: str


class CreatedClient(WholeClient):
    """A client that was just made; and again under `client`, as Porta 1.x answered."""

    client: WholeClient
    secret: ShownSecret | None


class CreatedAnswer(Shown):
    """A client, and its first secret, this once."""

    data: CreatedClient
    warning: str | None = None


class ClientBody(NewClient):
    """A client to be made; a confidential one gets a secret."""

    secret_label: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _take_other_names(cls, data: Any) -> Any:
        if isinstance(data, dict) and "name" in data and "clientName" not in data:
            return {("clientName" if key == "name" else key): data[key] for key in data}
        return data


class ClientQuery(Sorting):
    """Which clients."""

    sort_by: _SortBy | None = None
    sort: _SortBy | None = None
    organization_id: Id | None = None
    application_id: Id | None = None
    status: Literal["active", "inactive", "revoked"] | None = None
    search: str | None = Field(None, max_length=100, description="A part of the name")


def _told(stored: Stored) -> dict[str, Any]:
    others = {"name", "claim_mappings", *_FURTHER, *_FURTHER_SETTINGS}
    told = {name: getattr(stored, name) for name in Client.model_fields if name not in others}
    further = {name: stored.metadata.get(name) for name in (*_FURTHER, *_FURTHER_SETTINGS)}
    mappings = tuple(Mapping.model_validate(to_entry(each)) for each in stored.claim_mappings)
    return {**told, **further, "claim_mappings": mappings, "name": stored.client_name}


def _shown(stored: Stored) -> Client:
    return Client(**_told(stored))


async def _whole(call: Call, stored: Stored) -> WholeClient:
    home = await call.storage.organizations.find_by_id(stored.organization_id)
    inherited = home.default_login_methods if home else ()
    return WholeClient(**_told(stored), effective_login_methods=stored.login_methods or inherited)


async def _one(call: Call, stored: Stored) -> Answer:
    return Answer(Data(data=await _whole(call, stored)), version=stored.version)


def _new_secret(entry: SecretEntry, value: str) -> ShownSecret:
    return ShownSecret(
        id=entry.id,
        client_id=entry.client_id,
        label=entry.label,
        plaintext=value,
        secret=value,
        expires_at=entry.expires_at,
        created_at=entry.created_at,
    )


def _command(body: Command) -> NewClient:
    return NewClient.parse(body.model_dump(exclude_unset=True, exclude={"secret_label"}))


async def _hash_first(call: Call) -> Hashed | None:
    return await client_secrets.hash_first(call.runtime.passwords, _command(call.body))


async def _create(call: Call) -> Answer:
    body = call.body_as(ClientBody)
    label = NewSecret(label=body.secret_label)
    made, issued = await client_secrets.create_client(
        call.storage, call.actor, _command(body), label, call.hashed
    )
    whole = await _whole(call, made)
    secret = _new_secret(*issued) if issued else None
    created = CreatedClient(**dict(whole), client=whole, secret=secret)
    if secret is None:
        return Answer(CreatedAnswer(data=created), version=made.version)
    return Answer(CreatedAnswer(data=created, warning=_WARNING), version=made.version)


async def _list(call: Call) -> Answer:
    query = call.query_as(ClientQuery)
    names = ("organization_id", "application_id", "status", "search")
    filters = ClientFilters.parse({name: getattr(query, name) for name in names})
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


async def _list_secrets(call: Call) -> Answer:
    found = await client_secrets.list(call.storage, call.actor, call.path["clientId"])
    return Answer(Items(data=tuple(map(Secret.model_validate, found)), total=len(found)))


async def _hash(call: Call) -> Hashed:
    return await client_secrets.hash_new(call.runtime.passwords, call.body_as(NewSecret))


async def _add_secret(call: Call) -> Answer:
    command, target = call.body_as(NewSecret), call.path["clientId"]
    assert call.hashed is not None
    entry, value = await client_secrets.add(call.storage, call.actor, target, command, call.hashed)
    return Answer(SecretAnswer(data=_new_secret(entry, value), warning=_WARNING))


async def _revoke_secret(call: Call) -> Answer:
    target, secret = call.path["clientId"], call.path["secretId"]
    await client_secrets.revoke(call.storage, call.actor, target, secret)
    return Answer()


ROUTES = (
    Route(
        "POST",
        "/clients",
        "Make a client; a confidential one gets a secret, which is shown this once",
        _create,
        permissions=needed_by(client_secrets.create_client),
        request=ClientBody,
        prepare=_hash_first,
        response=CreatedAnswer,
        status=201,
        errors=(400, 409),
        delegable=True,
    ),
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
    Route(
        "GET",
        f"{_ONE}/secrets",
        "List the secrets of a client, never their values",
        _list_secrets,
        permissions=needed_by(client_secrets.list),
        response=Items[Secret],
        delegable=True,
    ),
    Route(
        "POST",
        f"{_ONE}/secrets",
        "Give a client one more secret, which is shown this once",
        _add_secret,
        permissions=needed_by(client_secrets.add),
        request=NewSecret,
        prepare=_hash,
        response=SecretAnswer,
        status=201,
        errors=(400,),
        optional_body=True,
        delegable=True,
    ),
    *(
        Route(
            method,
            path,
            "End a secret of a client for good",
            _revoke_secret,
            permissions=needed_by(client_secrets.revoke),
            request=Reasoned if method == "POST" else None,
            optional_body=method == "POST",
            delegable=True,
        )
        for method, path in (("POST", f"{_SECRET}/revoke"), ("DELETE", _SECRET))
    ),
)
