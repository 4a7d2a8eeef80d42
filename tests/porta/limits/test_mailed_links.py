"""Limits of mailed links: no network uses up all that are mailed to somebody (F.7)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from porta.limits import mailed_links
from porta.limits.mailed_links import _of_mailed_link
from porta.limits.origin import Origin
from porta.limits.rate_limits import Throttled
from porta.runtime import Runtime
from porta.tenants import resolve
from tests import factories
from tests.world.runtime import opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtime(database_url: str) -> AsyncIterator[Runtime]:
    async with opened(database_url, None) as made:
        yield made


async def _asks(runtime: Runtime, what: str, email: str, address: str) -> bool:
    tenant = await resolve.resolve(runtime, "acme")
    try:
        await mailed_links.count(runtime, tenant, what, email, Origin(address))
    except Throttled:
        return False
    return True


@pytest.mark.parametrize("what", ["magic_link", "password_reset"])
@pytest.mark.parametrize(
    ("stranger", "neighbours", "owner"),
    [
        ("192.0.2.7", ("192.0.2.7",), "192.0.2.8"),
        ("2001:db8:7:1::1", ("2001:db8:7:1::2", "2001:db8:7:2::1", "2001:db8:7:ff00::1"),
         "2001:db8:8::1"),
    ],
    ids=["IPv4", "IPv6"],
)  # fmt: skip
async def test_F7_a_network_has_so_many_of_an_address_in_a_day_and_its_owner_the_rest(
    runtime: Runtime, what: str, stranger: str, neighbours: tuple[str, ...], owner: str
) -> None:
    email = f"{factories.new_id()}@acme.example"
    tenant = await resolve.resolve(runtime, "acme")
    asked = _of_mailed_link(tenant, what, email, stranger)
    day = asked.pair[-1].most
    assert all(each.most < day for each in asked.address)
    spent = 0
    # As in the windows of a day, one after the other: from one block, then from those around it.
    for each in (stranger, *neighbours):
        limits = _of_mailed_link(tenant, what, email, each).address
        while await runtime.storage.counters.spend(asked.slot, limits) is None:
            spent += 1
            assert spent < day, "all that the address has"
    assert spent > day // 5, "more than at once"
    for each in (stranger, *neighbours):
        assert not await _asks(runtime, what, email, each)
    assert await _asks(runtime, what, email, owner)


async def test_F7_a_browser_that_signed_in_before_is_no_network(runtime: Runtime) -> None:
    tenant = await resolve.resolve(runtime, "acme")
    known = _of_mailed_link(tenant, "magic_link", "a@acme.example", "192.0.2.7", "browser")
    assert not known.address
