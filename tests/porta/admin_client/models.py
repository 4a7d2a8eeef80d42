"""Models of the Python client as source text, from JSON Schema."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from pydantic.alias_generators import to_snake

_UNSET = "UnsetType"
_WIDTH = 100
_SAME = 8
"""Fields: a model that has as many of another one, all that it has, is that one and more."""


@dataclass(frozen=True)
class Field:
    """A field of a model: its name in Python and in JSON, its type, and its default."""

    name: str
    spelled: str
    type: str
    default: str | None


@dataclass(frozen=True)
class Model:
    """A schema that becomes a class."""

    name: str
    about: str
    fields: tuple[Field, ...]
    uses: tuple[str, ...]
    """The names of other models that its fields have, and of its base."""
    base: str
    own: tuple[Field, ...]
    """The fields that it has not, or not so, of its base."""


class Schemas:
    """The schemas of an OpenAPI document, read as Python."""

    def __init__(self, schemas: dict[str, Any]) -> None:
        self._schemas = schemas
        self.entities: set[str] = set()
        """What is answered as `data`, and so has an ETag."""
        self.model = cache(self._model)

    def find(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return a schema, behind its reference where it is one."""
        if "$ref" in schema:
            found: dict[str, Any] = self._schemas[_referred(schema)]
            return found
        return schema

    def is_model(self, schema: dict[str, Any]) -> bool:
        """Whether a schema is a class of ours: an object whose fields are known."""
        return "$ref" in schema and "properties" in self.find(schema)

    def name_of(self, schema: dict[str, Any]) -> str:
        """Return the name of the class of a schema."""
        return _class_name(_referred(schema))

    def model_of(self, schema: dict[str, Any]) -> Model:
        """Return what a reference leads to."""
        return self.model(self.name_of(schema))

    def type_of(self, schema: dict[str, Any], *, said: bool) -> str:
        """Return a type as Python spells it; `said` is by us, so that only known words are."""
        if self.is_model(schema):
            return self.name_of(schema)
        schema = self.find(schema)
        if "anyOf" in schema:
            return " | ".join(dict.fromkeys(self.type_of(e, said=said) for e in schema["anyOf"]))
        if "enum" in schema and said:
            return f"Literal[{', '.join(map(repr, _words(schema['enum'])))}]"
        if schema.get("type") == "array":
            return f"tuple[{self.type_of(schema.get('items', {}), said=said)}, ...]"
        if schema.get("type") == "object":
            values = schema.get("additionalProperties", {})
            of = values if isinstance(values, dict) else {}
            return f"dict[str, {self.type_of(of, said=said)}]"
        if schema.get("format") in ("date-time", "date"):
            return "datetime" if schema["format"] == "date-time" else "date"
        plain = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
        return {**plain, "null": "None"}.get(schema.get("type", ""), "Any")

    def _model(self, name: str) -> Model:
        (key,) = [each for each in self._schemas if _class_name(each) == name]
        schema = self._schemas[key]
        base = self._bases.get(name)
        had = self._fields[base] if base is not None else {}
        fields = sorted(self._fields[name].values(), key=lambda field: field.default is not None)
        text = " ".join([*(field.type for field in fields), base or ""])
        uses = [_class_name(each) for each in self._schemas if mentions(text, _class_name(each))]
        return Model(
            name,
            schema.get("description", "").strip() or f"{name}.",
            tuple(fields),
            tuple(uses),
            base or ("Entity" if self._is_entity(name) else "Model"),
            tuple(field for field in fields if had.get(field.name) != field),
        )

    def _is_entity(self, name: str) -> bool:
        """Whether a model is one, or what is made of it is: a class has one base."""
        made = [child for child, base in self._bases.items() if base == name]
        return name in self.entities or any(map(self._is_entity, made))

    @cached_property
    def _fields(self) -> dict[str, dict[str, Field]]:
        return {
            _class_name(key): {
                python_name(spelled): self._field(
                    spelled,
                    each,
                    needed=spelled in schema.get("required", []),
                    said=_is_said(schema),
                )
                for spelled, each in schema.get("properties", {}).items()
            }
            for key, schema in self._schemas.items()
        }

    @cached_property
    def _bases(self) -> dict[str, str]:
        """Of each model that is another one and more, the largest such."""
        said = {_class_name(key): _is_said(schema) for key, schema in self._schemas.items()}
        found: dict[str, str] = {}
        for base, had in sorted(self._fields.items(), key=lambda each: len(each[1])):
            for name, fields in self._fields.items():
                if name != base and said[name] == said[base] and _is_more(fields, had):
                    found[name] = base
        return found

    def _field(self, spelled: str, schema: dict[str, Any], *, needed: bool, said: bool) -> Field:
        type_, default = self.type_of(schema, said=said), None
        if not needed:
            default = "UNSET" if said else "None"
            missing = _UNSET if said else "None"
            type_ = type_ if missing in type_.split(" | ") else f"{type_} | {missing}"
        return Field(python_name(spelled), spelled, type_, default)


def source(model: Model) -> str:
    """Return the class of a model."""
    lines = [
        f"class {model.name}({model.base}, frozen=True, kw_only=True):",
        docstring(model.about, indent=4),
        "",
    ]
    for field in model.own:
        lines.append(f"    {field.name}: {field.type}{_default(field)}")
    return "\n".join(lines if model.own else lines[:-1])


def _default(field: Field) -> str:
    spelled = field.spelled if _camel(field.name) != field.spelled else None
    if spelled is None:
        return "" if field.default is None else f" = {field.default}"
    given = "" if field.default is None else f"default={field.default}, "
    return f' = field({given}name="{spelled}")'


def _is_said(schema: dict[str, Any]) -> bool:
    """Whether a schema is of what we say: it takes no field that it does not know."""
    return schema.get("additionalProperties") is False


def _is_more(fields: dict[str, Field], had: dict[str, Field]) -> bool:
    """Whether a model has all fields of another one: as they are, or needed where they were not."""
    if not (len(had) >= _SAME and had.keys() < fields.keys()):
        return False
    return all(_stands_for(fields[name], had[name]) for name in had)


def _stands_for(field: Field, other: Field) -> bool:
    needed = field.default is None and other.type == f"{field.type} | {_UNSET}"
    return field == other or needed


def reachable(schemas: Schemas, start: Iterable[Model]) -> list[Model]:
    """Return models with all that they are made of, the parts first."""
    found: dict[str, Model] = {}

    def visit(model: Model, path: tuple[str, ...]) -> None:
        assert model.name not in path, f"{model.name} is made of itself"
        for part in model.uses:
            visit(schemas.model(part), (*path, model.name))
        found.setdefault(model.name, model)

    for model in start:
        visit(model, ())
    return list(found.values())


def ordered(models: Iterable[Model]) -> Iterator[Model]:
    """Yield models, parts before wholes, so that each is known where it is named."""
    waiting = {model.name: model for model in models}
    while waiting:
        ready = [m for m in waiting.values() if not (set(m.uses) & waiting.keys() - {m.name})]
        for model in ready:
            yield waiting.pop(model.name)


def mentions(text: str, name: str) -> bool:
    """Whether a name stands in a text by itself."""
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text) is not None


def python_name(spelled: str) -> str:
    """Return how Python spells a name of JSON, or of a path."""
    name = to_snake(spelled.replace("-", "_").replace(".", "_"))
    return f"{name}_" if keyword.iskeyword(name) else name


def _class_name(key: str) -> str:
    return re.sub(r"\W|_", "", key.rpartition("__")[2] if "__" in key else key)


def _referred(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _words(values: list[Any]) -> list[Any]:
    """Leave out what is the same word as another, in the other spelling."""
    return [v for v in values if not (isinstance(v, str) and to_snake(v) in values) or _plain(v)]


def _plain(value: str) -> bool:
    return to_snake(value) == value


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)


def docstring(text: str, *, indent: int) -> str:
    """Return a text as a docstring, in lines that fit."""
    plain = " ".join(text.replace("\\", "").replace('"""', "'").split())
    pad = " " * indent
    if len(plain) + indent + 6 <= _WIDTH:
        return f'{pad}"""{plain}"""'
    lines = textwrap.wrap(f'"""{plain}', _WIDTH - indent)
    return "\n".join(f"{pad}{line}" for line in [*lines, '"""'])
