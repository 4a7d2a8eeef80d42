"""Answers of the Admin API on a terminal: a table, the fields of one thing, or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from porta.admin_client.model import Model

_PIPED = 1000
"""Columns, where no terminal says how many there are."""


def line(text: str) -> str:
    """Return `text` as one line that gives no orders to a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def cell(text: str) -> str:
    """Return what stands in a row of a table, where it is not taken for mark-up either."""
    return line(text).replace("[", "\\[")


def spelled(value: object) -> str:
    """Return JSON for people and programs: what a terminal would take for an order is escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def console() -> Console:
    """Return what tables are printed on: a line a row, for what reads lines."""
    made = Console(soft_wrap=True)
    if not made.is_terminal:
        made.width = _PIPED
    return made


def as_json(found: object) -> Any:
    """Return what was answered, as JSON has it: the tag of a version is no part of it."""
    if isinstance(found, Model):
        fields = msgspec.structs.fields(found)
        named = {each.encode_name: getattr(found, each.name) for each in fields}
        return {name: as_json(each) for name, each in named.items() if name != "@etag"}
    if isinstance(found, Sequence) and not isinstance(found, str):
        return [as_json(each) for each in found]
    return msgspec.to_builtins(found)


def tell(found: object, columns: Sequence[str], *, json_wanted: bool) -> None:
    """Print what was answered: several things with these columns, or one with all it has."""
    if json_wanted:
        click.echo(spelled(as_json(found)))
    elif isinstance(found, Sequence):
        _tell_rows(found, columns)
    elif isinstance(found, Model):
        _tell_one(as_json(found))


def _tell_rows(rows: Sequence[object], columns: Sequence[str]) -> None:
    if not rows:
        click.echo("There is nothing.", err=True)
        return
    table = Table(header_style="bold")
    for column in columns:
        table.add_column(_title(column), overflow="fold")
    for row in rows:
        told = as_json(row)
        table.add_row(*(cell(_text(told.get(column))) for column in columns))
    console().print(table)


def _tell_one(told: Mapping[str, Any]) -> None:
    flat = dict(_flat(told, ""))
    width = max(map(len, flat), default=0)
    for name, value in flat.items():
        click.echo(line(f"{name:<{width}}  {_text(value)}"))


def _flat(told: Mapping[str, Any], above: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in told.items():
        if isinstance(value, dict) and value:
            found += _flat(value, f"{above}{name}.")
        else:
            found.append((f"{above}{name}", value))
    return found


def _title(column: str) -> str:
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in column)
    return "ID" if column == "id" else f"{words[:1].upper()}{words[1:]}".replace(" id", " ID")


def _text(value: Any) -> str:
    if value in (None, "", [], {}):
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(e if isinstance(e, str) else json.dumps(e) for e in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return _moment(value) if isinstance(value, str) else str(value)


def _moment(text: str) -> str:
    """A moment is told in the time of whoever reads it."""
    if len(text) < 20 or text[10:11] != "T":
        return text
    try:
        return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return text
