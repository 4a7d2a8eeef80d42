"""Supervisor of `porta dev`: starts everything in order, watches it, stops it in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Container, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from porta.dev import instances as dev_instances
from porta.dev import plan as dev_plan
from porta.dev import servers, state, summary
from porta.dev.environment import environment_of
from porta.dev.instances import Instance
from porta.dev.plan import Plan
from porta.dev.processes import Child, StartFailed, lock
from porta.dev.servers import RunningServer

if TYPE_CHECKING:
    from porta.dev.mail_catcher import MailCatcher

S = TypeVar("S")
_WATCH = 0.5
"""Seconds between two looks at whether everything still runs."""


def run(plan: Plan) -> None:
    """Run until interrupted. Raises StartFailed when something cannot start, or ends by itself."""
    dev_plan.check_environment(os.environ)
    dev_plan.check_folder(plan.data)
    asyncio.run(_run(plan))


async def _run(plan: Plan) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        life = asyncio.create_task(_live(plan, stack))
        interruption = asyncio.create_task(stopping.wait())
        await asyncio.wait({life, interruption}, return_when=asyncio.FIRST_COMPLETED)
        interruption.cancel()
        life.cancel()
        with contextlib.suppress(asyncio.CancelledError, summary.Unheard):
            await life
        summary.say_stopping()


async def _live(plan: Plan, stack: AsyncExitStack) -> None:
    began = time.monotonic()
    children = await _start(plan, stack, began)
    while True:
        dev_instances.check_alive(children)
        summary.check_heard()
        await asyncio.sleep(_WATCH)


async def _start(plan: Plan, stack: AsyncExitStack, began: float) -> list[Child]:
    """Start everything, tell about it, and return the processes to watch."""
    _prepare_folder(plan, stack)
    dev_instances.check_ports(plan.port, plan.instances, plan.command)
    postgres, redis, mail = await _start_servers(plan, stack)
    environment = environment_of(plan, postgres, redis, mail)
    instances: list[Instance] = []
    stack.push_async_callback(_stop_instances, instances)
    # A server needs the schema, not the seed: where the former stands, both can begin at once.
    early = postgres.child is not None and state.is_schema_current(plan.data)
    if early:
        instances += _start_instances(plan, environment)
    mark = "" if postgres.child is not None else state.kept_mark(plan.data)
    seeded = await _seed(plan, environment, mark)
    if postgres.child is not None:
        state.remember_schema(plan.data)
    if not early:
        instances += _start_instances(plan, environment)
    organizations = state.remember_credentials(plan.data, seeded["organizations"])
    await dev_instances.wait_until_ready(instances)
    # Now that the servers have their ports, any that is free may be the page's.
    sign_in = _start_client(stack, seeded["demonstration"])
    description = _describe(plan, instances, postgres, redis, mail)
    description |= {"sign_in": sign_in, "organizations": organizations}
    state.write_description(plan.data, description)
    stack.callback(state.remove_description, plan.data)
    summary.tell(description, plan.data, time.monotonic() - began)
    started = [server.child for server in (postgres, redis) if server.child]
    return [*started, *(instance.child for instance in instances)]


def _prepare_folder(plan: Plan, stack: AsyncExitStack) -> None:
    try:
        # Others may pass through, not look: PostgreSQL has an account of its own when we are root.
        plan.data.mkdir(mode=0o711, parents=True, exist_ok=True)
        (plan.data / "logs").mkdir(mode=0o700, exist_ok=True)
        held = lock(plan.data / "lock", f"running porta dev in {plan.data}")
        stack.callback(held.close)
        state.remove_description(plan.data)
    except OSError as error:
        raise StartFailed(
            f"{plan.data} cannot be used ({error.strerror}). Name another folder: --data FOLDER"
        ) from None


async def _start_servers(
    plan: Plan, stack: AsyncExitStack
) -> tuple[RunningServer, RunningServer, MailCatcher]:
    """Start the databases and the mail catcher; when one fails, the others are stopped first."""
    postgres = partial(servers.start_postgres, plan.data / "postgres", avoid=plan.ports)
    redis = partial(servers.start_redis, plan.data / "redis", avoid=plan.ports)
    starts = (
        asyncio.create_task(_start_database(stack, postgres, "DATABASE_URL")),
        asyncio.create_task(_start_database(stack, redis, "REDIS_URL")),
        asyncio.create_task(_start_mail(stack, plan.ports)),
    )
    try:
        return await asyncio.gather(*starts)
    except Exception:
        for start in starts:
            start.cancel()
        raise
    finally:
        await asyncio.wait(starts)


async def _start_database(stack: AsyncExitStack, start: Any, variable: str) -> RunningServer:
    starting = asyncio.to_thread(start, url=os.environ.get(variable))
    server: RunningServer = await _begun(
        stack, starting, lambda server: asyncio.to_thread(server.stop)
    )
    return server


async def _start_mail(stack: AsyncExitStack, planned: Container[int] = ()) -> MailCatcher:
    return await _begun(stack, _mail_outside(planned), lambda catcher: catcher.stop())


async def _mail_outside(planned: Container[int]) -> MailCatcher:
    """Start a mail catcher on free ports that are not `planned` for others."""
    from porta.dev import mail_catcher  # Tornado, a tenth of a second: once the databases start

    catcher = await mail_catcher.start()
    if catcher.smtp_port not in planned and urlsplit(catcher.web).port not in planned:
        return catcher
    try:
        return await _mail_outside(planned)  # while these ports are held
    finally:
        await catcher.stop()


async def _begun(
    stack: AsyncExitStack, start: Coroutine[Any, Any, S], stop: Callable[[S], Awaitable[None]]
) -> S:
    """Return what `start` starts, for the stack to stop. Whoever is cut off stops it at once."""
    starting = asyncio.ensure_future(start)
    try:
        started = await asyncio.shield(starting)
    except asyncio.CancelledError:
        # A thread goes on, and a socket is open before its server is known: both are ours.
        with contextlib.suppress(StartFailed, OSError):
            await stop(await starting)
        raise
    stack.push_async_callback(stop, started)
    return started


async def _seed(plan: Plan, environment: Mapping[str, str], mark: str) -> dict[str, Any]:
    """Migrate and seed in a process of its own: it imports all of Porta, and we need not.

    `mark` is empty for the database of this folder.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "porta.dev.seed", mark, *map(str, plan.seeds)),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        answer, complaint = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        raise
    if process.returncode != 0:
        raise StartFailed(f"Seeding failed.\n{complaint.decode(errors='replace').strip()}")
    seeded: dict[str, Any] = json.loads(answer)
    return seeded


def _start_instances(plan: Plan, environment: Mapping[str, str]) -> Iterator[Instance]:
    for port in plan.ports:
        yield dev_instances.start(port, environment, plan.data / "logs")


async def _stop_instances(instances: list[Instance]) -> None:
    for instance in instances:
        instance.child.request_stop()
    await asyncio.gather(*(asyncio.to_thread(instance.child.stop) for instance in instances))


def _start_client(stack: AsyncExitStack, found: dict[str, Any] | None) -> dict[str, str] | None:
    """Serve the demonstration page; return the link that starts a sign-in, and who can use it."""
    if found is None:
        return None
    from porta.dev import client
    from porta.dev.relying_party import Registration

    link, server = client.start(Registration(**found["client"]))
    stack.callback(server.stop)
    return {"url": link, **found["person"]}


def _describe(
    plan: Plan,
    instances: list[Instance],
    postgres: RunningServer,
    redis: RunningServer,
    mail: MailCatcher,
) -> dict[str, Any]:
    pids = {"dev": os.getpid(), "postgres": postgres.pid, "redis": redis.pid}
    pids |= {f"server-{instance.port}": instance.child.pid for instance in instances}
    return {
        "base_url": plan.base_url,
        "notes": plan.notes(),
        "instances": [instance.url for instance in instances],
        "pids": {name: pid for name, pid in pids.items() if pid is not None},
        "database_url": postgres.url,
        "redis_url": redis.url,
        "mail": {"web": mail.web, "api": mail.api},
    }
