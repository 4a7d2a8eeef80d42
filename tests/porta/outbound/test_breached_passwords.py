"""Breached passwords: found by five digits of a hash; who cannot tell keeps nobody waiting."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from porta.outbound import breached_passwords
from porta.outbound.breached_passwords import BreachedPasswords
from porta.outbound.breaker import THRESHOLD
from porta.outbound.http import Outbound
from tests.world.breaches import RangeApi, range_api

LEAKED = "correct horse battery staple"
ACME = "acme"


@pytest_asyncio.fixture
async def api() -> AsyncIterator[RangeApi]:
    async with range_api([LEAKED]) as running:
        yield running


@pytest_asyncio.fixture
async def outbound() -> AsyncIterator[Outbound]:
    made = Outbound(private_addresses=True)
    yield made
    await made.close()


async def test_five_digits_are_told_and_no_more(api: RangeApi, outbound: Outbound) -> None:
    breached = BreachedPasswords(outbound, api.url.rstrip("/"))
    assert await breached.knows(LEAKED, ACME) is True
    assert await breached.knows("seven green bottles on a wall", ACME) is False
    digest = hashlib.sha1(LEAKED.encode(), usedforsecurity=False).hexdigest().upper()
    head = api.asked[0]
    assert head.startswith(f"GET /range/{digest[:5]} HTTP/1.1\r\n")
    assert "Add-Padding: true" in head
    assert (digest[5:] in head.upper(), LEAKED in head, "porta" in head.lower()) == (
        False, False, False
    )  # fmt: skip


async def test_padding_is_no_leak(api: RangeApi, outbound: Outbound) -> None:
    api.leak("padded out to no number", count=0)
    assert not await BreachedPasswords(outbound, api.url).knows("padded out to no number", ACME)


async def test_an_answer_is_kept_for_a_while_and_few_are(
    api: RangeApi, outbound: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    breached = BreachedPasswords(outbound, api.url, lambda: now[0])
    for later, asked in ((0, 1), (299, 1), (301, 2)):
        now[0] = later
        assert await breached.knows(LEAKED, ACME)
        assert len(api.asked) == asked
    monkeypatch.setattr(breached_passwords, "_MOST", 1)
    await breached.knows("another prefix than that", ACME)
    await breached.knows(LEAKED, ACME)
    assert len(api.asked) == 4, "it was forgotten"


@pytest.mark.parametrize("status", ["500 Error", "404 Not Found", "301 Moved", "429 Too Many"])
async def test_who_does_not_tell_refuses_nobody(
    api: RangeApi, outbound: Outbound, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    api.status = status
    assert await BreachedPasswords(outbound, api.url).knows(LEAKED, ACME) is False
    assert [record.message for record in caplog.records] == ["passwords.breaches_unknown"]
    api.status = "200 OK"
    assert await BreachedPasswords(outbound, api.url).knows(LEAKED, ACME) is True, "nothing is kept"


async def test_who_is_silent_is_waited_for_a_second_and_then_left_alone(
    api: RangeApi, outbound: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.after = 30
    breached, began = BreachedPasswords(outbound, api.url), time.monotonic()
    with monkeypatch.context() as soon:
        soon.setattr(breached_passwords, "SECONDS", 0.1)
        for _ in range(THRESHOLD + 2):
            assert await breached.knows(LEAKED, ACME) is False
    assert time.monotonic() - began < 20
    assert len(api.asked) <= THRESHOLD
    api.after = 0
    assert await breached.knows(LEAKED, "globex"), "each organization finds out by itself"


async def test_none_at_a_private_address_is_asked_unless_that_is_allowed(api: RangeApi) -> None:
    outbound = Outbound(private_addresses=False)
    assert await BreachedPasswords(outbound, api.url).knows(LEAKED, ACME) is False
    assert api.asked == []
    await outbound.close()
