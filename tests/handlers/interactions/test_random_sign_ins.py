"""No walk of a browser reaches a code without every step; `amr`, `acr`, `auth_time` are true.

Few and short in `make test`; many and long in `make long`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from handlers.http.server import Server
from porta.authn import AUTHENTICATORS
from porta.runtime import Runtime
from storage.postgres.driver import Postgres
from tests.handlers.interactions.random_sign_ins import SignIns, World
from tests.handlers.interactions.test_two_factor import DUMMY
from tests.world.house import PASSWORD

# The server, in another thread of the same process, draws its own numbers meanwhile.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")


@pytest_asyncio.fixture(loop_scope="session")
async def world(
    runtime: Runtime, server: Server, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    monkeypatch.setitem(AUTHENTICATORS, DUMMY.name, DUMMY)
    postgres = await Postgres.open(runtime.settings.database_url, 1)
    hashed, loop = await runtime.passwords.hash(PASSWORD), asyncio.get_running_loop()
    yield World(runtime, postgres, f"http://127.0.0.1:{server.port}", hashed, loop)
    await postgres.close()


async def _run(world: World, walks: int, steps: int) -> None:
    chosen = settings(
        max_examples=walks,
        stateful_step_count=steps,
        deadline=None,
        phases=[Phase.generate],  # made shorter, a walk would outlast the time of a test
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    machine = type("SignIns", (SignIns,), {"world": world})
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=chosen)


async def test_no_walk_leads_past_a_step_and_tokens_tell_the_truth(world: World) -> None:
    await _run(world, 8, 30)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_nor_do_very_many(world: World) -> None:
    await _run(world, 400, 60)
