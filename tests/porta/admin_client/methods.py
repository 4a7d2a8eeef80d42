"""Methods of the Python client as source text, from the operations of an OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.porta.admin_client.models import Model, Schemas, docstring, python_name

_NESTED = {
    "/applications/{applicationId}/modules": "modules",
    "/applications/{applicationId}/roles": "roles",
    "/applications/{applicationId}/permissions": "permissions",
    "/applications/{applicationId}/claims": "claims",
    "/clients/{clientId}/secrets": "client_secrets",
    "/organizations/{idOrSlug}/administrators": "administrators",
    "/organizations/{organizationId}/api-resources": "api_resources",
    "/organizations/{organizationId}/connections": "connections",
    "/organizations/{organizationId}/domains": "domains",
    "/organizations/{organizationId}/setup-links": "setup_links",
    "/organizations/{organizationId}/users": "users",
    "/organizations/{organizationId}/users/{userId}/roles": "user_roles",
    "/organizations/{organizationId}/users/{userId}/claims": "user_claims",
    "/users": "users_by_id",
}
"""Resources that are no first word of their paths; what is below another one belongs to it."""
_OTHER_NAMES = {"cursor", "page", "pageSize", "sort", "order", "after", "limit", "dry-run"}
"""Parameters that go on with a list, or are there under another name too."""
_NOUNS = {"password"}
"""What is posted and is no verb."""
_ALONE = {"GET": "get", "POST": "create", "PUT": "set", "PATCH": "update", "DELETE": "delete"}
_BESIDE = {"GET": "", "POST": "", "PUT": "set_", "PATCH": "update_", "DELETE": "delete_"}


@dataclass(frozen=True)
class Operation:
    """One operation: where it belongs, how it is called, and the source of its method."""

    group: str
    name: str
    method: str
    path: str
    source: str
    models: tuple[Model, ...]


def operations(document: dict[str, Any], schemas: Schemas) -> list[Operation]:
    """Return every operation; PUT where the same path has PATCH is the same, and left out."""
    described = [
        (method.upper(), path, operation)
        for path, all_ in document["paths"].items()
        for method, operation in all_.items()
        if not (method == "put" and "patch" in all_)
    ]
    for _, _, operation in described:
        _find_entities(operation, schemas)
    found = [_operation(*each, schemas) for each in described]
    names = [(each.group, each.name) for each in found]
    assert len(set(names)) == len(names), sorted({n for n in names if names.count(n) > 1})
    return found


def source(name: str, found: list[Operation]) -> str:
    """Return the class of a resource."""
    head = f'class {class_of(name)}(Resource):\n    """{title(name)}."""\n'
    return "\n\n".join([head, *(each.source for each in found)])


def class_of(group: str) -> str:
    """Return the name of the class of a resource; a model has the same word in the singular."""
    return f"{title(group).title().replace(' ', '')}Resource"


def title(group: str) -> str:
    """Return a resource in words."""
    return group.replace("_", " ").capitalize()


def _find_entities(operation: dict[str, Any], schemas: Schemas) -> None:
    answer = _answer(operation)
    if answer is not None and (one := _data(answer, schemas)) and schemas.is_model(one):
        schemas.entities.add(schemas.name_of(one))


def _operation(method: str, path: str, operation: dict[str, Any], schemas: Schemas) -> Operation:
    prefix, group = _group(path)
    call = _Call(method, path, operation, schemas)
    name = _name(method, path.removeprefix(prefix), is_list=call.is_list)
    if method == "POST" and name in _NOUNS:
        name = f"set_{name}"
    return Operation(group, name, method, path, call.source(name), tuple(call.models))


def _group(path: str) -> tuple[str, str]:
    prefixes = [each for each in _NESTED if path == each or path.startswith(f"{each}/")]
    if prefixes:
        prefix = max(prefixes, key=len)
        return prefix, _NESTED[prefix]
    first = path.split("/")[1]
    return f"/{first}", python_name(first)


def _name(method: str, rest: str, *, is_list: bool) -> str:
    parts = [part for part in rest.split("/") if part]
    words = [python_name(part) for part in parts if "{" not in part]
    if not words:
        alone = "list" if is_list else "remove" if method == "DELETE" else _ALONE[method]
        return alone if not parts else _ALONE[method]
    if "{" not in parts[-1]:
        return _BESIDE[method] + "_".join(words)
    words[-1] = re.sub("ies$", "y", words[-1]).removesuffix("s")
    verb = _ALONE[method] if "{" in parts[0] else "of"
    return "_".join([verb, *words])


def _answer(operation: dict[str, Any]) -> dict[str, Any] | None:
    """Return the content of success by media type, or None where there is none."""
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            content: dict[str, Any] | None = answer.get("content")
            return content
    return None


def _data(content: dict[str, Any], schemas: Schemas) -> dict[str, Any] | None:
    """Return the schema of `data`, of an answer that is an envelope."""
    schema = schemas.find(content.get("application/json", {}).get("schema", {}))
    found: dict[str, Any] | None = schema.get("properties", {}).get("data")
    return found


class _Call:
    """The parts of a method."""

    def __init__(self, method: str, path: str, operation: dict[str, Any], schemas: Schemas) -> None:
        self._method, self._path, self._operation = method, path, operation
        self._schemas = schemas
        self.models: list[Model] = []
        self._content = _answer(operation)
        self._data = _data(self._content, schemas) if self._content else None

    @property
    def is_list(self) -> bool:
        is_file = self._content is not None and len(self._content) > 1
        return not is_file and self._data is not None and self._data.get("type") == "array"

    @property
    def _is_paged(self) -> bool:
        return self.is_list and any(each.get("name") == "cursor" for each in self._parameters())

    def _parameters(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._operation["parameters"]
        return found

    def source(self, name: str) -> str:
        helper, of, answer = self._shape()
        opened = helper in ("_pages", "_events")
        given = [f"{of}, " if of else "", "" if opened else f'"{self._method}", ']
        given += [self._segments(), *self._passed(helper)]
        word, kind = ("", "def") if opened else ("await ", "async def")
        summary = self._operation["summary"].rstrip(".")
        return (
            f"    {kind} {name}({', '.join(self._arguments(helper))}) -> {answer}:\n"
            f"{docstring(f'{summary}.', indent=8)}\n"
            f"        return {word}self.{helper}({''.join(given)})"
        )

    def _shape(self) -> tuple[str, str, str]:
        """Return how the answer is read: the way, what it is read as, and what is returned."""
        if self._content is None:
            return "_nothing", "", "None"
        if "text/event-stream" in self._content:
            of = self._type(self._content["text/event-stream"]["schema"])
            return "_events", of, f"Events[{of}]"
        if list(self._content) != ["application/json"]:  # a file, of one form or another
            return "_content", "", "bytes"
        if self._data is None:
            of = self._type(self._content["application/json"]["schema"])
            return "_plain", of, of
        if self.is_list:
            of = self._type(self._data.get("items", {}))
            return ("_pages", of, f"Listed[{of}]") if self._is_paged else (
                "_all", of, f"tuple[{of}, ...]"
            )  # fmt: skip
        of = self._type(self._data)
        return "_one", of, of

    def _type(self, schema: dict[str, Any]) -> str:
        if self._schemas.is_model(schema):
            self.models.append(self._schemas.model_of(schema))
        return self._schemas.type_of(schema, said=False)

    def _segments(self) -> str:
        words = [
            python_name(part.strip("{}")) if "{" in part else f'"{part}"'
            for part in self._path.split("/")[1:]
        ]
        return f"({', '.join(words)}{',' if len(words) == 1 else ''})"

    def _queries(self) -> Iterator[tuple[str, str, bool]]:
        for each in self._parameters():
            if each.get("in") == "query" and each["name"] not in _OTHER_NAMES:
                yield (
                    each["name"],
                    self._schemas.type_of(each["schema"], said=True),
                    each["required"],
                )

    def _arguments(self, helper: str) -> list[str]:
        found = ["self"]
        found += [f"{python_name(word)}: str" for word in re.findall(r"\{(\w+)\}", self._path)]
        found += self._body_argument()
        named = [
            f"{python_name(name)}: {type_}" + ("" if needed else " | None = None")
            for name, type_, needed in self._queries()
        ]
        if helper == "_pages":
            named.append("page_size: int = 100")
        found += ["*", *named] if named else []
        if said := self._said():
            found.append(f"**{said[0]}: Unpack[{said[1]}]")
        return found

    def _said(self) -> tuple[str, str] | None:
        """Return what may be said of a change beside what it is: its name, and its type."""
        if self._method == "GET":
            return None
        conditional = {"$ref": "#/components/parameters/IfMatch"} in self._parameters()
        if self._method == "POST":
            return "once", "ConditionalOnce" if conditional else "Once"
        return ("condition", "Condition") if conditional else ("change", "Change")

    def _body(self) -> tuple[Model | None, bool] | None:
        """Return the model of the body, None where it is raw, and whether it is needed."""
        described = self._operation.get("requestBody")
        if described is None:
            return None
        schema = described["content"].get("application/json", {}).get("schema", {})
        if not self._schemas.is_model(schema) and schema.get("$ref") is None:
            return None, described["required"]
        return self._schemas.model_of(schema), described["required"]

    def _body_argument(self) -> list[str]:
        body = self._body()
        if body is None:
            return []
        model, needed = body
        if model is None:
            return ["content: bytes", "content_type: str"]
        if not model.fields:
            return []
        self.models.append(model)
        optional = not needed or all(field.default is not None for field in model.fields)
        is_change = self._method in ("PUT", "PATCH")
        return [f"body: {model.name}" + (" | None = None" if optional and not is_change else "")]

    def _passed(self, helper: str) -> list[str]:
        body = self._body()
        given = []
        if body is not None:
            model = body[0]
            if model is None:
                given.append(", content=content, content_type=content_type")
            else:
                given.append(", body=body" if model.fields else "")
        if queries := [name for name, _, _ in self._queries()]:
            entries = ", ".join(f'"{name}": {python_name(name)}' for name in queries)
            given.append(f", query={{{entries}}}")
        if helper == "_pages":
            given.append(", page_size=page_size")
        if said := self._said():
            given.append(f", **{said[0]}")
        return given
