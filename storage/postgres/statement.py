"""Statements: SQL with named parameters, and who can run it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

_PARAMETER = re.compile(r"%\((\w+)\)s")

Parameters = Mapping[str, object]
Row = tuple[Any, ...]


class Statement:
    """A hot statement: prepared once per connection, then run by its name.

    `sql` names its parameters as `%(name)s`. Where PostgreSQL cannot infer the type of a parameter,
    the SQL has to cast it, as `%(grace)s::float8`.
    """

    __slots__ = ("arguments", "body", "name", "sql")

    def __init__(self, name: str, sql: str) -> None:
        self.name = name
        self.sql = sql
        names = list(dict.fromkeys(_PARAMETER.findall(sql)))
        self.body = _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", sql)
        self.arguments = "(" + ",".join(f"%({each})s" for each in names) + ")" if names else ""

    def prepare(self, name: str) -> str:
        """Return the SQL that prepares this statement as `name`."""
        return f"PREPARE {name} AS {self.body}"

    def execute(self, name: str) -> str:
        """Return the SQL that runs what was prepared as `name`."""
        return f"EXECUTE {name} {self.arguments}"


class Executor(Protocol):
    """Whatever runs statements: the pool, or the one connection of a transaction.

    Every method raises `Unreachable` when the database does not answer in time, `AlreadyExists`
    when a unique constraint is broken, and `StorageError` for every other refusal.
    """

    async def fetch(self, sql: str | Statement, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement and return its rows."""

    async def fetchrow(
        self, sql: str | Statement, parameters: Parameters | None = None
    ) -> Row | None:
        """Run one statement and return its first row, or None."""

    async def execute(self, sql: str | Statement, parameters: Parameters | None = None) -> int:
        """Run one statement and return the number of rows it touched."""

    @property
    def everywhere(self) -> Executor:
        """The same, where statements see the rows of every organization (`tenancy.py`)."""


class Scoped(Protocol):
    """An executor that can be told what a statement sees, as `tenancy.py` spells it; None is what
    its parameters say.
    """

    async def fetch(
        self, sql: str | Statement, parameters: Parameters | None = None, view: str | None = None
    ) -> list[Row]: ...

    async def fetchrow(
        self, sql: str | Statement, parameters: Parameters | None = None, view: str | None = None
    ) -> Row | None: ...

    async def execute(
        self, sql: str | Statement, parameters: Parameters | None = None, view: str | None = None
    ) -> int: ...
