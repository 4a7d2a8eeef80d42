"""Form problems in words: what pydantic refuses of a document, told to whoever wrote the file."""

from __future__ import annotations

from typing import Any

from porta.services.provisioning.document import Document
from porta.services.provisioning.problems import Path
from porta.text.validation import find_messages

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


def message_of(item: Any, data: object) -> str:
    """Return what is wrong, for an error of pydantic about `data`. It repeats no value."""
    kind, path = item["type"], item["loc"]
    key = path[-1] if path else ""
    if kind == "string_type" and key in _SPACED and isinstance(item.get("input"), list):
        return _SPACED[key]
    if kind == "string_pattern_mismatch":
        forms = (PATTERNS[str(part)] for part in reversed(path) if part in PATTERNS)
        return next(forms, "has a form that it cannot have")
    message = " ".join(find_messages(item, Document))
    if key == "slug" and "slug" not in _at(data, path[:-1]):
        return f"is missing, and cannot be made of the name: {message}"
    return message


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data
