"""Connection test: a round trip through a connection that is a draft. It signs in nobody, links
nobody, and leaves nothing behind but what the provider told (decisions/0048).
"""

from __future__ import annotations

from porta.authn.federation import round_trip
from porta.limits import rate_limits
from porta.protocol.federation.profile import Profile
from porta.protocol.requests.params import Params
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenants.tenant import Tenant
from storage.models.interactions import UpstreamRequest
from storage.models.setup_links import SetupLink

LIFETIME = 600
"""Seconds in which somebody has to come back."""


async def count(runtime: Runtime, tenant: Tenant, link: SetupLink, address: str) -> None:
    """Count that somebody is about to be sent to a provider. Raises Throttled."""
    await rate_limits.of_upstream(tenant, link.id, address).count(runtime)


async def begin(runtime: Runtime, tenant: Tenant, link: SetupLink, token: str) -> str:
    """Return where the browser goes, to sign in there: `token` is the link's. Raises NotSent."""
    assert link.draft is not None
    return await round_trip.send(
        runtime, tenant, link.draft, LIFETIME, setup=token, draft_number=link.draft_number
    )


async def find_request(
    runtime: Runtime, tenant: Tenant, link: SetupLink, token: str, state: str | None
) -> UpstreamRequest | None:
    """Return the request that a response is of, where it was sent with this link, for the draft
    that it holds; None for any other, of a sign-in for instance, and for one that was answered.
    """
    if state is None or not opaque.well_formed(state) or link.draft is None:
        return None
    found = await runtime.storage.artifacts.find(UpstreamRequest, state, tenant.id)
    if found is None or found.setup != token or found.connection_id != link.connection_id:
        return None
    return found if found.draft_number == link.draft_number else None


async def complete(
    runtime: Runtime, tenant: Tenant, link: SetupLink, request: UpstreamRequest, response: Params
) -> Profile:
    """Return who the provider says it is. Of all who bring one `state` the first is answered:
    others raise AlreadyConsumed; and all of `round_trip.FAILURES`.
    """
    _, profile = await round_trip.receive(runtime, tenant, request, response, link.draft)
    return profile
