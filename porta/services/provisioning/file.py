"""A provisioning file, read: every mistake in it at once, each with its place."""

from __future__ import annotations

import json
import sys
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from porta.errors import Invalid
from porta.services.provisioning.document import Document
from porta.services.provisioning.rules import find_conflicts


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where: `organizations[0].users[1].email`; empty for the whole file."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class DocumentInvalid(Invalid):
    """A provisioning file that cannot be used, with every mistake found in it."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))
        self.source = source
        self.problems = problems


def load_document(path: Path | str) -> Document:
    """Read and check the YAML or JSON file at `path`; `-` is the standard input, as YAML.

    Raises DocumentInvalid. No message repeats a value of the file: it may be a password.
    """
    source = str(path)
    try:
        text = (sys.stdin.buffer.read() if source == "-" else Path(path).read_bytes()).decode(
            "utf-8-sig"
        )
    except OSError as error:
        raise DocumentInvalid(source, [Problem("", error.strerror or "unreadable")]) from None
    except UnicodeDecodeError:
        raise DocumentInvalid(source, [Problem("", "is not UTF-8")]) from None
    data = _parse_json(source, text) if source.endswith(".json") else _parse_yaml(source, text)
    return build_document(source, data)


def build_document(source: str, data: object) -> Document:
    """Return the document that `data`, a decoded file, describes. Raises DocumentInvalid."""
    problems = [Problem(place(path), "holds a control character") for path in _controls(data)]
    try:
        document = Document.model_validate(data)
    except ValidationError as error:
        problems += [_problem(item) for item in error.errors(include_input=False)]
    else:
        problems += [Problem(place(path), text) for path, text in find_conflicts(document)]
    if problems:
        raise DocumentInvalid(source, problems)
    return document


def place(path: tuple[int | str, ...]) -> str:
    """Return a path as people write it: `organizations[0].name`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def _problem(item: Any) -> Problem:
    message = {"extra_forbidden": "is not a key of this format", "missing": "is missing"}.get(
        item["type"], item["msg"].removeprefix("Value error, ")
    )
    return Problem(place(item["loc"]), message)


def _controls(value: object, path: tuple[int | str, ...] = ()) -> Iterator[tuple[int | str, ...]]:
    """Yield the path of every string that no database column and no header should ever see."""
    if isinstance(value, str):
        if any((c < " " and c not in "\t\n\r") or c == "\x7f" or _lone(c) for c in value):
            yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _controls(inner, (*path, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _controls(inner, (*path, index))


def _lone(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"


def _parse_json(source: str, text: str) -> object:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            raise DocumentInvalid(source, [Problem("", "holds a key twice in one object")])
        return found

    try:
        return json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise DocumentInvalid(source, [Problem("", f"{where}: {error.msg}")]) from None


def _parse_yaml(source: str, text: str) -> object:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise DocumentInvalid(source, [Problem("", f"{where}{error.problem}")]) from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise DocumentInvalid(source, [Problem("", "is not YAML")]) from None


class _Loader(yaml.SafeLoader):
    """YAML's plain types; a key given twice is a mistake, where YAML keeps the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key '{key.value}' stands twice", problem_mark=key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)
