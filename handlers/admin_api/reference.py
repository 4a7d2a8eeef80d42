"""Reference of the Admin API: its OpenAPI document, and the same as a page that needs no script."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from html import escape
from typing import Any

import msgspec

from handlers import headers
from handlers.admin_api import openapi
from handlers.admin_api.preconditions import is_known
from handlers.admin_api.route import Route
from handlers.admin_api.unknown_paths import AdminErrorHandler

_STYLE = "reference.css"


class _DocumentHandler(AdminErrorHandler):
    """Something that is the same for everybody until the server changes."""

    def initialize(self, routes: tuple[Route, ...]) -> None:
        self._routes = routes

    def prepare(self) -> None:
        """Nothing: it is there."""

    async def head(self) -> None:
        await self.get()

    async def get(self) -> None:
        raise NotImplementedError

    def document(self) -> dict[str, Any]:
        return _document(self._routes, self.runtime.settings.issuer_base_url)

    def finish_document(self, content: bytes, content_type: str) -> None:
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        self.set_header("Content-Type", content_type)
        self.set_header("Cache-Control", "no-cache")
        self.set_header("ETag", tag)
        if is_known(tag, self.request.headers.get_list("If-None-Match")):
            self.finish_empty(304)
        else:
            self.finish(content)


class OpenApiHandler(_DocumentHandler):
    """GET /api/admin/openapi.json."""

    async def get(self) -> None:
        self.finish_document(msgspec.json.encode(self.document()), "application/json")


class ReferenceHandler(_DocumentHandler):
    """GET /api/admin/docs."""

    async def get(self) -> None:
        self.set_header("Content-Security-Policy", headers.page_policy(leaves=False))
        page = render(self.document(), self.runtime.pages.static_url(_STYLE))
        self.finish_document(page.encode(), "text/html; charset=utf-8")


@lru_cache(maxsize=4)
def _document(routes: tuple[Route, ...], base_url: str) -> dict[str, Any]:
    return openapi.build(routes, base_url)


def render(document: dict[str, Any], style: str) -> str:
    """Return an OpenAPI document of ours as an HTML page; everything in it is escaped."""
    info, server = document["info"], document["servers"][0]["url"]
    return "".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<title>{escape(info["title"])}</title><link rel="stylesheet" href="{escape(style)}">',
            f"</head><body><header><h1>{escape(info['title'])}</h1>",
            f"<p>{escape(info['description'])}</p>",
            f'<p>Base <code>{escape(server)}</code> · <a href="openapi.json">OpenAPI 3.1</a></p>',
            "</header><main>",
            *_operations(document),
            "<h2>Models</h2>",
            *_models(document["components"]["schemas"]),
            "</main></body></html>",
        ]
    )


def _operations(document: dict[str, Any]) -> Iterator[str]:
    for tag in document["tags"]:
        yield f'<h2 id="{escape(tag["name"])}">{escape(tag["name"])}</h2>'
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if operation["tags"] == [tag["name"]]:
                    yield from _operation(document, path, method, operation)


def _operation(
    document: dict[str, Any], path: str, method: str, operation: dict[str, Any]
) -> Iterator[str]:
    yield f'<details id="{escape(operation["operationId"])}"><summary>'
    yield f'<b class="{escape(method)}">{escape(method.upper())}</b> <code>{escape(path)}</code> '
    yield f"{escape(operation['summary'])}</summary>"
    if "description" in operation:
        yield f"<p>{escape(operation['description'])}</p>"
    parameters = [_resolved(document, each) for each in operation["parameters"]]
    if parameters:
        yield "<h3>Parameters</h3><table>"
        for each in parameters:
            needed = "required" if each.get("required") else "optional"
            yield f"<tr><td><code>{escape(each['name'])}</code></td><td>{escape(each['in'])}</td>"
            yield f"<td>{needed}</td><td>{_type(each['schema'])}</td></tr>"
        yield "</table>"
    if "requestBody" in operation:
        yield "<h3>Body</h3><p>"
        yield from _contents(operation["requestBody"])
        yield "</p>"
    yield "<h3>Answers</h3><table>"
    for status, answer in operation["responses"].items():
        yield f"<tr><td>{escape(status)}</td><td>{escape(answer['description'])}</td><td>"
        yield from _contents(answer)
        yield "</td></tr>"
    yield "</table></details>"


def _contents(described: dict[str, Any]) -> Iterator[str]:
    for media_type, content in described.get("content", {}).items():
        yield f"{_type(content['schema'])} <small>{escape(media_type)}</small> "


def _models(schemas: dict[str, Any]) -> Iterator[str]:
    for name, schema in sorted(schemas.items()):
        yield f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>'
        yield f"<p>{escape(schema.get('description', ''))}</p><table>"
        required = schema.get("required", [])
        for field, each in schema.get("properties", {}).items():
            needed = "required" if field in required else "optional"
            yield f"<tr><td><code>{escape(field)}</code></td><td>{_type(each)}</td>"
            yield f"<td>{needed}</td><td>{escape(each.get('description', ''))}</td></tr>"
        yield "</table></details>"


def _resolved(document: dict[str, Any], parameter: dict[str, Any]) -> dict[str, Any]:
    name = parameter.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["parameters"].get(name, parameter)
    return found


def _type(schema: dict[str, Any]) -> str:
    """Return a type as HTML; a model is a link to where it stands."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(each))}</code>" for each in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    bounds = [
        f"{word} {schema[key]}"
        for key, word in (
            ("minLength", "from"),
            ("maxLength", "up to"),
            ("minimum", "≥"),
            ("maximum", "≤"),
        )
        if key in schema
    ]
    named = escape(schema.get("format") or schema.get("type") or "anything")
    return f"{named} <small>{escape(', '.join(bounds))}</small>" if bounds else named
