"""API resources of an organization: what tokens can be asked for (RFC 8707)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from handlers.admin_api.lists import Listing, Sorting, listing, page_of
from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Moment, Shown
from porta.services import api_resources
from porta.services.api_resources import ApiResourceFilters, ApiResourcePatch, NewApiResource
from porta.services.permissions import needed_by
from storage.models.clients import ApiResource as Stored
from storage.models.clients import ScopeText

_ALL = "/organizations/{organizationId}/api-resources"
_ONE = f"{_ALL}/{{resourceId}}"
_SortBy = Literal["identifier", "name", "created_at", "createdAt"]


class ScopeInWords(Shown):
    """What the consent page says of a scope, in one language."""

    title: str | None
    description: str | None


class ResourceScope(ScopeInWords):
    """A scope of a resource."""

    name: str
    translations: dict[str, ScopeInWords]


class ApiResource(Shown):
    """A protected resource of an organization."""

    id: str
    organization_id: str
    identifier: str
    name: str
    scopes: tuple[ResourceScope, ...]
    access_token_format: str | None
    access_token_ttl: int | None
    access_token_type: str | None
    access_token_signing_alg: str | None
    introspection_clients: tuple[str, ...]
    status: str
    created_at: Moment
    updated_at: Moment


class ApiResourceQuery(Sorting):
    """Which resources."""

    sort_by: _SortBy | None = None
    sort: _SortBy | None = None
    search: str | None = Field(None, max_length=100, description="A part of name or identifier")


def _scope(stored: Stored, name: str) -> ResourceScope:
    text = stored.scope_texts.get(name, ScopeText())
    translations = {
        language: ScopeInWords(title=words.title, description=words.description)
        for language, words in text.translations.items()
    }
    return ResourceScope(
        name=name, title=text.title, description=text.description, translations=translations
    )


def _shown(stored: Stored) -> ApiResource:
    told = {name: getattr(stored, name) for name in ApiResource.model_fields if name != "scopes"}
    return ApiResource(**told, scopes=tuple(_scope(stored, name) for name in stored.scopes))


def _one(stored: Stored) -> Answer:
    return Answer(Data(data=_shown(stored)), version=stored.version)


async def _create(call: Call) -> Answer:
    command, home = call.body_as(NewApiResource), call.id("organizationId")
    return _one(await api_resources.create(call.storage, call.actor, home, command))


async def _list(call: Call) -> Answer:
    query, home = call.query_as(ApiResourceQuery), call.id("organizationId")
    filters = ApiResourceFilters.parse({"search": query.search or None})
    page = page_of(call, query)
    listed = await api_resources.list(call.storage, call.actor, home, page, filters)
    return Answer(listing(call, query, page, listed, _shown))


async def _get(call: Call) -> Answer:
    target, home = call.id("resourceId"), call.id("organizationId")
    return _one(await api_resources.get(call.storage, call.actor, target, within=home))


async def _update(call: Call) -> Answer:
    target, home = call.id("resourceId"), call.id("organizationId")
    patch = call.body_as(ApiResourcePatch)
    return _one(
        await api_resources.update(
            call.storage, call.actor, target, patch, call.version, within=home
        )
    )


async def _delete(call: Call) -> Answer:
    target, home = call.id("resourceId"), call.id("organizationId")
    await api_resources.delete(call.storage, call.actor, target, call.version, within=home)
    return Answer()


ROUTES = (
    Route(
        "POST",
        _ALL,
        "Make an API resource",
        _create,
        permissions=needed_by(api_resources.create),
        request=NewApiResource,
        response=Data[ApiResource],
        status=201,
        errors=(400, 409),
        delegable=True,
    ),
    Route(
        "GET",
        _ALL,
        "List the API resources of an organization",
        _list,
        permissions=needed_by(api_resources.list),
        query=ApiResourceQuery,
        response=Listing[ApiResource],
        delegable=True,
    ),
    Route(
        "GET",
        _ONE,
        "Read an API resource",
        _get,
        permissions=needed_by(api_resources.get),
        response=Data[ApiResource],
        delegable=True,
    ),
    *(
        Route(
            method,
            _ONE,
            "Change an API resource",
            _update,
            permissions=needed_by(api_resources.update),
            request=ApiResourcePatch,
            response=Data[ApiResource],
            errors=(400, 412),
            delegable=True,
        )
        for method in ("PUT", "PATCH")
    ),
    Route(
        "DELETE",
        _ONE,
        "Delete an API resource: no token can be asked for it any more",
        _delete,
        permissions=needed_by(api_resources.delete),
        errors=(412,),
        delegable=True,
    ),
)
