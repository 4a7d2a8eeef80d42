"""Options from the types of the client: words, numbers, moments, lists, and JSON for the rest."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

import click
import msgspec


class Value(click.ParamType[Any]):
    """What a field of this type takes, typed by a person."""

    def __init__(self, hint: Any) -> None:
        self._hint = hint
        self.name = _name(hint)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value. What a server would refuse is left to the server, which says why."""
        if not isinstance(value, str):
            return value
        try:
            return _read(value, self._hint)
        except (ValueError, msgspec.MsgspecError) as error:
            self.fail(f"{value!r} is no {self.name}: {error}", param, ctx)

    @staticmethod
    def is_id(text: str) -> bool:
        """Whether a text is an id, and no slug."""
        try:
            return str(UUID(text)) == text.lower()
        except ValueError:
            return False


def option_of(
    name: str, hint: Any, former: str | None = None, *, required: bool = False
) -> click.Option:
    """Return the option of a field; `former` is what it is called in place of its own name."""
    spelled = former or f"--{name.replace('_', '-')}"
    kind = _kind(hint)
    if kind is bool:
        return click.Option([f"{spelled}/--no-{spelled.removeprefix('--')}", name], default=None)
    if get_origin(kind) is Literal:
        words = [str(each) for each in get_args(kind)]
        return click.Option([spelled, name], type=click.Choice(words), required=required)
    return click.Option(
        [spelled, name], type=Value(kind), required=required, metavar=_name(kind).upper()
    )


def _kind(hint: Any) -> Any:
    """Return what a field takes, beside being absent or null."""
    if get_origin(hint) not in (Union, UnionType):
        return hint
    kinds = [each for each in get_args(hint) if each not in (NoneType, msgspec.UnsetType)]
    return kinds[0] if len(kinds) == 1 else Any


def _name(kind: Any) -> str:
    plain = {str: "text", int: "number", date: "day", datetime: "moment"}
    if kind in plain:
        return plain[kind]
    return "a,b" if _is_list_of_words(kind) else "json"


def _is_list_of_words(kind: Any) -> bool:
    of = get_args(kind)[0] if get_origin(kind) is tuple else None
    return of is str or get_origin(of) is Literal


def _read(text: str, kind: Any) -> Any:
    if kind is str:
        return text
    if kind is int:
        return int(text)
    if kind is date:
        return date.fromisoformat(text)
    if kind is datetime:
        read = datetime.fromisoformat(text)
        return read if read.tzinfo else read.astimezone(UTC)
    if _is_list_of_words(kind):
        return tuple(word.strip() for word in text.split(",") if word.strip())
    if kind is Any:
        return _json_or_text(text)
    return msgspec.json.decode(text, type=kind)


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
