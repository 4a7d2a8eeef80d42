"""Changes at one's own account, by the day: what a person who is signed in may write and mail."""

from __future__ import annotations

from porta.audit import events
from porta.audit.actors import Actor
from porta.limits.rate_limits import DAY, Throttled
from porta.runtime import Runtime
from porta.tenants.tenant import Tenant
from storage.stores.counters import Limit

MOST = 60
"""Changes of a section in a day: each leaves rows, entries of the trail and mails behind."""


class DayOver(Throttled):
    """A person has changed as much of a section as a day allows."""


async def count(runtime: Runtime, tenant: Tenant, section: str, actor: Actor) -> None:
    """Count a change of `section` by a person; raises DayOver when it is one too many. Of each
    section for itself: whoever has the cookies of a browser uses up no change of another one.
    """
    key = f"own_change:{tenant.id}:{actor.user_id}:{section}"
    excess = await runtime.storage.counters.spend(key, (Limit(key, MOST, DAY),))
    if excess is None:
        return
    if excess.first:
        await events.record(
            runtime.storage, "rate_limit.own_change", organization_id=tenant.id,
            user_id=actor.user_id, metadata={"section": section}, actor=actor,
        )  # fmt: skip
    raise DayOver(excess, reason="own_change_limit")
