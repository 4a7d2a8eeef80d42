"""Start-up in any order of PostgreSQL and Redis."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from storage.errors import Refused, Unreachable
from storage.models.artifact import Home, home_of
from storage.router import Storage
from tests import factories
from tests.storage.redis.trouble import STATES, State, stopped
from tests.world.ports import free_port
from tests.world.relay import relay
from tests.world.valkey import Valkey
from tests.world.waiting import eventually

A = str(uuid4())


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_faults_F2_a_server_starts_with_redis_away_and_takes_it_up_when_it_comes(
    database_url: str, own_redis: Valkey, state: State, caplog: pytest.LogCaptureFixture
) -> None:
    make = partial(factories.code, A)
    with state(own_redis):
        with caplog.at_level(logging.WARNING, "storage"):
            storage = await Storage.open(database_url, own_redis.url)
        assert home_of(await storage.artifacts.create(make, 60)) is Home.POSTGRES
        (said,) = [record for record in caplog.records if record.getMessage() == "redis.away"]
        place, reason = (getattr(said, name) for name in ("place", "reason"))
        assert place == f"Redis at 127.0.0.1:{own_redis.port}"
        assert reason
        assert own_redis.password not in place + reason

    async def taken_up() -> bool:
        return storage.redis_trouble is None

    await eventually(taken_up, 30.0)
    assert home_of(await storage.artifacts.create(make, 60)) is Home.REDIS
    await storage.close()


async def test_a_redis_that_was_never_there_is_told_by_its_place(database_url: str) -> None:
    port = free_port()
    storage = await Storage.open(database_url, f"redis://:s3cret@127.0.0.1:{port}")
    trouble = storage.redis_trouble
    assert trouble is not None
    assert f"Redis at 127.0.0.1:{port} does not answer" in trouble.reason
    assert "s3cret" not in trouble.reason
    await storage.close()


async def test_a_wrong_password_is_told_at_the_start(database_url: str, own_redis: Valkey) -> None:
    with pytest.raises(Refused, match="wrong user or password") as refused:
        await Storage.open(database_url, f"redis://:not-the-passw0rd@127.0.0.1:{own_redis.port}")
    assert "passw0rd" not in str(refused.value)
    with pytest.raises(Refused, match="asks for a password"):
        await Storage.open(database_url, f"redis://127.0.0.1:{own_redis.port}")


async def test_faults_F11_a_password_where_redis_has_none_says_what_to_do(
    database_url: str, tmp_path: Path
) -> None:
    server = Valkey(tmp_path)
    server.options = ("--requirepass", "")
    server.start()
    with pytest.raises(Refused, match="Take it out of the URL"):
        await Storage.open(database_url, server.url)
    server.stop()


async def test_a_number_of_no_database_is_told_at_the_start(
    database_url: str, own_redis: Valkey
) -> None:
    with pytest.raises(Refused, match="no database of this number"):
        await Storage.open(database_url, f"{own_redis.url}/9999")


async def test_a_password_that_is_wrong_later_stops_nothing(
    database_url: str, own_redis: Valkey
) -> None:
    with stopped(own_redis):
        wrong = f"redis://:not-the-passw0rd@127.0.0.1:{own_redis.port}"
        storage = await Storage.open(database_url, wrong)

    async def says_so() -> bool:
        trouble = storage.redis_trouble
        return trouble is not None and "WRONGPASS" in trouble.reason

    await eventually(says_so, 30.0)
    assert home_of(await storage.artifacts.create(partial(factories.code, A), 60)) is Home.POSTGRES
    await storage.close()


async def test_postgresql_is_waited_for_and_what_is_waited_for_is_told(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with relay(database_url) as (wire, url):
        wire.silence()
        with caplog.at_level(logging.WARNING, "storage"):
            opening = asyncio.create_task(Storage.open(url, patience=120))

            async def told() -> bool:
                return "postgres.awaited" in [record.getMessage() for record in caplog.records]

            await eventually(told, 30.0)
        assert not opening.done()
        wire.restore()
        storage = await opening
        await storage.now()
        await storage.close()
    (said, *_) = [each for each in caplog.records if each.getMessage() == "postgres.awaited"]
    assert "PostgreSQL at 127.0.0.1" in said.reason  # type: ignore[attr-defined]


async def test_it_is_waited_for_no_longer_than_that() -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(Unreachable):
        await Storage.open(url, patience=1.2)
    assert loop.time() - began >= 0.5
    with pytest.raises(Unreachable):
        await Storage.open(url)


async def test_who_stops_waiting_leaves_nothing_behind(own_redis: Valkey) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"

    async def stop_waiting() -> None:
        opening = asyncio.create_task(Storage.open(url, own_redis.url, patience=120))
        await asyncio.sleep(0.1)
        opening.cancel()
        await asyncio.wait([opening])
        await eventually(none_left)

    async def none_left() -> bool:
        return asyncio.all_tasks() == {asyncio.current_task()}

    # In a loop of its own: in that of the tests others may begin something meanwhile.
    await asyncio.to_thread(asyncio.run, stop_waiting())


async def test_faults_F9_how_long_redis_is_waited_for_can_be_set(
    database_url: str, own_redis: Valkey
) -> None:
    """A Redis that is far away: too slow by default, and of use to whoever has the time."""
    make = partial(factories.code, A)
    async with relay(own_redis.url) as (wire, url):
        wire.delay = 0.3
        patient = await Storage.open(database_url, url, redis_deadline=20)
        assert patient.redis_trouble is None
        assert home_of(await patient.artifacts.create(make, 60)) is Home.REDIS
        hasty = await Storage.open(database_url, url)
        assert hasty.redis_trouble is not None
        assert home_of(await hasty.artifacts.create(make, 60)) is Home.POSTGRES
        await patient.close()
        await hasty.close()
