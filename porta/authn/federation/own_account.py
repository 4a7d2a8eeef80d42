"""Account linking, by its owner at their account: to another provider, and back, to say yes.

All of it belongs to one session: the way there, what waits meanwhile, and the answer (0046).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from porta.audit import events
from porta.audit.actors import Actor
from porta.authn import identities
from porta.authn.authenticator import LoginFailed
from porta.authn.federation import round_trip
from porta.authn.federation.joining import link_of
from porta.authn.identities import LIFETIME, Waiting
from porta.browser import account_visits
from porta.browser.account_visits import Visit
from porta.limits import rate_limits
from porta.limits.rate_limits import Throttled
from porta.protocol.federation.profile import check_domain
from porta.protocol.requests.params import Params
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenants import home_realms
from porta.tenants.home_realms import ElsewhereOnly
from porta.tenants.tenant import Tenant
from storage.errors import AlreadyConsumed
from storage.models.interactions import UpstreamRequest, WaitingIdentity


@dataclass(frozen=True, slots=True)
class Account:
    """Who asks, where: a person in a session of theirs."""

    runtime: Runtime
    tenant: Tenant
    visit: Visit
    actor: Actor
    address: str


async def begin(account: Account, connection_id: str) -> str:
    """Return where the browser goes. Raises LoginFailed, also where their domain requires another
    connection: this one would let nobody in.
    """
    runtime, tenant, session = account.runtime, account.tenant, account.visit.session
    try:
        await home_realms.check(runtime, tenant, account.visit.user.email, at=connection_id)
    except ElsewhereOnly as elsewhere:
        raise _elsewhere(elsewhere) from None
    guesses = rate_limits.of_upstream(tenant, session.uid, account.address)
    try:
        await guesses.count(runtime)
    except Throttled as throttled:
        refusal = LoginFailed("errors.rate_limit_exceeded", retry_after=throttled.retry_after)
        refusal.status = 429
        raise refusal from None
    try:
        return await round_trip.send(
            runtime, tenant, connection_id, LIFETIME, session_uid=session.uid
        )
    except round_trip.FAILURES as failure:
        raise await _refused(account, failure) from None


async def take_back(account: Account, connection_id: str, response: Params) -> str:
    """Return the value by which it waits who somebody is there. Raises LoginFailed, also for what
    another session asked for, or another connection answers.
    """
    runtime, tenant, visit = account.runtime, account.tenant, account.visit
    request = await _find(account, response.get("state"))
    if request is None or request.connection_id != connection_id:
        raise LoginFailed("federation.error_link_over", reason="not_asked_for")
    try:
        connection, profile = await round_trip.receive(runtime, tenant, request, response)
        check_domain(connection, profile.email)
    except AlreadyConsumed:
        raise LoginFailed("federation.error_link_over", reason="used") from None
    except round_trip.FAILURES as failure:
        raise await _refused(account, failure) from None
    return await runtime.storage.artifacts.create(
        partial(
            WaitingIdentity,
            organization_id=tenant.id,
            session_uid=visit.session.uid,
            account_id=visit.user.id,
            link=link_of(connection, profile, int(runtime.clock())),
        ),
        LIFETIME,
    )


async def _find(account: Account, state: str | None) -> UpstreamRequest | None:
    """Return the request of this very session that a response is of."""
    if state is None or not opaque.well_formed(state):
        return None
    artifacts = account.runtime.storage.artifacts
    found = await artifacts.find(UpstreamRequest, state, account.tenant.id)
    is_own = found is not None and found.session_uid == account.visit.session.uid
    return found if is_own else None


async def find_waiting(account: Account, value: str | None) -> Waiting | None:
    """Return who waits to be linked to this person, in this session."""
    if value is None or not opaque.well_formed(value):
        return None
    artifacts = account.runtime.storage.artifacts
    found = await artifacts.find(WaitingIdentity, value, account.tenant.id)
    if found is None or not _is_of(found, account.visit):
        return None
    return await identities.find_waiting(account.runtime, account.tenant, found.link)


async def decide(account: Account, value: str, *, links: bool) -> bool:
    """Have what waits wait no more; link it where its owner says so, and tell whether that is done.

    Raises LoginFailed where there is nothing that waits, or it is somebody else's; VisitOver.
    """
    runtime, tenant = account.runtime, account.tenant
    waiting = await find_waiting(account, value)
    if waiting is None or not await _take(account, value):
        raise LoginFailed("federation.error_link_over", reason="over")
    if not links:
        return False
    try:
        async with runtime.storage.transaction() as tx:
            user = await account_visits.hold(tx, account.visit)
            if not await identities.link(tx, runtime, tenant, user, waiting, account.actor):
                raise LoginFailed("federation.error_linked", reason="linked_elsewhere")
    except ElsewhereOnly as elsewhere:  # since they went there, or have another address by now
        raise _elsewhere(elsewhere) from None
    return True


def _elsewhere(refusal: ElsewhereOnly) -> LoginFailed:
    refused = LoginFailed("account.link_elsewhere", reason=refusal.reason)
    refused.status = refusal.status
    return refused


async def _take(account: Account, value: str) -> bool:
    """Whether this is the one answer that counts."""
    artifacts = account.runtime.storage.artifacts
    try:
        return await artifacts.consume(WaitingIdentity, value, account.tenant.id) is not None
    except AlreadyConsumed:
        return False


def _is_of(waiting: WaitingIdentity, visit: Visit) -> bool:
    return (waiting.session_uid, waiting.account_id) == (visit.session.uid, visit.user.id)


async def _refused(account: Account, failure: Exception) -> LoginFailed:
    message, reason, status = round_trip.told_of(failure)
    await events.record(
        account.runtime.storage, "user.login.federation.failed", organization_id=account.tenant.id,
        user_id=account.visit.user.id, metadata={"reason": reason}, origin=account.actor.origin,
    )  # fmt: skip
    refusal = LoginFailed(message, reason=reason)
    refusal.status = status
    return refusal
