"""Write-behind queue: everything that waits is written, one after the other, or lost and told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from porta.outbox.write_behind import WriteBehind

REQUEST: ContextVar[str] = ContextVar("REQUEST", default="none")


class Queue:
    """A queue of numbers, whose writer takes a turn of the event loop for each."""

    def __init__(self) -> None:
        self.due: deque[int] = deque()
        self.written: list[int] = []
        self.contexts: set[str] = set()
        self.failures: list[BaseException] = []
        self.writer = WriteBehind(self.due, self._write, self.failures.append)

    def put(self, *numbers: int) -> None:
        self.due.extend(numbers)
        self.writer.start()

    async def _write(self) -> None:
        self.contexts.add(REQUEST.get())
        while self.due:
            number = self.due.popleft()
            await asyncio.sleep(0)
            if number < 0:
                raise ValueError(number)
            self.written.append(number)

    async def until_idle(self) -> None:
        while not self.writer.is_idle:
            await asyncio.sleep(0)


@pytest.fixture
def queue() -> Iterator[Queue]:
    token = REQUEST.set("one")
    yield Queue()
    REQUEST.reset(token)


async def test_what_waits_is_written_by_one_task_in_no_requests_context(queue: Queue) -> None:
    before = asyncio.all_tasks()
    for number in range(5):
        queue.put(number)
    assert len(asyncio.all_tasks() - before) == 1
    await queue.until_idle()
    assert queue.written == [0, 1, 2, 3, 4]
    assert queue.contexts == {"none"}


async def test_what_comes_between_the_last_look_and_the_end_is_written(queue: Queue) -> None:
    before = asyncio.all_tasks()
    queue.put(1)
    (writer,) = asyncio.all_tasks() - before
    while not writer.done():
        await asyncio.sleep(0)  # in every turn of the loop, also the one before it is told
    queue.put(2)
    await queue.until_idle()
    assert queue.written == [1, 2]


async def test_a_failure_loses_what_waits_and_is_told_and_the_next_is_written(queue: Queue) -> None:
    queue.put(1, -1, 2)
    await queue.until_idle()
    assert (queue.written, [str(each) for each in queue.failures]) == ([1], ["-1"])
    queue.put(3)
    await queue.until_idle()
    assert queue.written == [1, 3]


async def test_the_end_finishes_what_is_under_way_and_forgets_the_others(queue: Queue) -> None:
    queue.put(1, 2)
    await asyncio.sleep(0)  # the first is under way
    await queue.writer.close()
    assert (queue.written, queue.writer.is_idle) == ([1], True)
    await Queue().writer.close()
