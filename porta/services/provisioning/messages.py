"""Form problems in words: what pydantic refuses of a document, told to whoever wrote the file."""

from __future__ import annotations

from typing import Any

from porta.services.provisioning.document import Document
from porta.services.provisioning.problems import Path
from porta.text.validation import find_messages

_SPACED = {"scope": "must be a text: scopes separated by spaces, not a list"}


def message_of(item: Any, data: object) -> str:
    """Return what is wrong, for an error of pydantic about `data`. It repeats no value."""
    kind, path = item["type"], item["loc"]
    key = path[-1] if path else ""
    if kind == "string_type" and key in _SPACED and isinstance(item.get("input"), list):
        return _SPACED[key]
    message = " ".join(find_messages(item, Document))
    if key == "slug" and "slug" not in _at(data, path[:-1]):
        return f"is missing, and cannot be made of the name: {message}"
    return message


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data
