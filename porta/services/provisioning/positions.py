"""Source positions: the line and column of what a path of a YAML or JSON text leads to."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Generator

import yaml

from porta.services.provisioning.problems import Path, Position
from porta.services.provisioning.syntax import DEEPEST, compose_yaml

Locate = Callable[[Path], Position | None]
_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


def locate_nothing(path: Path) -> Position | None:
    """Return None: there is no text."""
    return None


def yaml_positions(text: str) -> Locate:
    """Return what finds paths in a YAML `text` that can be parsed.

    A key stands where it begins. Of what is missing, the entry that lacks it is found.
    """
    root = compose_yaml(text)

    def locate(path: Path) -> Position | None:
        node, mark = root, root.start_mark if root else None
        for part in path:
            node, mark = _step(node, part) or (None, mark)
            if node is None:
                break
        return Position(mark.line + 1, mark.column + 1) if mark else None

    return locate


def _step(node: yaml.Node | None, part: int | str) -> tuple[yaml.Node, yaml.Mark] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        return node.value[part], node.value[part].start_mark
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if key.value == part:
            return value, key.start_mark
    return None


def json_positions(text: str) -> Locate:
    """Return what finds paths in a JSON `text` that can be parsed, as `yaml_positions` does."""
    start = _skip(text, 0)
    offsets: dict[Path, int] = {(): start, **dict(_members(text, start, ()))}
    lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def locate(path: Path) -> Position | None:
        while path not in offsets:
            path = path[:-1]
        line = bisect_right(lines, offsets[path])
        return Position(line, offsets[path] - lines[line - 1] + 1)

    return locate


def _members(text: str, at: int, path: Path) -> Generator[tuple[Path, int], None, int]:
    """Yield every path below the value at offset `at`, with its offset; return where it ends.

    Of a key that one object holds twice the second is yielded last.
    """
    if len(path) > DEEPEST or text[at] not in "{[":
        return _DECODER.raw_decode(text, at)[1]
    is_object, index = text[at] == "{", 0
    at = _skip(text, at + 1)
    while text[at] not in "}]":
        part: int | str = index
        begins = at
        if is_object:
            part, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)  # the colon
        yield (*path, part), begins
        at = _skip(text, (yield from _members(text, at, (*path, part))))
        if text[at] == ",":
            at = _skip(text, at + 1)
        index += 1
    return at + 1


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()
