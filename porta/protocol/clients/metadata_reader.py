"""Client metadata reader: decoded JSON member by member, every problem kept (RFC 7591)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from porta.errors import Problem
from porta.protocol.requests.params import has_control_characters

MAX_ENTRIES = 50
D = TypeVar("D", bound=bool | None)


@dataclass(slots=True)
class MetadataReader:
    """Reads one member after the other and keeps every problem."""

    raw: Mapping[str, Any]
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, name: str, message: str, *at: str | int) -> None:
        """Keep what is wrong with a member, or with what is `at` a path within it."""
        self.problems.append(Problem((name, *at), message))

    def text(self, name: str, default: str = "") -> str:
        value = self.raw.get(name)
        if value is None:
            return default
        if not _is_text(value):
            self.refuse(name, "must be a text without control characters")
            return default
        return str(value)

    def choice(self, name: str, allowed: Collection[str], default: str) -> str:
        value = self.text(name, default)
        if value in allowed:
            return value
        self.refuse(name, f"must be one of: {', '.join(allowed)}")
        return default

    def flag(self, name: str, default: D) -> bool | D:
        value = self.raw.get(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.refuse(name, "must be true or false")
        return default

    def texts(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._listed(name, default)))

    def _listed(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = self.raw.get(name)
        if value is None:
            return default
        if not isinstance(value, list | tuple) or not all(map(_is_text, value)):
            self.refuse(name, "must be a list of texts without control characters")
            return default
        if len(value) > MAX_ENTRIES:
            self.refuse(name, f"must have at most {MAX_ENTRIES} entries")
            return default
        return tuple(value)

    def choices(
        self, name: str, allowed: Collection[str], default: tuple[str, ...]
    ) -> tuple[str, ...]:
        return self.each(name, lambda value: _find_choice_problem(value, allowed), default)

    def each(
        self,
        name: str,
        find_problem: Callable[[str], str | None],
        default: tuple[str, ...] = (),
    ) -> tuple[str, ...]:
        values = self._listed(name, default)
        for index, value in enumerate(values):
            problem = find_problem(value)
            if problem is not None:
                self.refuse(name, problem, index)
        return tuple(dict.fromkeys(values))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not has_control_characters(value)


def _find_choice_problem(value: str, allowed: Collection[str]) -> str | None:
    return None if value in allowed else f"must be one of: {', '.join(allowed)}"
