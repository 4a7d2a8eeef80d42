"""API resources of an organization: what tokens can be asked for (RFC 8707)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from handlers.admin_api.lists import Listing, Sorting
from handlers.admin_api.owned import Owned
from porta.administration.call import Data, Moment, Shown
from porta.services import api_resources
from porta.services.api_resources import ApiResourceFilters, ApiResourcePatch, NewApiResource
from storage.models.clients import ApiResource as Stored
from storage.models.clients import ScopeText

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


def _filters(asked: ApiResourceQuery) -> dict[str, Any]:
    return {"filters": ApiResourceFilters.parse({"search": asked.search or None})}


_RESOURCES = Owned("api-resources", "resourceId", _shown, Data[ApiResource], Listing[ApiResource])

ROUTES = (
    _RESOURCES.create("Make an API resource", api_resources.create, NewApiResource),
    _RESOURCES.list(
        "List the API resources of an organization",
        api_resources.list,
        ApiResourceQuery,
        _filters,
    ),
    _RESOURCES.read("Read an API resource", api_resources.get),
    *_RESOURCES.update("Change an API resource", api_resources.update, ApiResourcePatch),
    _RESOURCES.delete(
        "Delete an API resource: no token can be asked for it any more", api_resources.delete
    ),
)
