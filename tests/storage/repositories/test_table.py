"""The table of repositories: all stand in it, and a transaction makes those it asks for alone."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

from storage import repositories
from storage.repositories.table import Repositories
from storage.router import Storage

# What a repository is made of beside an executor.
MADE_ELSEWHERE = {"Events"}


def _classes() -> set[str]:
    """Return every public class that is made of an executor, whichever module it stands in."""
    modules = [
        importlib.import_module(f"{repositories.__name__}.{each.name}")
        for each in pkgutil.iter_modules(repositories.__path__)
    ]
    return {
        name
        for module in modules
        for name, kind in vars(module).items()
        if inspect.isclass(kind)
        and kind.__module__ == module.__name__
        and not name.startswith("_")
        and "pg" in inspect.signature(kind).parameters
    }


async def test_every_repository_has_its_line(storage: Storage) -> None:
    listed = {
        type(getattr(storage, name)).__name__
        for name in vars(Repositories)
        if not name.startswith("_")
    }
    assert _classes() - MADE_ELSEWHERE == listed
    assert len(listed) > 30


async def test_a_transaction_makes_what_it_asks_for(storage: Storage) -> None:
    async with storage.transaction() as tx:
        assert not _made(tx)
        first = tx.organizations
        assert tx.organizations is first
        assert _made(tx) == {"organizations"}
    assert storage.organizations is not first, "each has its own connection"


def _made(storage: Storage) -> set[str]:
    return {name for name in vars(storage) if not name.startswith("_")}
