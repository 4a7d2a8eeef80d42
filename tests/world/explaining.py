"""What statements read, as PostgreSQL tells of each that was run (EXPLAIN ANALYZE)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from storage.postgres.statement import Executor, Parameters, Row, Statement


@dataclass(frozen=True)
class Read:
    """What one statement read."""

    pages: int
    """Of 8 KiB each."""
    rows: int
    """Of tables and indexes, those included that were looked at and left out."""
    plan: str


class Explaining:
    """An executor that knows what each of its statements read."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.read: list[Read] = []

    async def fetch(self, sql: str | Statement, parameters: Parameters | None = None) -> list[Row]:
        explained = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}"
        ((plan,),) = await self._executor.fetch(explained, parameters)
        top: dict[str, Any] = msgspec.json.decode(plan)[0]["Plan"]
        pages = top["Shared Hit Blocks"] + top["Shared Read Blocks"]
        self.read.append(Read(pages, sum(_scanned(top)), plan))
        return await self._executor.fetch(sql, parameters)

    async def fetchrow(
        self, sql: str | Statement, parameters: Parameters | None = None
    ) -> Row | None:
        rows = await self.fetch(sql, parameters)
        return rows[0] if rows else None

    async def execute(self, sql: str | Statement, parameters: Parameters | None = None) -> int:
        raise AssertionError("a list changes nothing")

    @property
    def everywhere(self) -> Executor:
        return self


def _scanned(node: dict[str, Any]) -> Iterator[int]:
    if "Scan" in node["Node Type"] and not node.get("Plans"):
        left_out = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
        rows = node["Actual Rows"] + sum(node.get(each, 0) for each in left_out)
        yield round(rows * node["Actual Loops"])
    for each in node.get("Plans", ()):
        yield from _scanned(each)
