"""A provisioning file, read: every problem in it at once, each with its place."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from porta.errors import Invalid
from porta.services.provisioning.document import Document
from porta.services.provisioning.messages import message_of
from porta.services.provisioning.positions import (
    Locate,
    json_positions,
    locate_nothing,
    yaml_positions,
)
from porta.services.provisioning.problems import DocumentInvalid, FileProblem, Path
from porta.services.provisioning.references import find_loose_references
from porta.services.provisioning.rules import find_rule_problems
from porta.services.provisioning.syntax import (
    DEEPEST,
    Malformed,
    find_syntax_problems,
    parse_json,
    parse_yaml,
)
from porta.text.email_addresses import canonical_email

LARGEST = 4 * 1024 * 1024
"""Bytes of a file."""
MOST_TOLD = 200
"""Problems of one file that are told; nobody reads more, and each is looked up in the text."""
STANDARD_INPUT = "-"
_NAMED_BY = (
    *("email", "slug", "name", "client_id", "client_name", "identifier", "domain"),
    *("role", "claim"),
)
"""Keys whose value tells a person which entry of a list it is, the best first."""
_SLUG_OF_NAME = {("organizations",), ("applications",), ("modules",), ("roles",)}
"""Lists whose entries need no slug, when they have a name."""


class ProvisioningFile:
    """The content of a file: decoded, and with a way to find things in its text again."""

    def __init__(
        self, source: str, data: object, positions: Callable[[], Locate] | None = None
    ) -> None:
        self.source = source
        self.data = data
        self._positions = positions

    @cached_property
    def document(self) -> Document:
        """What it describes. Raises DocumentInvalid with every problem, in the file's order."""
        if self.data is None:
            raise DocumentInvalid(self.source, [FileProblem((), "is empty")])
        problems = list(find_syntax_problems(self.data))
        document = None
        try:
            document = Document.model_validate(self.data)
        except ValidationError as error:
            problems += _unlike(problems, _form_problems(error))
        problems += _unlike(problems, find_rule_problems(self.data))
        if document is not None and not problems:
            return document
        problems += find_loose_references(self.data)
        raise DocumentInvalid(self.source, self._told(problems))

    def locate(self, problem: FileProblem) -> FileProblem:
        """Return `problem` with its line, column and names, and the name of this file."""
        return replace(
            problem,
            message=_worded(problem, self.data),
            position=self._locator(problem.path),
            names=tuple(_names(self.data, problem.path)),
            source=self.source,
        )

    @cached_property
    def _locator(self) -> Locate:
        return self._positions() if self._positions is not None else locate_nothing

    def _told(self, problems: list[FileProblem]) -> list[FileProblem]:
        order = {path: index for index, path in enumerate(_paths(self.data, ()))}
        problems.sort(key=lambda problem: _rank(order, problem.path))
        told = [self.locate(problem) for problem in problems[:MOST_TOLD]]
        left = len(problems) - len(told)
        return [*told, FileProblem((), f"and {left} more problems")] if left else told


@dataclass(frozen=True, slots=True)
class _FormProblem(FileProblem):
    """An error of pydantic, put into words only where it is told: there may be very many."""

    item: Any = None


def _unlike(told: list[FileProblem], found: Iterator[FileProblem]) -> list[FileProblem]:
    """Return what is found at other places than those that something is told of already."""
    paths = {problem.path for problem in told}
    return [problem for problem in found if problem.path not in paths]


def _form_problems(error: ValidationError) -> Iterator[FileProblem]:
    items = error.errors(include_url=False)
    missing = {item["loc"] for item in items if item["type"] == "missing"}
    above = {item["loc"][:end] for item in items for end in range(len(item["loc"]))}
    for item in items:
        path = item["loc"][:-1] if item["loc"][-1:] == ("[key]",) else item["loc"]
        nameless = item["type"] == "missing" and (*path[:-1], "name") in missing
        follows = nameless and path[-3:-2] in _SLUG_OF_NAME and path[-1] == "slug"
        # A list is called too short when its entries are refused.
        if follows or (item["type"] == "too_short" and path in above):
            continue
        for message in item["msg"].removeprefix("Value error, ").split("\n"):
            yield _FormProblem(path, "", item={**item, "loc": path, "msg": message})


def _worded(problem: FileProblem, data: object) -> str:
    return message_of(problem.item, data) if isinstance(problem, _FormProblem) else problem.message


def load_file(path: FilePath | str) -> ProvisioningFile:
    """Read and decode the YAML or JSON file at `path`; `-` is the standard input, as YAML.

    Raises DocumentInvalid. No message repeats a value of the file: it may be a password.
    """
    source = str(path)
    try:
        text = _read(source)
        if source.endswith(".json"):
            return ProvisioningFile(source, parse_json(text), lambda: json_positions(text))
        return ProvisioningFile(source, parse_yaml(text), lambda: yaml_positions(text))
    except OSError as error:
        raise DocumentInvalid(source, [FileProblem((), error.strerror or "unreadable")]) from None
    except UnicodeDecodeError:
        raise DocumentInvalid(source, [FileProblem((), "is not UTF-8")]) from None
    except Malformed as error:
        raise DocumentInvalid(source, [error.problem]) from None


def load_files(
    sources: Iterable[str],
) -> tuple[dict[str, ProvisioningFile], list[FileProblem]]:
    """Return the files by their names, and what is wrong with any of them."""
    files: dict[str, ProvisioningFile] = {}
    problems: list[FileProblem] = []
    for source in sources:
        try:
            files[source] = load_file(source)
            _ = files[source].document
        except DocumentInvalid as refusal:
            problems += (replace(each, source=source) for each in refusal.problems)
    return files, problems


def locate(problem: FileProblem, files: Mapping[str, ProvisioningFile]) -> FileProblem:
    """Return the problem of one of `files` with its line and column."""
    file = files.get(problem.source)
    return file.locate(problem) if file is not None and problem.path else problem


def load_document(path: FilePath | str) -> Document:
    """Return the document of the file at `path`. Raises DocumentInvalid, as `load_file` does."""
    return load_file(path).document


def build_document(source: str, data: object) -> Document:
    """Return the document that `data`, a decoded file, describes. Raises DocumentInvalid."""
    return ProvisioningFile(source, data).document


def _read(source: str) -> str:
    if source == STANDARD_INPUT:
        raw = sys.stdin.buffer.read(LARGEST + 1)
    else:
        with FilePath(source).open("rb") as file:
            raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise Malformed(f"is larger than {LARGEST // 1024**2} MiB")
    return raw.decode("utf-8-sig")


def _paths(data: object, path: Path) -> Iterator[Path]:
    """Yield the path of everything in `data`, in the order of the file."""
    yield path
    if len(path) > DEEPEST:
        return
    if isinstance(data, dict):
        for key, inner in data.items():
            yield from _paths(inner, (*path, key))
    elif isinstance(data, list):
        for index, inner in enumerate(data):
            yield from _paths(inner, (*path, index))


def _rank(order: dict[Path, int], path: Path) -> tuple[int, int]:
    """Return where `path` comes in the file; what is missing there, after what lacks it."""
    missing = 0
    while path not in order and path:
        path, missing = path[:-1], missing + 1
    return order[path], missing


def _names(data: Any, path: Path) -> Iterator[str]:
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return
        yield _name_of(data) if isinstance(part, int) and isinstance(data, dict) else ""


def _name_of(entry: dict[str, Any]) -> str:
    """Return what people know an entry by. What is no address is not told: it may be a secret."""
    for key in _NAMED_BY:
        value = entry.get(key)
        if isinstance(value, str) and value and (key != "email" or _is_email(value)):
            return value
    return ""


def _is_email(text: str) -> bool:
    try:
        canonical_email(text)
    except Invalid:
        return False
    return True
