"""Configuration in memory: fresh, shared, forgotten at once, and old only where nothing else is."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextvars import ContextVar
from math import inf

import pytest

from porta.config import cache as config_cache
from porta.config.cache import _BATCH, _REFRESH_WAIT, ConfigCache
from storage.errors import Unreachable
from tests.world.waiting import eventually


class Source:
    """What is asked for: counts its readers, and can be held up or fail."""

    def __init__(self) -> None:
        self.values: dict[str, str | None] = {}
        self.asked: Counter[str] = Counter()
        self.batches: list[int] = []
        self.open = asyncio.Event()
        self.open.set()
        self.error: Exception | None = None
        self.now = 1000.0
        self.max_age = 60.0

    async def load(self, keys: Sequence[str]) -> dict[str, str | None]:
        self.asked.update(keys)
        self.batches.append(len(keys))
        values = {key: self.values.get(key) for key in keys}
        await self.open.wait()
        if self.error is not None:
            raise self.error
        return values

    def cache(self, limit: int = 10_000, stale_for: float = 600.0) -> ConfigCache[str, str | None]:
        return ConfigCache(
            self.load,
            max_age=lambda: self.max_age,
            clock=lambda: self.now,
            limit=limit,
            stale_for=stale_for,
        )


@pytest.fixture
def source() -> Source:
    made = Source()
    made.values["a"] = "first"
    return made


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody is silent, nobody is given up: the machine may be slow."""
    monkeypatch.setattr(config_cache, "_REFRESH_WAIT", 30.0)


async def test_a_fresh_value_is_not_asked_for_again(source: Source) -> None:
    cache = source.cache()
    assert cache.peek("a") is None
    assert [await cache.get("a") for _ in range(3)] == ["first"] * 3
    assert cache.peek("a") == "first"
    assert source.asked == {"a": 1}


async def test_it_is_asked_for_again_when_it_is_old(source: Source) -> None:
    cache = source.cache()
    await cache.get("a")
    source.values["a"] = "second"
    source.now += 53
    assert await cache.get("a") == "first", "jitter takes a tenth at most"
    source.now += 7
    assert cache.peek("a") is None
    assert await cache.get("a") == "second"


async def test_the_age_is_that_of_this_moment(source: Source) -> None:
    """An instance that no longer hears of changes trusts what it has for a second."""
    cache = source.cache()
    await cache.get("a")
    source.now += 2
    assert cache.peek("a") == "first"
    source.max_age = 1.0
    assert cache.peek("a") is None


async def test_callers_share_one_read(source: Source) -> None:
    cache = source.cache()
    source.open.clear()
    callers = [asyncio.create_task(cache.get("a")) for _ in range(50)]
    await asyncio.sleep(0.001)
    source.open.set()
    assert await asyncio.gather(*callers) == ["first"] * 50
    assert source.asked == {"a": 1}


async def test_a_caller_who_leaves_does_not_take_the_read_along(source: Source) -> None:
    cache = source.cache()
    source.open.clear()
    first, second = asyncio.create_task(cache.get("a")), asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0.001)
    first.cancel()
    source.open.set()
    assert await second == "first"


async def test_a_read_that_began_before_a_change_is_not_kept(source: Source) -> None:
    for forget in ("drop", "clear", "expire"):
        cache = source.cache()
        source.values["a"] = "first"
        source.open.clear()
        early = asyncio.create_task(cache.get("a"))
        await asyncio.sleep(0.001)
        source.values["a"] = "second"
        source.now += 1
        cache.drop("a") if forget == "drop" else getattr(cache, forget)()
        source.open.set()
        assert await early == "first"
        assert cache.peek("a") is None, forget
        assert await cache.get("a") == "second", forget


async def test_what_is_absent_is_remembered_too(source: Source) -> None:
    cache = source.cache()
    assert await cache.get("nobody") is None
    assert await cache.get("nobody") is None
    assert source.asked["nobody"] == 1
    source.values["nobody"] = "somebody"
    cache.drop("nobody")
    assert await cache.get("nobody") == "somebody"


async def test_what_went_away_is_gone(source: Source) -> None:
    """Also where the old value could still serve: it is known to be over."""
    cache = source.cache()
    await cache.get("a")
    source.values["a"] = None
    source.now += 61
    assert await cache.get("a") is None
    source.now += 61
    source.error = Unreachable("away")
    assert await cache.get("a") is None
    source.error, source.values["a"] = None, "back"
    source.now += 61
    assert await cache.get("a") == "back"
    assert cache.peek("a") == "back"


async def test_strangers_do_not_push_out_what_exists(source: Source) -> None:
    cache = source.cache(limit=100)
    await cache.get("a")
    for number in range(500):
        await cache.get(f"nobody-{number}")
    assert cache.peek("a") == "first"
    assert len(cache._absent) <= 10, "and they are few"


async def test_memory_is_bounded(source: Source) -> None:
    cache = source.cache(limit=20)
    source.values |= {f"b{number}": "x" for number in range(100)}
    for key in source.values:
        await cache.get(key)
    assert len(cache._entries) <= 20
    assert cache.peek("b99") == "x"
    assert not cache._flights


@pytest.mark.parametrize("error", [Unreachable("away"), ValueError("a bug")])
async def test_without_an_older_value_the_error_is_told(source: Source, error: Exception) -> None:
    cache = source.cache()
    source.error = error
    with pytest.raises(type(error)):
        await cache.get("a")
    source.error = None
    assert await cache.get("a") == "first", "and it is not remembered"


async def test_an_older_value_serves_while_the_source_is_away(source: Source) -> None:
    cache = source.cache()
    await cache.get("a")
    source.error = Unreachable("away")
    source.now += 120
    assert await cache.get("a") == "first"
    source.now += 600
    with pytest.raises(Unreachable):
        await cache.get("a")


@pytest.mark.parametrize(
    ("key", "error", "logged"),
    [
        ("a", Unreachable("away"), ("a", "Unreachable: away")),
        ("", Unreachable("away"), ("snapshot", "Unreachable: away")),
        ("", TimeoutError(), ("snapshot", "TimeoutError")),
    ],
)
async def test_the_log_tells_what_is_old_and_why(
    source: Source,
    caplog: pytest.LogCaptureFixture,
    key: str,
    error: Exception,
    logged: tuple[str, str],
) -> None:
    cache = source.cache()
    source.values[key] = "first"
    await cache.get(key)
    source.error = error
    source.now += 120
    assert await cache.get(key) == "first"
    (record,) = caplog.records
    assert record.message == "config.stale"
    assert (record.__dict__["key"], record.__dict__["error"]) == logged


async def test_an_older_value_may_serve_without_end(source: Source) -> None:
    cache = source.cache(stale_for=inf)
    await cache.get("a")
    source.error = Unreachable("away")
    source.now += 1_000_000
    assert await cache.get("a") == "first"


async def test_a_read_is_in_no_callers_context(source: Source) -> None:
    """It outlives the request that began it: the log must not name that one."""
    whose: ContextVar[str] = ContextVar("whose", default="nobody's")
    seen: list[str] = []

    async def load(keys: Sequence[str]) -> dict[str, str]:
        seen.append(whose.get())
        return dict.fromkeys(keys, "value")

    whose.set("the caller's")
    cache = ConfigCache(load, max_age=lambda: 60.0, clock=lambda: 0.0)
    assert (await cache.get("a"), seen) == ("value", ["nobody's"])


async def test_an_older_value_serves_soon_while_the_source_is_silent(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config_cache, "_REFRESH_WAIT", _REFRESH_WAIT)
    cache = source.cache()
    await cache.get("a")
    source.now += 120
    source.open.clear()
    assert await cache.get("a") == "first"
    later = asyncio.create_task(cache.get("a"))
    for _ in range(3):
        await asyncio.sleep(0)
    assert later.done(), "who comes later does not wait again"
    assert later.result() == "first"
    source.values["a"] = "second"
    source.open.set()
    await asyncio.sleep(0.01)


async def test_where_nothing_old_may_serve_the_source_decides(source: Source) -> None:
    cache = source.cache(stale_for=0.0)
    await cache.get("a")
    source.error = Unreachable("away")
    assert await cache.get("a") == "first", "while it is fresh"
    source.now += 61
    with pytest.raises(Unreachable):
        await cache.get("a")
    source.error, source.values["a"] = None, None
    assert await cache.get("a") is None


async def test_after_a_silence_everything_is_asked_for_again(source: Source) -> None:
    cache = source.cache()
    await cache.get("a")
    await cache.get("nobody")
    source.now += 1
    cache.expire()
    source.values |= {"a": "second", "nobody": "somebody"}
    assert cache.peek("a") is None
    assert await cache.get("a") == "second"
    assert await cache.get("nobody") == "somebody"
    assert cache.peek("a") == "second"


async def test_after_a_silence_the_old_serves_where_the_new_is_not_to_be_had(
    source: Source,
) -> None:
    cache = source.cache()
    await cache.get("a")
    source.now += 1
    cache.expire()
    source.error = Unreachable("away")
    assert await cache.get("a") == "first"
    cache.clear()
    with pytest.raises(Unreachable):
        await cache.get("a")


# read anew behind the backs of whoever asks


async def _refreshed(source: Source, *batches: int) -> None:
    """Wait until so many keys have been asked for at a time, after what was asked before."""

    async def done() -> bool:
        return tuple(source.batches[-len(batches) :]) == batches

    await eventually(done)
    await asyncio.sleep(0.01)


async def test_growth_nobody_waits_for_what_is_asked_for_once_a_minute(source: Source) -> None:
    """Of 1,000 tenants each; what is due is read a hundred at a time."""
    cache = source.cache()
    tenants = [f"tenant-{number}" for number in range(1000)]
    source.values |= dict.fromkeys(tenants, "first")
    for key in tenants:
        await cache.get(key)
    for minute in range(3):
        source.batches.clear()
        source.now += 50
        source.values |= dict.fromkeys(tenants, f"read in minute {minute}")
        assert all(cache.peek(key) is not None for key in tenants)
        await _refreshed(source, *[_BATCH] * 10)
        assert source.batches == [_BATCH] * 10
        assert {cache.peek(key) for key in tenants} == {f"read in minute {minute}"}


async def test_growth_what_nobody_asks_for_is_not_read_anew(source: Source) -> None:
    cache = source.cache()
    source.values["b"] = "first"
    await cache.get("a")
    await cache.get("b")
    source.now += 50
    assert cache.peek("a") == "first"
    await _refreshed(source, 1, 1, 1)
    assert source.asked == {"a": 2, "b": 1}


async def test_growth_an_entry_serves_no_longer_than_before(source: Source) -> None:
    """However often it is asked for while it cannot be read anew."""
    cache = source.cache(stale_for=0.0)
    await cache.get("a")
    source.error = Unreachable("away")
    for _ in range(5):
        source.now += 9
        assert cache.peek("a") == "first"
        await asyncio.sleep(0)
    await _refreshed(source, 1, 1)
    source.now += 15
    assert cache.peek("a") is None
    with pytest.raises(Unreachable):
        await cache.get("a")


async def test_growth_nobody_is_told_what_was_asked_for_too_long_ago(source: Source) -> None:
    """Who comes while a slow read is under way may have come after a change."""
    source.max_age = 1.0
    cache = source.cache()
    source.open.clear()
    early = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0.001)
    source.now += 0.5
    soon = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0.001)
    source.now += 0.5
    source.values["a"] = "second"
    late = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0.001)
    source.open.set()
    assert [await each for each in (early, soon, late)] == ["first", "first", "second"]
    assert source.asked == {"a": 2}
    assert cache.peek("a") == "second"


async def test_growth_a_slow_read_is_as_old_as_its_question(source: Source) -> None:
    """An instance that is deaf may be wrong for a second, and not for as long as a read takes."""
    source.max_age = 1.0
    cache = source.cache()
    source.open.clear()
    early = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0.001)
    source.now += 2
    source.open.set()
    assert await early == "first"
    assert cache.peek("a") is None


@pytest.mark.parametrize("forget", ["drop", "clear", "expire"])
async def test_growth_a_refresh_that_began_before_a_change_is_not_kept(
    source: Source, forget: str
) -> None:
    cache = source.cache()
    await cache.get("a")
    source.now += 50
    source.open.clear()
    assert cache.peek("a") == "first"
    await _refreshed(source, 1, 1)
    source.values["a"] = "second"
    source.now += 1
    cache.drop("a") if forget == "drop" else getattr(cache, forget)()
    source.open.set()
    await asyncio.sleep(0.01)
    assert cache.peek("a") is None
    assert await cache.get("a") == "second"


async def test_growth_a_refresh_is_shared_by_whoever_finds_its_entry_old(source: Source) -> None:
    cache = source.cache()
    await cache.get("a")
    source.now += 50
    source.open.clear()
    assert cache.peek("a") == "first"
    await _refreshed(source, 1, 1)
    source.now += 20
    source.values["a"] = "second"
    late = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0.001)
    source.open.set()
    assert await late == "first", "as it was read"
    assert source.asked == {"a": 2}
