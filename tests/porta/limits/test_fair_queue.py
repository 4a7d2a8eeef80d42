"""Places before a pool of threads: the greedy one is refused, not the newcomer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from porta.errors import Unavailable
from porta.limits.fair_queue import Asker, FairQueue


class House:
    """A queue whose only worker is held until the gate opens, and what it did, in order."""

    def __init__(self, waiting: int) -> None:
        self.queue = FairQueue(workers=1, waiting=waiting, name="test")
        self.gate = threading.Event()
        self.done: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, name: str, tenant: str = "a", block: str = "") -> None:
        """Ask for a place; `block` is one of its own unless given."""
        work = self.queue.run(lambda: self._work(name), Asker(tenant, block or f"block of {name}"))
        self.tasks[name] = asyncio.create_task(work)

    async def settled(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def refused(self) -> set[str]:
        """Return who was refused so far."""
        await self.settled()
        return {
            name
            for name, task in self.tasks.items()
            if task.done() and not task.cancelled() and isinstance(task.exception(), Unavailable)
        }

    async def finish(self) -> None:
        """Open the gate, and wait for everybody."""
        self.gate.set()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)

    def _work(self, name: str) -> None:
        assert self.gate.wait(60)
        self.done.append(name)


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    made = House(waiting=65)
    yield made
    await made.finish()
    made.queue.close()


async def test_security_3_an_address_block_has_a_few_of_the_places(house: House) -> None:
    """90 threads of one /64, at two organizations, then somebody else."""
    for number in range(90):
        house.begin(f"flood-{number}", "ab"[number % 2], "the flood's /64")
    assert len(await house.refused()) == 57, "half of the places are for others"
    for number in range(33):
        house.begin(f"honest-{number}")
    assert len(await house.refused()) == 57
    house.begin("one more of the flood", "c", "the flood's /64")
    assert "one more of the flood" in await house.refused()
    house.begin("one more of the others", "d")
    refused = await house.refused()
    assert len(refused) == 59
    assert not {name for name in refused if name.startswith("honest")}, "the flood makes room"
    await house.finish()
    assert {f"honest-{n}" for n in range(33)} <= set(house.done)


async def test_security_3_an_honest_one_does_not_wait_for_a_flood(house: House) -> None:
    """At the same organization as well: blocks take turns."""
    for number in range(33):
        house.begin(f"flood-{number}", "a", "the flood's /64")
    await house.settled()
    house.begin("honest")
    await house.finish()
    assert house.done.index("honest") <= 2


async def test_security_3_one_address_alone_may_have_more_than_its_share(house: House) -> None:
    """An office behind one address, while nobody else is there."""
    for number in range(33):
        house.begin(str(number), "a", "the office")
    assert await house.refused() == set()


async def test_security_3_a_newcomer_takes_a_place_of_the_tenant_that_has_most(
    house: House,
) -> None:
    for number in range(66):
        house.begin(f"busy-{number}", "busy")
    assert await house.refused() == set()
    for number in range(10):
        house.begin(f"small-{number}", "small")
    assert await house.refused() == {f"busy-{n}" for n in range(56, 66)}, "its newest ones"
    house.begin("one more of the busy", "busy")
    assert "one more of the busy" in await house.refused()
    await house.finish()
    assert {f"small-{n}" for n in range(10)} <= set(house.done)


async def test_security_3_a_newcomer_takes_a_place_of_the_block_that_has_most(
    house: House,
) -> None:
    for number in range(66):
        house.begin(f"guess-{number}", "a", f"block {number % 17}")
    house.begin("the owner", "a")
    refused = await house.refused()
    assert len(refused) == 1
    assert refused <= {f"guess-{n}" for n in range(66)}
    await house.finish()
    assert "the owner" in house.done


async def test_security_3_where_all_have_as_much_the_last_one_is_refused(house: House) -> None:
    for number in range(66):
        house.begin(str(number), f"tenant {number}")
    house.begin("one more", "tenant of its own")
    assert await house.refused() == {"one more"}


async def test_security_3_tenants_take_turns(house: House) -> None:
    for number in range(6):
        house.begin(f"a{number}", "a")
    await house.settled()
    for number in range(2):
        house.begin(f"b{number}", "b")
    house.begin("c0", "c")
    await house.settled()
    await house.finish()
    assert house.done[:6] == ["a0", "a1", "b0", "c0", "a2", "b1"]


async def test_what_is_refused_is_refused_before_any_work(house: House) -> None:
    for number in range(66):
        house.begin(str(number), f"tenant {number}", "" if number else "block")
    await house.settled()
    with pytest.raises(Unavailable) as caught:
        house.queue.check_room(Asker("of its own", "new"))
    assert caught.value.retry_after == 1
    await house.finish()
    house.queue.check_room(Asker("of its own", "new"))
    assert len(house.done) == 66


async def test_porta_itself_has_every_place(house: House) -> None:
    tasks = [asyncio.create_task(house.queue.run(lambda: None, Asker())) for _ in range(66)]
    await house.settled()
    house.gate.set()
    await asyncio.gather(*tasks)


async def test_whoever_goes_away_gives_up_a_place_in_the_line(house: House) -> None:
    for number in range(33):
        house.begin(str(number), "a", "block")
    await house.settled()
    house.tasks["2"].cancel()
    await house.settled()
    house.begin("another", "a", "block")
    assert await house.refused() == set()
    house.tasks["0"].cancel()  # it runs, and keeps its place
    await house.settled()
    house.begin("one too many", "a", "block")
    assert await house.refused() == {"one too many"}
    await house.finish()
    assert house.done == ["0", "1", *(str(n) for n in range(3, 33)), "another"]


async def test_who_waits_when_it_closes_is_refused() -> None:
    house = House(waiting=65)
    for number in range(3):
        house.begin(str(number))
    await house.settled()
    house.gate.set()
    house.queue.close()
    assert await house.refused() == {"1", "2"}
    await asyncio.wait_for(house.tasks["0"], 30)
    assert house.done == ["0"]
    with pytest.raises(Unavailable, match="stopping"):
        house.queue.check_room(Asker())


async def test_every_place_is_given_back_after_a_storm(house: House) -> None:
    house.gate.set()
    for number in range(400):
        house.begin(str(number), f"tenant {number % 7}", f"block {number % 50}")
        if number % 9 == 0:
            await house.settled()
            house.tasks[str(number)].cancel()
    await house.finish()
    for number in range(66):
        house.queue.check_room(Asker(f"tenant {number % 7}", f"block {number % 50}"))
    assert not house.queue._tenants
    assert not house.queue._blocks
