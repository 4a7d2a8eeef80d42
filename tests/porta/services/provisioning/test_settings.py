"""Settings, provisioned."""

from __future__ import annotations

from typing import Any

import pytest

from porta.security.passwords import Passwords
from porta.services.provisioning.problems import DocumentInvalid
from storage.router import Storage
from tests.porta.services.provisioning.seeds import (
    run,
)


async def test_settings_are_set_where_they_differ(
    fresh_storage: Storage, passwords: Passwords
) -> None:
    config = {
        "access_token_ttl": 600,
        "refresh_grace": "5",
        "require_pkce": False,
        "magic_link_ttl": 60,
    }
    first = await run(fresh_storage, passwords, {"organizations": [], "config": config})
    assert first.errors == []
    assert [line.slug for line in first.created] == ["refresh_grace"]
    assert {line.slug for line in first.updated} == set(config) - {"refresh_grace"}
    stored = await fresh_storage.system_config.all()
    assert {key: stored[key] for key in config} == {
        "access_token_ttl": "600",
        "refresh_grace": "5",
        "require_pkce": False,
        "magic_link_ttl": "60",
    }
    second = await run(fresh_storage, passwords, {"organizations": [], "config": config})
    assert (second.created, second.updated) == ([], [])
    assert len(second.skipped) == 4


@pytest.mark.parametrize(
    "config", [{"access_token_ttl": "soon"}, {"require_pkce": "perhaps"}, {"default_locale": 5}]
)
async def test_a_setting_of_another_type_is_refused(
    storage: Storage, passwords: Passwords, config: dict[str, Any]
) -> None:
    with pytest.raises(DocumentInvalid) as refused:
        await run(storage, passwords, {"organizations": [], "config": config})
    assert [each.place for each in refused.value.problems] == [f"config.{next(iter(config))}"]


@pytest.mark.parametrize("value", ["0", 10**15])
async def test_a_setting_out_of_its_range_is_refused(
    storage: Storage, passwords: Passwords, value: Any
) -> None:
    with pytest.raises(DocumentInvalid, match=r"config\.session_ttl: must be 60 to"):
        await run(storage, passwords, {"organizations": [], "config": {"session_ttl": value}})
