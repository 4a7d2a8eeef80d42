"""Server process: its Application, its listener, and its life from start to SIGTERM."""

from __future__ import annotations

import asyncio
import gc

import uvloop

from handlers.application import Porta
from handlers.http import connections, file_limits
from handlers.http.refusal import NotFoundHandler
from handlers.http.server import CannotListen, Server, listen
from handlers.routes import ROUTES
from porta.config.production import production_problems
from porta.config.settings import Settings
from porta.jobs import process
from porta.observability.log import configure, request_log
from porta.runtime import Runtime
from porta.services import startup

__all__ = ["CannotListen", "Server", "make_application", "run", "start"]

_SHUTDOWN = 15.0
"""Seconds from SIGTERM to the end of the process, at most."""
_DEVELOPMENT = (
    "PORTA_ENV is development: no safety rule holds. By default only this machine is served;"
    " HOST opens more, PORTA_ENV=production makes it safe to"
)
_CLOSING = 2.0  # of them, for closing the pools
_NEW_OBJECTS = 10_000
"""Containers made, less those gone, after which cycles are looked for among them."""


def make_application(runtime: Runtime) -> Porta:
    """Return the Application that serves `runtime`."""
    return Porta(runtime, ROUTES, NotFoundHandler)


async def start(runtime: Runtime, settings: Settings) -> Server:
    """Listen where the settings say. Raises CannotListen, which says what to do."""
    limits = connections.limits_of(settings)
    return listen(make_application(runtime), settings.host, settings.port, limits)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then come to rest; returns when everything is closed.

    Raises CannotListen, and StorageError when PostgreSQL does not answer in time at the start.
    """
    configure(level=settings.log_level, json=settings.environment == "production")
    if problems := production_problems(settings):
        request_log().error("config.safety_skipped", problems=problems)
    for note in settings.notes:
        setting, _, advice = note.partition(": ")
        request_log().warning("config.inherited", setting=setting, advice=advice)
    settings = _within_limits(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))


def _spare_the_collector() -> None:
    """Have the collector of cycles look seldom, and at little: a request leaves hardly any.

    By default it looks after 700 new objects, which is every few requests, and finds those of the
    requests at hand, all alive: some hundredths of the CPU of an authorization request. What it
    finds later for looking seldom is a few MB at most.
    """
    gc.set_threshold(_NEW_OBJECTS)
    # What lives now lives for good.
    gc.collect()
    gc.freeze()


def _within_limits(settings: Settings) -> Settings:
    """Return the settings with as many connections as there are file descriptors for."""
    wanted = settings.max_connections
    room = file_limits.room_for(wanted, pool=settings.database_pool_size)
    if room == wanted:
        return settings
    request_log().warning(
        "connections.limited",
        max_connections=room,
        wanted=wanted,
        advice="raise the limit of open files: ulimit -n, LimitNOFILE or ulimits",
    )
    return settings.model_copy(update={"max_connections": room})


async def _serve(settings: Settings) -> None:
    stopping = startup.stop_on_signals()
    runtime = await startup.opened(settings, stopping)
    if runtime is None:
        return
    try:
        await startup.prepare(runtime)
        server = await start(runtime, settings)
        log = server.application.log
        async with process.at_work(runtime, jobs=settings.jobs_in_server) as work:
            _spare_the_collector()
            log.info("server.ready", host=settings.host, port=server.port)
            if settings.environment == "development":
                log.info("server.development", advice=_DEVELOPMENT)
            await stopping.wait()
            log.info("server.draining", seconds=settings.drain_seconds)
            work.stop(_SHUTDOWN - _CLOSING)
            await server.stop(
                drain=settings.drain_seconds, limit=_SHUTDOWN - settings.drain_seconds - _CLOSING
            )
    finally:
        await runtime.close()
    log.info("server.stopped")
