"""Outgoing DNS: what is asked, what is taken for an answer, and how long it may take."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from porta.outbound.dns import NotResolved, find_texts
from tests.world.name_server import NameServer, name_server
from tests.world.waiting import stopwatch


@pytest.fixture
def names() -> Iterator[NameServer]:
    with name_server() as running:
        yield running


async def test_each_record_is_one_text(names: NameServer) -> None:
    names.texts["_x.acme.example"] = ["one", "t" * 400]
    found = await find_texts([names.address], "_x.acme.example")
    assert sorted(found) == ["one", "t" * 400]


async def test_a_name_is_absolute_whatever_this_machine_would_add(names: NameServer) -> None:
    assert await find_texts([names.address], "_x.nobody") == ()
    assert names.asked == ["_x.nobody"]


async def test_a_name_without_such_records_has_none(names: NameServer) -> None:
    names.texts["_x.acme.example"] = []
    assert await find_texts([names.address], "_x.acme.example") == ()


async def test_what_is_looked_at_is_bounded(names: NameServer) -> None:
    names.texts["_x.acme.example"] = ["t" * 1100]
    (found,) = await find_texts([names.address], "_x.acme.example")
    assert len(found) == 1024


async def test_a_failure_is_no_answer(names: NameServer) -> None:
    names.refuses.add("_x.acme.example")
    with pytest.raises(NotResolved):
        await find_texts([names.address], "_x.acme.example")


async def test_the_next_one_is_asked_where_one_fails(names: NameServer) -> None:
    names.texts["_x.acme.example"] = ["one"]
    with name_server() as other:
        other.refuses.add("_x.acme.example")
        found = await find_texts([other.address, names.address], "_x.acme.example")
    assert found == ("one",)


async def test_silence_ends(names: NameServer) -> None:
    names.ignores.add("_x.acme.example")
    async with stopwatch() as seconds:
        with pytest.raises(NotResolved):
            await find_texts([names.address], "_x.acme.example", lifetime=0.3)
        assert seconds() < 1.5
