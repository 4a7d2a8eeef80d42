"""JSON bodies and queries of the Admin API: read strictly, every problem told with its path.

I-JSON (RFC 7493): UTF-8, no name twice, no lone surrogate. And no NUL, which PostgreSQL cannot
store, and no nesting that nobody means.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import accumulate, islice
from typing import Any, TypeVar

from porta.errors import Invalid, NotFound, Path, Problem
from porta.services.commands import Command

MAX_DEPTH = 32
_MOST_PROBLEMS = 100
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
"""A string, or what is left of the text where one does not end: nothing is looked at twice."""
_BRACKET = re.compile(rb"[\[\]{}]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
C = TypeVar("C", bound=Command)


def parse_json(raw: bytes) -> Any:
    """Return what `raw` says. Raises Invalid."""
    if _depth(raw) > MAX_DEPTH:
        raise Invalid(f"The body is nested more than {MAX_DEPTH} levels deep")
    try:
        value = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        twice = f": {error}" if isinstance(error, _Twice) else ""
        raise Invalid(f"The body is no JSON{twice}") from None
    _check_storable(value)
    return value


def read_query(model: type[C], parameters: Mapping[str, str]) -> C:
    """Return the parameters of a URL as `model`; there every value is a text. Raises Invalid."""
    _check_storable(parameters)
    return model.parse(parameters)


def read_path(parameters: Mapping[str, str]) -> Mapping[str, str]:
    """Return what stands at the placeholders of a path. Raises NotFound for what names nothing."""
    if any(_UNSTORABLE.search(value) for value in parameters.values()):
        raise NotFound("Not found")
    return parameters


def _check_storable(value: Any) -> None:
    unstorable = islice(_unstorable(value), _MOST_PROBLEMS)
    problems = [Problem(path, "holds a character that cannot be kept") for path in unstorable]
    if problems:
        raise Invalid(problems=problems)


def _depth(raw: bytes) -> int:
    brackets = _BRACKET.findall(_STRING.sub(b"", raw))
    return max(accumulate(1 if each in (b"[", b"{") else -1 for each in brackets), default=0)


class _Twice(ValueError):
    """A name stands twice in one object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Twice("a name stands twice in one object")
        found[name] = value
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(name)  # NaN and the infinities are Python's, not JSON's (RFC 8259 §6)


def _unstorable(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every text and name that PostgreSQL could not keep."""
    if isinstance(value, str) and _UNSTORABLE.search(value):
        yield path
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if _UNSTORABLE.search(name):
                yield path
            else:
                yield from _unstorable(inner, (*path, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _unstorable(inner, (*path, place))
