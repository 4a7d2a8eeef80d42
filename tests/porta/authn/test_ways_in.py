"""Ways in: what an interaction offers, by what is asked for and what an installation can."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from porta.authn import ways_in
from porta.authn.identities import Waiting
from porta.authn.ways_in import WaysIn
from porta.browser.open_interactions import OpenInteraction
from porta.runtime import Runtime
from porta.tenants import resolve
from storage.models.connections import Connection, LedDomain
from storage.models.sign_ins import Link
from tests import factories
from tests.world.runtime import opened

WORK = Connection(
    id="work", organization_id="o-1", provider="openid", name="Work",
    issuer="https://work.example", client_id="porta",
)  # fmt: skip
LEADING = msgspec.structs.replace(WORK, domains=(LedDomain(domain="work.example", required=False),))
WAITING = Waiting(WORK, Link(connection_id="work", issuer=WORK.issuer, subject="ada"), (WORK,))


def _ways(**said: Any) -> WaysIn:
    none: dict[str, Any] = {"password": False, "passkey": False, "magic_link": False}
    return WaysIn(**(none | {"connections": (), "waiting": None} | said))


@pytest.mark.parametrize(
    ("said", "has_any", "takes_address"),
    [
        ({}, False, False),
        ({"password": True}, True, True),
        ({"magic_link": True}, True, True),
        ({"passkey": True}, True, False),
        ({"connections": (WORK,)}, True, False),
        ({"waiting": WAITING}, False, False),
    ],
)
def test_each_way_counts_and_some_begin_with_an_address(
    said: dict[str, Any], has_any: bool, takes_address: bool
) -> None:
    ways = _ways(**said)
    assert (ways.has_any, ways.takes_address) == (has_any, takes_address)


def test_an_address_leads_elsewhere_unless_somebody_has_come_from_there() -> None:
    assert _ways(connections=(WORK, LEADING)).depends_on_address
    assert not _ways(connections=(WORK,)).depends_on_address
    assert not _ways(connections=(LEADING,), waiting=WAITING).depends_on_address


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtime(database_url: str, redis_url: str) -> AsyncIterator[Runtime]:
    async with opened(database_url, redis_url) as made:
        yield made


async def _find(runtime: Runtime, *methods: str) -> WaysIn:
    tenant = await resolve.resolve(runtime, "acme")
    interaction = factories.interaction(tenant.id)
    client = factories.client(organization_id=tenant.id, login_methods=methods)
    return await ways_in.find(runtime, OpenInteraction("u", interaction, tenant, client))


ALL = ("password", "passkey", "magic_link")


async def test_a_way_is_asked_for_and_can_be_had(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No mail is sent here, and at an address instead of a name there are no passkeys."""
    assert await _find(runtime, *ALL) == _ways(password=True)
    able = {"smtp_host": "mail.example", "issuer_base_url": "https://id.example"}
    monkeypatch.setattr(runtime, "settings", runtime.settings.model_copy(update=able))
    assert await _find(runtime, *ALL) == _ways(password=True, passkey=True, magic_link=True)
    assert await _find(runtime, "magic_link") == _ways(magic_link=True)
    assert not (await _find(runtime)).has_any
