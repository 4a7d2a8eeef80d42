"""Downloads: rows as a file of JSON or CSV, written while they are read."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from porta.services.exports import Export
from porta.text import csv_cells
from porta.text.timestamps import spell_timestamp

Format = Literal["json", "csv"]
MEDIA_TYPES: Mapping[Format, str] = {"json": "application/json", "csv": "text/csv; charset=utf-8"}
Chunks = AsyncGenerator[bytes]
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Download:
    """A file, sent as it is made: its name, its type, and its bytes."""

    name: str
    media_type: str
    chunks: Chunks


def download(export: Export, name: str, form: Format, now: float) -> Download:
    """Return `export` as a file; `now` is seconds since the epoch."""
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H-%M-%S")
    chunks = _csv(export) if form == "csv" else _json(export, now)
    return Download(f"{name}-export-{moment}.{form}", MEDIA_TYPES[form], chunks)


async def _json(export: Export, now: float) -> Chunks:
    total, opening = 0, b'{"data":['
    async with aclosing(export.pages) as pages:
        async for page in pages:
            rows = b",".join(_encode(row) for row in page)
            yield opening + (b"," if total and rows else b"") + rows
            total, opening = total + len(page), b""
    moment = _encode(spell_timestamp(now))
    yield opening + b'],"exportedAt":' + moment + b',"total":' + str(total).encode() + b"}"


async def _csv(export: Export) -> Chunks:
    yield csv_cells.spell_row(export.columns).encode()
    async with aclosing(export.pages) as pages:
        async for page in pages:
            yield "".join(csv_cells.spell_row(map(_cell, row.values())) for row in page).encode()


def _cell(value: Any) -> Any:
    """A list is told in one cell, and what has members as JSON."""
    if isinstance(value, list | tuple):
        return csv_cells.join([str(each) for each in value])
    return _encode(value).decode() if isinstance(value, dict) else value
