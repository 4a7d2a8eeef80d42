"""Health, liveness and readiness probes."""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

from handlers.base import PortaHandler
from handlers.ops.probe import StoreFinding, problem_of
from porta.limits.proxies import client_address
from porta.observability import clock_skew
from porta.text.timestamps import spell_timestamp

_FORWARDING = (
    "Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip",
)  # fmt: skip


class ProbeHandler(PortaHandler):
    """Tells everybody whether it is well; what ails it, to this machine only."""

    is_routine = is_probe = True

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
    """GET /health, with the body of Porta 1.x; a person also reads since when, and why."""

    async def get(self) -> None:
        look = await self.application.probe.look()
        findings = {"database": look.database, "redis": look.redis}
        words = {name: finding.state.value for name, finding in findings.items()}
        faults = {name: _told(each) for name, each in findings.items() if each.reason is not None}
        details = {
            "checks": {"server": "ok", **words},
            **({"faults": faults} if faults else {}),
            "timestamp": spell_timestamp(self.runtime.clock()),
        }
        healthy = look.database.serves
        well = "degraded" if look.degraded else "healthy"
        self.finish_report(well if healthy else "unhealthy", details, well=healthy)


class ReadyHandler(ProbeHandler):
    """GET /ready: can people sign in here? Also waits for the first snapshot, and says no while
    the process drains. Without Redis they can, and the status is `degraded`.
    """

    async def get(self) -> None:
        look = await self.application.probe.look()
        configured = await problem_of(self.runtime.snapshot()) is None
        draining = self.application.life.draining
        in_time = clock_skew.is_tolerable(self.runtime)
        ready = look.database.serves and configured and in_time and not draining
        checks: dict[str, Any] = {
            "db": {"ok": look.database.serves, **_told(look.database)},
            "redis": {"ok": not look.degraded, **_told(look.redis)},
            "config": {"ok": configured},
            "clock": {"ok": in_time, "skew": round(self.runtime.clock_skew, 1)},
            "draining": draining,
        }
        if not ready and not draining:
            self.application.log.warning("ready.degraded", checks=checks)
        well = "degraded" if look.degraded else "ready"
        self.finish_report(well if ready else "not_ready", {"checks": checks}, well=ready)


class LiveHandler(PortaHandler):
    """GET /live: the loop turns; no store is asked."""

    is_routine = is_probe = True
    always_answers = True

    async def get(self) -> None:
        self.finish_json({"status": "ok"})

    async def head(self) -> None:
        await self.get()


def _told(finding: StoreFinding) -> dict[str, str]:
    """Return why it does not serve, and since when."""
    if finding.reason is None or finding.since is None:
        return {}
    return {"reason": finding.reason, "since": spell_timestamp(finding.since)}
