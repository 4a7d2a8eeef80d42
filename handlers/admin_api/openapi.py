"""OpenAPI 3.1 document of the Admin API, built from the route table and its models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from handlers.admin_api.answers import ErrorBody
from handlers.admin_api.route import Route
from handlers.event_stream import MAX_EVENT_ID
from handlers.http.framing import MAX_BODY
from porta.administration.access import SCOPE
from porta.administration.idempotency import MAX_KEY
from porta.protocol import endpoints
from porta.services.commands import Patch

VERSION = "1"
_REF = "#/components/schemas/{model}"
_MERGE_PATCH = "application/merge-patch+json"
_DESCRIPTION = (
    "Everything that can be administered. Every answer has an X-Request-Id; a request may bring"
    " its own. Names are camelCase, times are RFC 3339 in UTC. A change takes If-Match with the"
    " ETag of what was read, and is refused with 412 where that is no longer what stands, or where"
    " there are no versions."
)
_BYTES = {"type": "string", "format": "binary"}
_PARAMETERS: dict[str, Any] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The same request with the same key takes effect once within 24 hours",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_KEY,
            "pattern": "^[!#-~]+$",
        },
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "The ETag of the version that is to be changed",
        "schema": {"type": "string", "pattern": '^"[0-9]{1,18}"$'},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The ETag of the version that is there already",
        "schema": {"type": "string", "pattern": '^"[0-9]{1,18}"$'},
    },
    "LastEventId": {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "The id of the last event that is there: the stream goes on after it",
        "schema": {"type": "string", "pattern": f"^[!-~]{{1,{MAX_EVENT_ID}}}$"},
    },
}


def build(routes: Iterable[Route], base_url: str) -> dict[str, Any]:
    """Return the document of `routes` as they are served below `base_url`."""
    routes = tuple(routes)
    schemas, references = _schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Admin API", "version": VERSION, "description": _DESCRIPTION},
        "servers": [{"url": f"{base_url}{endpoints.ADMIN_API}"}],
        "security": [{"bearer": []}],
        "tags": [{"name": name} for name in dict.fromkeys(map(_tag, routes))],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": _PARAMETERS,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access token of the administrators' organization, for this"
                    f" API (the resource of its address, with the scope {SCOPE})",
                }
            },
        },
    }


_Key = tuple[type[BaseModel], JsonSchemaMode]


def _schemas(routes: Iterable[Route]) -> tuple[dict[str, Any], Mapping[Any, Any]]:
    models: dict[_Key, None] = {(ErrorBody, "serialization"): None}
    for route in routes:
        if route.request is not None:
            models[route.request, "validation"] = None
        if route.response is not None:
            models[route.response, "serialization"] = None
        models[route.query, "validation"] = None
    references, definitions = models_json_schema(list(models), by_alias=True, ref_template=_REF)
    return definitions.get("$defs", {}), references


def _operation(route: Route, references: Mapping[Any, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "tags": [_tag(route)],
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_headers(route)],
        "responses": _responses(route, references),
        "x-permissions": list(route.permissions),
        "x-delegable": route.delegable,
    }
    told = []
    if route.permissions:
        told.append(f"Needs {' and '.join(route.permissions)}.")
    if route.longest_body != MAX_BODY:
        told.append(f"Takes a body of up to {route.longest_body // 1024} KB.")
    if told:
        found["description"] = " ".join(told)
    if route.public:
        found["security"] = []
    if route.request is not None:
        types = ["application/json"]
        if issubclass(route.request, Patch):
            types.append(_MERGE_PATCH)
        schema = references[route.request, "validation"]
        content = {each: {"schema": schema} for each in types}
        content |= {each: {"schema": _BYTES} for each in route.raw_types}
        found["requestBody"] = {"required": not route.optional_body, "content": content}
    return found


def _responses(route: Route, references: Mapping[Any, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": HTTPStatus(route.success).phrase}
    if route.response is not None:
        schema = references[route.response, "serialization"]
        success["content"] = {route.media_type: {"schema": schema}}
        if route.text_type is not None:
            success["content"][route.text_type] = {"schema": {"type": "string"}}
    if route.raw_answers:
        success["content"] = {each: {"schema": _BYTES} for each in route.raw_answers}
    found = {str(route.success): success}
    for status in route.also:
        found[str(status)] = {**success, "description": HTTPStatus(status).phrase}
        if status == HTTPStatus.NO_CONTENT:
            found[str(status)].pop("content", None)
    if route.method == "GET" and not route.public and not route.is_stream:
        found["304"] = {"description": HTTPStatus.NOT_MODIFIED.phrase}
    failure = {"application/json": {"schema": references[ErrorBody, "serialization"]}}
    for refused in route.failures:
        found[str(refused)] = {"description": HTTPStatus(refused).phrase, "content": failure}
    return found


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        }
        for name in route.placeholders
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    schema = route.query.model_json_schema(by_alias=True)
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _plain(each)}
        for name, each in schema.get("properties", {}).items()
    ]


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter cannot be null: it is there or not."""
    options = [each for each in schema.get("anyOf", []) if each.get("type") != "null"]
    if len(options) != 1:
        return schema
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**rest, **options[0]}


def _headers(route: Route) -> list[dict[str, Any]]:
    names = []
    if route.method == "POST":
        names.append("IdempotencyKey")
    if route.is_conditional:
        names.append("IfMatch")
    if route.is_stream:
        names.append("LastEventId")
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _tag(route: Route) -> str:
    return route.path.split("/")[1]


def _operation_id(route: Route) -> str:
    words = [part.strip("{}") for part in route.path.split("/") if part]
    return "_".join(
        [route.method.lower(), *(word.replace("-", "_").replace(".", "_") for word in words)]
    )
