"""Is this process alive, healthy, ready for requests?"""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

from handlers.base import PortaHandler
from handlers.probe import answers
from porta.proxies import client_address

_FORWARDING = (
    "Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip",
)  # fmt: skip


class ProbeHandler(PortaHandler):
    """Tells everybody whether it is well; what ails it, to this machine only."""

    is_routine = True

    async def head(self) -> None:
        await self.get()

    async def get(self) -> None:
        raise NotImplementedError

    def finish_report(self, status: str, details: dict[str, Any], *, well: bool) -> None:
        body = {"status": status} | (details if self._is_near() else {})
        self.finish_json(body, HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE)

    def _is_near(self) -> bool:
        """Whether this machine asks, and not a proxy on it for somebody else."""
        if any(name in self.request.headers for name in _FORWARDING):
            return False
        return ip_address(client_address(self.request.remote_ip or "", (), ())).is_loopback


class HealthHandler(ProbeHandler):
    """GET /health, with the body of Porta 1.x."""

    async def get(self) -> None:
        database, redis = await self.application.probe.databases()
        healthy = database and redis
        details = {
            "checks": {"server": "ok", "database": _word(database), "redis": _word(redis)},
            "timestamp": _iso(self.runtime.clock()),
        }
        self.finish_report("healthy" if healthy else "unhealthy", details, well=healthy)


class ReadyHandler(ProbeHandler):
    """GET /ready: also waits for the first snapshot, and says no while the process drains."""

    async def get(self) -> None:
        database, redis = await self.application.probe.databases()
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
        self.finish_report("ready" if ready else "not_ready", {"checks": checks}, well=ready)


class LiveHandler(PortaHandler):
    """GET /live: the loop turns; no store is asked."""

    is_routine = True
    always_answers = True

    async def get(self) -> None:
        self.finish_json({"status": "ok"})

    async def head(self) -> None:
        await self.get()


def _word(ok: bool) -> str:
    return "ok" if ok else "error"


def _iso(now: float) -> str:
    return (
        datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
