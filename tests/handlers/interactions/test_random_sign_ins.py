"""No walk of a browser reaches a code without every step; `amr`, `acr`, `auth_time` are true.

Few and short in `make test`; many and long in `make long`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from handlers.http.server import Server
from porta.authn import AUTHENTICATORS
from porta.runtime import Runtime
from storage.postgres.driver import Postgres
from tests.handlers.interactions.random_sign_ins import SignIns, World
from tests.handlers.interactions.sign_in_model import MFA, Asked
from tests.handlers.interactions.sign_in_model import PASSWORD as PASSWORD_ALONE
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


def _walk(world: World, walk: Callable[[SignIns], None], *, encourages: bool) -> None:
    machine = type("SignIns", (SignIns,), {"world": world})()
    try:
        machine.furnish(encourages, Asked())
        walk(machine)
        machine.who_is_signed_in_is_who_showed_it()
    finally:
        machine.teardown()


def _step_up(walk: SignIns) -> None:
    """One more factor beside a session, which is as old as it was."""
    walk.sign_in(0, Asked(), 1)
    walk.gain()
    walk.wait(6)
    walk.begin(1, Asked(acr=MFA))
    walk.second(1)
    walk.resume(1)


def _anew(walk: SignIns) -> None:
    """All of it shown again, with more than before; then by another person, in both tabs."""
    walk.sign_in(0, Asked(), 1)
    walk.gain()
    walk.wait(6)
    walk.sign_in_anew(0, 1)
    walk.begin(1, Asked(prompt="login", max_age=5))
    walk.sign_in_anew(0, 0)
    walk.resume(1)
    walk.sign_in(1, Asked(first_party=False, acr=PASSWORD_ALONE), 1)


def _put_off(walk: SignIns) -> None:
    """Declined in one tab; the other, where it was offered too, goes on."""
    walk.begin(1, Asked(prompt="login"))
    walk.password(0, 1)
    walk.password(1, 1)
    walk.put_off(0)
    walk.resume(0)
    walk.resume(1)
    walk.put_off(1)
    walk.resume(1)


@pytest.mark.parametrize("encourages", [False, True])
@pytest.mark.parametrize("walk", [_step_up, _anew, _put_off], ids=lambda walk: walk.__name__)
async def test_walks_that_chance_seldom_takes(
    world: World, walk: Callable[[SignIns], None], encourages: bool
) -> None:
    await asyncio.to_thread(_walk, world, walk, encourages=encourages)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_nor_do_very_many(world: World) -> None:
    await _run(world, 400, 60)
