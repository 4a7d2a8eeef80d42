"""The text of a provisioning file, decoded: what YAML and JSON share, and nothing beyond."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Hashable, Iterator
from datetime import date
from typing import Any

import yaml

from porta.protocol.requests.params import has_control_characters
from porta.services.provisioning.problems import FileProblem, Path, Position

DEEPEST = 64
"""More levels than the format has, and few enough for everything that walks through them."""
_LONGEST_PLAIN = 64
"""Characters of a number or date: YAML's 1:30:00 is computed, and long ones take for ever."""
_LARGEST_INTEGER = 2**63
# What no column keeps and no header may hold; a text may have several lines.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Malformed(Exception):
    """The text cannot be decoded; the message repeats no value."""

    def __init__(self, message: str, position: Position | None = None) -> None:
        super().__init__(message)
        self.problem = FileProblem((), message, position)

    def __str__(self) -> str:
        return str(self.problem)


def parse_json(text: str) -> object:
    """Return what the JSON `text` holds. Raises Malformed."""
    try:
        data = json.loads(text, object_pairs_hook=_pairs)
    except json.JSONDecodeError as error:
        raise Malformed(error.msg, Position(error.lineno, error.colno)) from None
    except RecursionError:
        raise Malformed("is nested too deeply") from None
    except ValueError:  # Python computes no integer of more than 4300 digits
        raise Malformed("holds a number that is too large") from None
    return data


def parse_yaml(text: str) -> object:
    """Return what the YAML `text` holds. Raises Malformed."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = Position(mark.line + 1, mark.column + 1) if mark else None
        raise Malformed(error.problem or "is not YAML", position) from None
    except RecursionError:
        raise Malformed("is nested too deeply") from None
    except (yaml.YAMLError, ValueError):
        raise Malformed("is not YAML") from None


def compose_yaml(text: str) -> yaml.Node | None:
    """Return the nodes of a YAML `text` that can be parsed, each with its place in it."""
    return yaml.compose(text, Loader=_Loader)


def find_syntax_problems(value: object, path: Path = ()) -> Iterator[FileProblem]:
    """Yield everything in `value` that JSON cannot say, or no column can keep.

    Dates are let through: YAML has them, and the format too.
    """
    if len(path) > DEEPEST:
        yield FileProblem(path, "is nested too deeply")
    elif isinstance(value, dict):
        for key, inner in value.items():
            message = _judge_key(key)
            if message is None:
                yield from find_syntax_problems(inner, (*path, key))
            else:
                yield FileProblem(path, message)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from find_syntax_problems(inner, (*path, index))
    else:
        message = _judge_scalar(value)
        if message is not None:
            yield FileProblem(path, message)


def _judge_key(key: object) -> str | None:
    if not isinstance(key, str):
        return "holds a key that is no text; put it into quotes"
    if has_control_characters(key):
        return "holds a key with a control character"
    return None


def _judge_scalar(value: object) -> str | None:
    match value:
        case None | bool() | date():
            return None
        case _Twice():
            return "stands twice"
        case str():
            return "holds a control character" if _CONTROL.search(value) else None
        case int():
            return None if abs(value) < _LARGEST_INTEGER else "is a number that is too large"
        case float():
            return None if math.isfinite(value) else "is not a finite number"
    return "is of a kind that JSON does not have"


class _Twice:
    """Stands for the value of a key that one JSON object holds twice."""


def _pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in items:
        found[key] = _Twice() if key in found else value
    return found


class _Loader(yaml.SafeLoader):
    """YAML's plain types; a key given twice is a problem, where YAML keeps the last in silence."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse anchors: nine levels of aliases make a gigabyte of four hundred bytes."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) is not None:
            raise yaml.composer.ComposerError(
                problem="anchors (&) and aliases (*) are not part of this format; a text that"
                " begins with one of these signs needs quotes, and a program that writes YAML has"
                " to be told (PyYAML: a Dumper whose ignore_aliases returns True)",
                problem_mark=event.start_mark,
            )
        return super().compose_node(parent, index)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        plain = isinstance(node, yaml.ScalarNode) and not node.tag.endswith(":str")
        try:
            if plain and len(node.value) > _LONGEST_PLAIN:
                raise ValueError
            return super().construct_object(node, deep)
        except (ValueError, OverflowError):
            raise yaml.constructor.ConstructorError(
                problem="is no date, and no number of a size that can be",
                problem_mark=node.start_mark,
            ) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key '{key.value}' stands twice", problem_mark=key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)
