"""Validation errors in words: what pydantic refuses, told to whoever wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from porta.text.suggestions import did_you_mean

_MESSAGES = {
    "missing": "is missing",
    "string_type": "must be a text",
    "string_unicode": "must be a text of whole characters",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must not be empty",
    "too_long": "must have at most {max_length} entries",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "string_pattern_mismatch": "has a form that it cannot have",
    "invalid_key": "holds a key that is no text",
    "uuid_type": "must be an id",
    "uuid_parsing": "must be an id",
    "timezone_aware": "must be a date and time with its zone, like 2027-01-31T12:00:00Z",
}
"""What is said instead of pydantic's words, which are those of Python."""
_BY_PREFIX = {
    "date_": "must be a date, like 1990-04-17",
    "datetime_": "must be a date and time, like 2027-01-31T12:00:00Z",
    "json": "must be what JSON can say",
    "recursion_loop": "must be what JSON can say",
}
_OTHERWISE = "is nothing that can stand here"
_QUOTED = re.compile(r"'([^']*)'")
_OF_NULL = frozenset(
    {"string_type", "bool_type", "int_type", "float_type", "tuple_type", "model_type", "dict_type"}
)


def find_messages(item: Any, model: type[BaseModel]) -> Iterator[str]:
    """Yield what is wrong, for an error (of `ValidationError.errors`) of `model`: one sentence as a
    rule, several where a rule of ours told several. No value is repeated.
    """
    kind, path = item["type"], item["loc"]
    if kind == "value_error":
        message: str = item["msg"].removeprefix("Value error, ")
        yield from message.split("\n")
    elif kind == "extra_forbidden":
        known = sorted(_names_beside(model, path))
        yield "is not a key of this format" + did_you_mean(path[-1] if path else "", known)
    elif kind in ("literal_error", "enum"):
        expected = item["ctx"]["expected"]
        yield f"must be {expected}" + did_you_mean(item.get("input"), _QUOTED.findall(expected))
    elif kind in _OF_NULL and item.get("input") is None:
        yield f"{_MESSAGES[kind]}, and cannot be left empty"
    elif kind in _MESSAGES:
        yield _MESSAGES[kind].format(**item.get("ctx", {}))
    else:
        fitting = (text for prefix, text in _BY_PREFIX.items() if kind.startswith(prefix))
        yield next(fitting, _OTHERWISE)


def _names_beside(model: type[BaseModel], path: tuple[str | int, ...]) -> Iterator[str]:
    """Yield the names that may stand where the one at `path` does."""
    models: list[type[BaseModel]] = [model]
    for part in path[:-1]:
        if isinstance(part, int):
            continue
        fields = [
            field
            for each in models
            for name, field in each.model_fields.items()
            if part in (name, field.alias)
        ]
        models = [inner for field in fields for inner in _models_in(field.annotation)] or models
    for each in models:
        yield from (field.alias or name for name, field in each.model_fields.items())


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
