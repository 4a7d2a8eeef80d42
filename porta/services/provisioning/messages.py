"""Form problems in words: what pydantic refuses of a document, told to whoever wrote the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from porta.services.provisioning.document import Document
from porta.services.provisioning.problems import Path
from porta.text.suggestions import did_you_mean

_MESSAGES = {
    "missing": "is missing",
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number",
    "int_from_float": "must be a whole number",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must not be empty",
    "too_long": "must have at most {max_length} entries",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
}
"""What is said instead of pydantic's words, which are those of Python."""
PATTERNS = {
    "primary_color": "must be a colour like #0F766E",
    "country": "must be two letters, like DE",
    "locale": "must be a language, like de or en-GB",
    "default_locale": "must be a language, like de or en-GB",
    "translations": "must be by language, like de or en-GB",
    "client_id": "must be 3 to 255 of letters, digits, '.', '_', '~' and '-'",
    "value": "must be of printable ASCII characters without spaces",
}
"""What a text of a certain form is told to look like, by the name of its key."""
_SPACED = {"scope": "must be a text: scopes separated by spaces, not a list"}
_QUOTED = re.compile(r"'([^']*)'")


def message_of(item: Any, data: object) -> str:
    """Return what is wrong, for an error of pydantic about `data`. It repeats no value."""
    kind, path = item["type"], item["loc"]
    key = path[-1] if path else ""
    if kind == "extra_forbidden":
        return "is not a key of this format" + did_you_mean(key, _keys_beside(path))
    if kind == "literal_error":
        expected = item["ctx"]["expected"]
        known = _QUOTED.findall(expected)
        return f"must be {expected}" + did_you_mean(item.get("input"), known)
    if kind == "string_type" and key in _SPACED and isinstance(item.get("input"), list):
        return _SPACED[key]
    if kind == "string_pattern_mismatch":
        forms = (PATTERNS[str(part)] for part in reversed(path) if part in PATTERNS)
        return next(forms, "has a form that it cannot have")
    if kind == "value_error" or kind not in _MESSAGES:
        return _other(item, path, data)
    return _MESSAGES[kind].format(**item.get("ctx", {}))


def _other(item: Any, path: Path, data: object) -> str:
    kind, message = item["type"], item["msg"].removeprefix("Value error, ")
    if kind.startswith("date_"):
        return "must be a date, like 1990-04-17"
    if kind.startswith("datetime_"):
        return "must be a date and time, like 2027-01-31T12:00:00Z"
    message = message.replace("Input should be ", "must be ")
    if path and isinstance(path[-1], str):
        message = message.removeprefix(f"{path[-1]}: ")
    if path[-1:] == ("slug",) and "slug" not in _at(data, path[:-1]):
        return f"is missing, and cannot be made of the name: {message}"
    return str(message)


def _keys_beside(path: Path) -> Iterator[str]:
    """Yield the keys that the format has where the one at `path` stands."""
    models: list[type[BaseModel]] = [Document]
    for part in path[:-1]:
        if isinstance(part, int):
            continue
        fields = [model.model_fields[part] for model in models if part in model.model_fields]
        models = [model for field in fields for model in _models_in(field.annotation)]
    for model in models:
        yield from model.model_fields


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data
