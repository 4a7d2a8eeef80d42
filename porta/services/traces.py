"""Traces: what stands behind a support code, for whoever administers its organization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.audit.actors import Actor
from porta.errors import NotFound
from porta.observability.log import read_support_code
from porta.services.permissions import needs
from storage.models.traces import Trace

if TYPE_CHECKING:
    from storage.router import Storage


@needs("admin:audit:read")
async def get(storage: Storage, actor: Actor, code: str) -> Trace:
    """Return the trace of a support code, as it was read out. Raises NotFound, also for one of an
    organization that the actor does not see.
    """
    read = read_support_code(code)
    found = await storage.traces.find(read) if read is not None else None
    if found is None or not actor.sees(found.organization_id):
        raise NotFound("Trace not found: it is kept for a day, in Redis alone")
    return found
