"""No walk of a browser reaches a code without every step; `amr`, `acr`, `auth_time` are true.

Few and short in `make test`; many and long in `make long`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase
from hypothesis import settings as settings_of
from hypothesis.stateful import run_state_machine_as_test

from handlers.http.server import Server
from porta.config.settings import Settings
from porta.runtime import Runtime
from storage.postgres.driver import Postgres
from tests.handlers.interactions.sign_ins.beside import SignIns
from tests.handlers.interactions.sign_ins.linking_stories import (
    forgotten,
    linked,
    linked_to_somebody_else,
)
from tests.handlers.interactions.sign_ins.people import Asked, Setting
from tests.handlers.interactions.sign_ins.stories import (
    anew,
    by_passkey,
    ended,
    gained,
    mailed,
    put_off,
    recovered,
    set_up,
    step_up,
    strayed,
    trusted,
)
from tests.handlers.interactions.sign_ins.world import World
from tests.world.house import PASSWORD
from tests.world.served import settings_at
from tests.world.upstream import provider

_CONFIG = {
    "interaction_ttl": 86_400,
    "rate_limit_address_max": 10**9,
    "rate_limit_installation_max": 10**9,
    "rate_limit_magic_link_max": 100,
    "rate_limit_request_max": 10**9,
    "rate_limit_request_installation_max": 10**9,
    "rate_limit_second_factor_max": 20,
    "rate_limit_mailed_code_max": 20,
}

pytestmark = [
    # The server, in another thread of the same process, draws its own numbers meanwhile.
    pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def settings(database_url: str, redis_url: str) -> Settings:
    """Settings of a server that may call another provider on the loopback, at a name: browsers know
    no passkeys of addresses."""
    return settings_at(database_url, redis_url, "localhost", outbound_private_addresses=True)


@pytest_asyncio.fixture(scope="module", autouse=True, loop_scope="session")
async def _unlimited(runtime: Runtime) -> None:
    """Walks come from one address, and their clock runs ahead of that of their database."""
    for name, value in _CONFIG.items():
        await runtime.storage.everywhere.system_config.put(name, value, "number")
        runtime._changed("system_config", name)


@pytest_asyncio.fixture(loop_scope="session")
async def world(
    runtime: Runtime, server: Server, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    with_mail = runtime.settings.model_copy(update={"smtp_host": "mail.example"})
    monkeypatch.setattr(runtime, "settings", with_mail)
    postgres = await Postgres.open(runtime.settings.database_url, 1)
    hashed, loop = await runtime.passwords.hash(PASSWORD), asyncio.get_running_loop()
    async with provider() as upstream:
        base_url = f"http://localhost:{server.port}"
        yield World(runtime, postgres, base_url, upstream, hashed, loop)
    await postgres.close()


async def _run(world: World, walks: int, steps: int, *, same: bool) -> None:
    chosen = settings_of(
        max_examples=walks,
        derandomize=same,
        stateful_step_count=steps,
        deadline=None,
        phases=[Phase.generate],  # made shorter, a walk would outlast the time of a test
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    machine = type("SignIns", (SignIns,), {"world": world})
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=chosen)


async def test_no_walk_leads_past_a_step_and_tokens_tell_the_truth(world: World) -> None:
    await _run(world, 8, 30, same=True)


_SETTINGS = {
    "optional": Setting(trusts_devices=True, says_mfa=True, passkey=True),
    "encouraged": Setting("encouraged", trusts_provider=True, factor="mail"),
    "required_passkeys": Setting("required_any", passkey=True),
    "required_here": Setting("required_any", says_mfa=True),
}
_STORIES = [
    *((story, name) for story in (step_up, anew, put_off) for name in ("optional", "encouraged")),
    *(
        (story, "optional")
        for story in (trusted, forgotten, linked_to_somebody_else, mailed, recovered)
    ),
    *((linked, name) for name in ("optional", "encouraged", "required_here")),
    *((by_passkey, name) for name in ("optional", "required_passkeys")),
    *((set_up, name) for name in ("encouraged", "required_here")),
    (strayed, "encouraged"),
    (gained, "encouraged"),
    (ended, "optional"),
]


def _walk(world: World, story: Callable[[SignIns], None], setting: Setting) -> None:
    machine = type("SignIns", (SignIns,), {"world": world})()
    try:
        machine.furnish(setting, Asked())
        story(machine)
        machine.who_is_signed_in_is_who_showed_it()
    finally:
        machine.teardown()


@pytest.mark.parametrize(
    ("story", "setting"), _STORIES, ids=lambda each: getattr(each, "__name__", each)
)
async def test_walks_that_chance_seldom_takes(
    world: World, story: Callable[[SignIns], None], setting: str
) -> None:
    await asyncio.to_thread(_walk, world, story, _SETTINGS[setting])


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(4))
async def test_nor_do_very_many(world: World, part: int) -> None:
    """In parts, none of which a slow machine needs longer for than a test may take."""
    await _run(world, 100, 60, same=False)
