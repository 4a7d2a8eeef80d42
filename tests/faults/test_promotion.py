"""A PostgreSQL promoted under load: nothing acknowledged is lost, and nobody meets a 500."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from storage.postgres import migrate
from storage.postgres.driver import Postgres
from tests.faults.standby import Node, Pair, replicated
from tests.world.served import SECRETS, Served, serve
from tests.world.waiting import eventually

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

MACHINE = "acme-machine"


class Load:
    """Callers of every kind, who note what they were promised."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.statuses: Counter[int] = Counter()
        self.issued: set[str] = set()
        self.revoked: set[str] = set()
        self.refresh: list[str] = []
        self.last_success = 0.0
        served.http.event_hooks["response"].append(self._note)

    async def _note(self, answer: httpx.Response) -> None:
        self.statuses[answer.status_code] += 1
        if answer.status_code == 200 and answer.request.url.path.endswith("/token"):
            self.last_success = time.monotonic()

    async def machine(self) -> None:
        answer = await self._served.token(MACHINE, grant_type="client_credentials")
        if answer.status_code != 200:
            return
        token = str(answer.json()["access_token"])
        self.issued.add(token)
        if len(self.issued) % 3 == 0:
            answer = await self._ask("token/revocation", token)
            if answer.status_code == 200:
                self.revoked.add(token)
            else:
                self.issued.discard(token)  # it may be either

    async def person(self) -> None:
        # A refusal in between ends this sign-in, as it would a person's; the answers are counted.
        with contextlib.suppress(AssertionError):
            tokens = await self._served.redeem(await self._served.sign_in())
            self.refresh.append(tokens["refresh_token"])

    async def is_active(self, token: str) -> bool:
        answer = await self._ask("token/introspection", token)
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["active"])

    async def _ask(self, endpoint: str, token: str) -> httpx.Response:
        url = f"{self._served.issuer()}/{endpoint}"
        return await self._served.http.post(
            url, data={"token": token}, auth=(MACHINE, SECRETS[MACHINE])
        )


@contextlib.asynccontextmanager
async def _under_load(load: Load) -> AsyncIterator[None]:
    async def repeat(work: Callable[[], Awaitable[None]]) -> None:
        while not over:
            await work()
            await asyncio.sleep(0.01)

    over = False
    workers = [asyncio.create_task(repeat(load.machine)) for _ in range(6)]
    workers.append(asyncio.create_task(repeat(load.person)))
    try:
        yield
    finally:
        over = True
        await asyncio.gather(*workers)


async def _wait_for_both(pair: Pair) -> None:
    """Have a commit wait for the standby, where it then cannot be lost."""
    postgres = await Postgres.open(pair.url, 1)
    await postgres.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
    await postgres.fetch("SELECT pg_reload_conf()")

    async def synchronous() -> bool:
        row = await postgres.fetchrow("SELECT sync_state FROM pg_stat_replication")
        return row == ("sync",)

    await eventually(synchronous, 30)
    await postgres.close()


@pytest.mark.parametrize("mode", ["immediate", "fast", "frozen"])
async def test_K6_a_promotion_under_load(redis_url: str, mode: str) -> None:
    with replicated() as pair:
        await migrate.up(pair.url)
        await _wait_for_both(pair)
        async with serve(pair.url, redis_url) as served:
            load = Load(served)
            async with _under_load(load):
                await _grows(load, 30)
                await asyncio.to_thread(_take_away, pair.primary, mode)
                await asyncio.sleep(1)
                await asyncio.to_thread(pair.standby.promote)
                promoted = time.monotonic()
                await _succeeds_after(load, promoted)
                healed = load.last_success - promoted
                await _grows(load, 30)
            assert set(load.statuses) <= {200, 302, 303, 503}, load.statuses
            for token in load.issued:
                assert await load.is_active(token) == (token not in load.revoked)
            for token in load.refresh:
                answer = await served.token(grant_type="refresh_token", refresh_token=token)
                assert answer.status_code == 200, answer.text
            print(
                f"\n{mode}: tokens again {healed:.2f} s after the promotion; "
                f"{len(load.issued)} issued, {len(load.revoked)} revoked, "
                f"{len(load.refresh)} sign-ins kept; answers {dict(load.statuses)}"
            )
            assert healed < 5
            served.http.event_hooks["response"].clear()


def _take_away(server: Node, mode: str) -> None:
    if mode == "frozen":
        server.freeze()
    else:
        server.stop(mode)


async def _grows(load: Load, by: int) -> None:
    wanted, people = len(load.issued) + by, len(load.refresh) + 1

    async def grown() -> bool:
        return len(load.issued) >= wanted and len(load.refresh) >= people

    await eventually(grown, 60)


async def _succeeds_after(load: Load, moment: float) -> None:
    async def succeeded() -> bool:
        return load.last_success > moment

    await eventually(succeeded, 60)
