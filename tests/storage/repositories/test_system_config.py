"""Settings: JSON values by key, durations as strings of digits."""

from __future__ import annotations

from typing import Any

import pytest

from storage.errors import StorageError
from storage.postgres.driver import Postgres
from storage.repositories.system_config import SystemConfig


@pytest.mark.parametrize(
    ("value", "value_type", "stored"),
    [
        (60, "duration", "60"),
        (7, "number", 7),
        (False, "boolean", False),
        ("text", "string", "text"),
        ({"a": [1, None]}, "json", {"a": [1, None]}),
    ],
)
async def test_a_value_is_stored_in_the_form_of_its_type(
    pg: Postgres, value: Any, value_type: str, stored: Any
) -> None:
    config = SystemConfig(pg)
    await config.put("test_key", value, value_type)
    assert (await config.all())["test_key"] == stored


async def test_a_value_is_replaced_and_its_description_kept(pg: Postgres) -> None:
    config = SystemConfig(pg)
    await config.put("described", 1, "number", "What it is")
    await config.put("described", 2, "number")
    rows = await pg.fetch("SELECT value, description FROM system_config WHERE key = 'described'")
    assert rows == [("2", "What it is")]


async def test_an_unknown_type_is_refused(pg: Postgres) -> None:
    with pytest.raises(StorageError):
        await SystemConfig(pg).put("key", 1, "float")
