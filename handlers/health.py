"""Is this process alive, healthy, ready for requests?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from handlers.base import PortaHandler
from storage.errors import StorageError

_LIMIT = 2.0  # seconds that one check may take


class ProbeHandler(PortaHandler):
    """Asks both databases, side by side."""

    async def head(self) -> None:
        await self.get()

    async def get(self) -> None:
        raise NotImplementedError

    async def databases(self) -> tuple[bool, bool]:
        """Return whether PostgreSQL and Redis answered in time."""
        storage = self.runtime.storage
        database, redis = await asyncio.gather(
            answers(storage.ping_postgres()), answers(storage.ping_redis())
        )
        return database, redis


class HealthHandler(ProbeHandler):
    """GET /health, with the body of Porta 1.x."""

    async def get(self) -> None:
        database, redis = await self.databases()
        healthy = database and redis
        body = {
            "status": "healthy" if healthy else "unhealthy",
            "checks": {"server": "ok", "database": _word(database), "redis": _word(redis)},
            "timestamp": _iso(self.runtime.clock()),
        }
        self.finish_json(body, _status(healthy))


class ReadyHandler(ProbeHandler):
    """GET /ready: also waits for the first snapshot, and says no while the process drains."""

    async def get(self) -> None:
        database, redis = await self.databases()
        configured = await answers(self.runtime.snapshot())
        draining = self.application.life.draining
        ready = database and redis and configured and not draining
        checks: dict[str, Any] = {
            "db": {"ok": database},
            "redis": {"ok": redis},
            "config": {"ok": configured},
            "draining": draining,
        }
        if not ready and not draining:
            self.application.log.warning("ready.degraded", checks=checks)
        body = {"status": "ready" if ready else "not_ready", "checks": checks}
        self.finish_json(body, _status(ready))


class LiveHandler(PortaHandler):
    """GET /live: the loop turns; no store is asked."""

    async def get(self) -> None:
        self.finish_json({"status": "ok"})

    async def head(self) -> None:
        await self.get()


async def answers(check: Awaitable[object]) -> bool:
    """Whether `check` ends without a fault within its time."""
    try:
        await asyncio.wait_for(check, _LIMIT)
    except (StorageError, TimeoutError):
        return False
    return True


def _word(ok: bool) -> str:
    return "ok" if ok else "error"


def _status(ok: bool) -> HTTPStatus:
    return HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE


def _iso(now: float) -> str:
    return (
        datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
