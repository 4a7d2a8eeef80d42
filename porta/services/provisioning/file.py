"""A provisioning file, read: every mistake in it at once, each with its place."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from porta.services.provisioning.document import Document
from porta.services.provisioning.problems import DocumentInvalid, Problem, place
from porta.services.provisioning.rules import find_conflicts
from porta.services.provisioning.syntax import Malformed, find_faults, parse_json, parse_yaml

LARGEST = 4 * 1024 * 1024
"""Bytes of a file."""
_WORDS = {
    "extra_forbidden": "is not a key of this format",
    "missing": "is missing",
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
}
"""What is said instead of pydantic's words, which are those of Python."""
_LATER = "the form comes first; rules between entries are checked once it is right"


class FormInvalid(DocumentInvalid):
    """A file whose form is wrong: there is no document yet that the rules could be held against."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        super().__init__(source, problems)
        self.message += f"\n{source}: {_LATER}"
        self.args = (self.message,)


def load_document(path: Path | str) -> Document:
    """Read and check the YAML or JSON file at `path`; `-` is the standard input, as YAML.

    Raises DocumentInvalid. No message repeats a value of the file: it may be a password.
    """
    source = str(path)
    try:
        text = _read(source)
        data = parse_json(text) if source.endswith(".json") else parse_yaml(text)
    except OSError as error:
        raise DocumentInvalid(source, [Problem("", error.strerror or "unreadable")]) from None
    except UnicodeDecodeError:
        raise DocumentInvalid(source, [Problem("", "is not UTF-8")]) from None
    except Malformed as fault:
        raise DocumentInvalid(source, [Problem("", str(fault))]) from None
    return build_document(source, data)


def _read(source: str) -> str:
    if source == "-":
        raw = sys.stdin.buffer.read(LARGEST + 1)
    else:
        with Path(source).open("rb") as file:
            raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise Malformed(f"is larger than {LARGEST // 1024**2} MiB")
    return raw.decode("utf-8-sig")


def build_document(source: str, data: object) -> Document:
    """Return the document that `data`, a decoded file, describes. Raises DocumentInvalid."""
    if data is None:
        raise DocumentInvalid(source, [Problem("", "is empty")])
    problems = [Problem(place(path), fault) for path, fault in find_faults(data)]
    refusal: type[DocumentInvalid] = DocumentInvalid
    try:
        document = Document.model_validate(data)
    except ValidationError as error:
        found = [_problem(item, data) for item in error.errors(include_input=False)]
        refusal = FormInvalid
    else:
        found = [Problem(place(path), text) for path, text in find_conflicts(document)]
    told = {problem.path for problem in problems}
    problems += [problem for problem in found if problem.path not in told]
    if problems:
        raise refusal(source, problems)
    return document


def _problem(item: Any, data: object) -> Problem:
    kind, path = item["type"], item["loc"]
    message = item["msg"].removeprefix("Value error, ").replace("Input should be ", "must be ")
    if kind in _WORDS:
        message = _WORDS[kind]
    elif kind.startswith("date_"):
        message = "must be a date, like 1990-04-17"
    elif kind.startswith("datetime_"):
        message = "must be a date and time, like 2027-01-31T12:00:00Z"
    elif path[-1:] == ("slug",) and "slug" not in _at(data, path[:-1]):
        message = f"is missing, and cannot be made of the name: {message.removeprefix('slug: ')}"
    return Problem(place(path), message)


def _at(data: Any, path: tuple[int | str, ...]) -> Any:
    for part in path:
        data = data[part]
    return data
