"""Changes of configuration, heard on every instance."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from storage.postgres.driver import Postgres
from storage.postgres.notifications import HEARTBEAT, PATIENCE, SECOND_LOOK, NotificationListener
from storage.postgres.statement import Row
from tests.world.relay import relay
from tests.world.rows import World, build_world
from tests.world.waiting import eventually

Heard = list[tuple[str, str]]


@pytest_asyncio.fixture
async def listener(database_url: str) -> AsyncIterator[tuple[Postgres, Heard]]:
    """An instance that listens, and what it has heard since it began to."""
    heard: Heard = []
    postgres = await Postgres.open(database_url, 1)
    postgres.listen(lambda table, key: heard.append((table, key)))
    await _until(lambda: postgres.listening)
    heard.clear()
    yield postgres, heard
    await postgres.close()


@pytest_asyncio.fixture
async def world(pg: Postgres) -> World:
    return await build_world(pg)


@pytest.fixture
def become_impatient(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what gives listeners the time that they have outside the tests, and no more."""
    return lambda: monkeypatch.setattr("storage.postgres.notifications.PATIENCE", PATIENCE)


async def _until(condition: Callable[[], object], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def _drain(pg: Postgres, heard: Heard) -> Heard:
    """Return what was heard up to now: notifications arrive in the order of the commits."""
    await pg.execute("SELECT pg_notify('porta_changed', 'test:end')")
    await _until(lambda: ("test", "end") in heard)
    heard.remove(("test", "end"))
    return heard


async def test_listening_is_proven_before_it_is_claimed(database_url: str) -> None:
    heard: Heard = []
    postgres = await Postgres.open(database_url, 1)
    assert not postgres.listening
    postgres.listen(lambda table, key: heard.append((table, key)))
    assert not postgres.listening
    await _until(lambda: postgres.listening)
    assert heard == [("*", "")]
    await postgres.close()
    assert not postgres.listening
    assert heard == [("*", ""), ("*", "")]


async def test_listening_takes_no_connection_of_the_pool_and_no_round_trip(
    listener: tuple[Postgres, Heard],
) -> None:
    postgres, _ = listener
    assert postgres.round_trips == 0
    async with postgres.connection() as held:
        await held.fetch("SELECT 1")
        assert postgres.listening


_CHANGES = [
    (
        "UPDATE organizations SET name = 'B' WHERE id = %(organization)s",
        [("organizations", "{slug}")],
    ),
    (
        "UPDATE organizations SET slug = slug || '2' WHERE id = %(organization)s",
        [("organizations", "{slug}2"), ("organizations", "{slug}")],
    ),
    (
        "UPDATE clients SET status = 'inactive' WHERE id = %(client)s",
        [("clients", "{client_id}")],
    ),
    (
        "INSERT INTO client_secrets (client_id, secret_hash) VALUES (%(client)s, 'x')",
        [("client_secrets", "{client_id}")],
    ),
    ("DELETE FROM clients WHERE id = %(client)s", [("clients", "{client_id}")]),
    (
        "UPDATE applications SET status = 'inactive' WHERE id = %(application)s",
        [("applications", "")],
    ),
    (
        "INSERT INTO custom_claim_definitions (application_id, claim_name)"
        " VALUES (%(application)s, 'department')",
        [("custom_claim_definitions", "")],
    ),
    (
        "INSERT INTO api_resources (organization_id, identifier, name)"
        " VALUES (%(organization)s, 'https://api.example.com', 'API')",
        [("api_resources", "{organization}")],
    ),
    (
        "INSERT INTO system_config (key, value) VALUES (%(client)s, '1')",
        [("system_config", "{client}")],
    ),
    (
        "INSERT INTO signing_keys (kid, public_key, private_key) VALUES (%(client)s, '', '')",
        [("signing_keys", "{client}")],
    ),
    ("UPDATE users SET login_count = 1 WHERE id = %(user)s", []),
]


@pytest.mark.parametrize(("sql", "expected"), _CHANGES)
async def test_a_change_is_heard(
    pg: Postgres, listener: tuple[Postgres, Heard], world: World, sql: str, expected: Heard
) -> None:
    names = {
        "organization": world.organization.id,
        "application": world.application.id,
        "client": world.client.id,
        "user": world.user.id,
        "slug": world.organization.slug,
        "client_id": world.client.client_id,
    }
    heard = listener[1]
    await _drain(pg, heard)
    heard.clear()
    await pg.execute(sql, names)
    assert await _drain(pg, heard) == [(table, key.format(**names)) for table, key in expected]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("last_used_at = now(), label = 'x'", False),
        ("status = 'revoked'", True),
        ("expires_at = now()", True),
        ("secret_sha256 = 'y'", True),
    ],
)
async def test_a_secret_that_is_used_is_no_news_but_one_that_is_revoked_is(
    pg: Postgres, listener: tuple[Postgres, Heard], world: World, change: str, told: bool
) -> None:
    await pg.execute(
        "INSERT INTO client_secrets (client_id, secret_hash) VALUES (%(id)s, 'x')",
        {"id": world.client.id},
    )
    heard = listener[1]
    await _drain(pg, heard)
    heard.clear()
    await pg.execute(
        f"UPDATE client_secrets SET {change} WHERE client_id = %(id)s", {"id": world.client.id}
    )
    expected = [("client_secrets", world.client.client_id)] if told else []
    assert await _drain(pg, heard) == expected


async def test_what_is_rolled_back_is_not_heard(
    pg: Postgres, listener: tuple[Postgres, Heard], world: World
) -> None:
    heard = listener[1]
    await _drain(pg, heard)
    heard.clear()
    with contextlib.suppress(ZeroDivisionError):
        async with pg.transaction() as tx:
            await tx.execute(
                "UPDATE clients SET status = 'revoked' WHERE id = %(id)s", {"id": world.client.id}
            )
            raise ZeroDivisionError
    assert await _drain(pg, heard) == []


async def test_a_lost_connection_is_told_and_replaced(
    pg: Postgres, listener: tuple[Postgres, Heard]
) -> None:
    postgres, heard = listener
    await _drain(pg, heard)
    heard.clear()
    await pg.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND query LIKE '%%porta_changed%%'"
        " AND pid <> pg_backend_pid() AND application_name = 'porta'"
    )
    await _until(lambda: heard == [("*", ""), ("*", "")])  # lost, and hearing again
    assert postgres.listening


async def test_a_connection_that_hears_nothing_is_found_out(
    database_url: str, become_impatient: Callable[[], None]
) -> None:
    """A proxy that takes LISTEN and passes no notification on, say."""
    become_impatient()
    postgres = await Postgres.open(database_url, 1)
    heard: Heard = []
    async with postgres.connection() as held:

        class Deaf:
            dropped = 0

            async def run(self, sql: str, parameters: dict[str, str] | None = None) -> None:
                await held.fetch("SELECT 1")

            def rows(self) -> list[Row]:
                return [("off",)]

            async def next_notification(self) -> str:
                await asyncio.Event().wait()
                return ""

            def drop(self) -> None:
                Deaf.dropped += 1

        async def connect() -> Deaf:
            return Deaf()

        listener = NotificationListener(connect, lambda *change: heard.append(change))
        await _until(lambda: Deaf.dropped)
        assert not listener.listening
        assert heard == []
        await listener.close()
    await postgres.close()


async def test_a_connection_that_never_answers_is_found_out(
    become_impatient: Callable[[], None],
) -> None:
    """Also before it listens: nobody would hear of anything, and nobody be told."""
    become_impatient()
    dropped = 0

    class Mute:
        async def run(self, sql: str, parameters: dict[str, str] | None = None) -> None:
            await asyncio.Event().wait()

        def rows(self) -> list[Row]:
            return [("off",)]

        async def next_notification(self) -> str:
            await asyncio.Event().wait()
            return ""

        def drop(self) -> None:
            nonlocal dropped
            dropped += 1

    async def connect() -> Mute:
        return Mute()

    listener = NotificationListener(connect, lambda *_: None)
    await _until(lambda: dropped > 1)
    await listener.close()


async def test_a_connection_that_falls_silent_is_told(
    database_url: str, become_impatient: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For as long as it is not, what was disabled goes on: that may take a second at most."""
    async with relay(database_url) as (wire, url):
        heard: Heard = []
        postgres = await Postgres.open(url, 1)
        postgres.listen(lambda table, key: heard.append((table, key)))
        await _until(lambda: postgres.listening)
        wire.silence()
        become_impatient()
        await _until(lambda: not postgres.listening)
        assert heard == [("*", ""), ("*", "")]
        monkeypatch.undo()
        wire.restore()
        await _until(lambda: postgres.listening)
        await postgres.close()


async def test_with_the_patience_that_is_shipped_changes_are_heard(
    database_url: str, pg: Postgres, become_impatient: Callable[[], None]
) -> None:
    """A busy machine may have it begin anew; it hears all the same."""
    become_impatient()
    heard: Heard = []
    postgres = await Postgres.open(database_url, 1)
    postgres.listen(lambda table, key: heard.append((table, key)))
    for turn in range(3):
        await _until(lambda: postgres.listening)

        async def change(key: str = f"shipped-{turn}") -> bool:
            await pg.execute("SELECT pg_notify('porta_changed', %(c)s)", {"c": f"test:{key}"})
            return ("test", key) in heard

        await eventually(change)
        await asyncio.sleep(HEARTBEAT)
    await postgres.close()


def test_silence_is_found_out_within_a_second() -> None:
    assert HEARTBEAT + PATIENCE + SECOND_LOOK < 1.0


async def test_the_proof_is_repeated(become_impatient: Callable[[], None]) -> None:
    """A connection that dies in silence after a while is noticed at the next heartbeat."""
    ears: list[_Failing] = []
    heard: Heard = []

    class _Failing:
        def __init__(self) -> None:
            self.words: asyncio.Queue[str] = asyncio.Queue()
            self.deaf = False

        async def run(self, sql: str, parameters: dict[str, str] | None = None) -> None:
            if parameters and not self.deaf:
                self.words.put_nowait(parameters["word"])

        def rows(self) -> list[Row]:
            return [("off",)]

        async def next_notification(self) -> str:
            return await self.words.get()

        def drop(self) -> None: ...

    async def connect() -> _Failing:
        ears.append(_Failing())
        return ears[-1]

    listener = NotificationListener(connect, lambda *change: heard.append(change), heartbeat=0.05)
    await _until(lambda: listener.listening)
    ears[0].deaf = True
    become_impatient()
    await _until(lambda: len(ears) == 2 and listener.listening)
    assert heard == [("*", "")] * 3
    await listener.close()


async def test_a_callback_that_fails_does_not_make_an_instance_deaf(
    pg: Postgres, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    heard: Heard = []

    def callback(table: str, key: str) -> None:
        if key == "poison":
            raise ZeroDivisionError
        heard.append((table, key))

    postgres = await Postgres.open(database_url, 1)
    postgres.listen(callback)
    await _until(lambda: postgres.listening)
    await pg.execute("SELECT pg_notify('porta_changed', 'test:poison')")
    await _until(lambda: heard == [("*", "")] * 3)
    await _drain(pg, heard)
    assert "postgres.listener_lost" in caplog.text
    await postgres.close()


async def test_budget_who_is_not_asked_sleeps_and_is_believed_nothing_until_it_is_awake(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.postgres.notifications.AWAKE", 0.5)
    monkeypatch.setattr("storage.postgres.notifications.ASLEEP", 3600.0)
    heard: Heard = []
    async with relay(database_url) as (wire, url):
        postgres = await Postgres.open(url, 1)
        postgres.listen(lambda table, key: heard.append((table, key)))
        await _until(lambda: postgres.listening)
        await asyncio.sleep(1.5)
        assert heard == [("*", "")], "nobody was told of anything while it slept"
        assert not postgres.listening, "asleep"
        await _until(lambda: postgres.listening)
        assert heard == [("*", "")], "awake, and nothing was missed"
        await asyncio.sleep(1.5)
        monkeypatch.setattr("storage.postgres.notifications.PATIENCE", PATIENCE)
        wire.silence()
        assert not postgres.listening
        await _until(lambda: len(heard) == 2)
        assert heard[1] == ("*", ""), "it cannot prove that it heard: everything is read anew"
        wire.restore()
        await _until(lambda: postgres.listening)
        await postgres.close()


async def test_budget_a_sleeper_hears_what_changes(
    database_url: str, pg: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.postgres.notifications.AWAKE", 0.5)
    monkeypatch.setattr("storage.postgres.notifications.ASLEEP", 3600.0)
    heard: Heard = []
    postgres = await Postgres.open(database_url, 1)
    postgres.listen(lambda table, key: heard.append((table, key)))
    await _until(lambda: postgres.listening)
    await asyncio.sleep(1.5)
    await pg.execute("SELECT pg_notify('porta_changed', 'test:slept')")
    await pg.execute("SELECT pg_notify('porta_jobs', '7')")
    await _until(lambda: ("jobs", "7") in heard)
    assert heard == [("*", ""), ("test", "slept"), ("jobs", "7")]
    await postgres.close()
