"""One's own data: all that is kept of a person, for themselves, and an end to it (GDPR 15, 17).

What is handed out and erased is what administrators hand out and erase (`personal_data`).
"""

from __future__ import annotations

from porta.audit import events
from porta.audit.actors import Actor
from porta.browser import account_visits
from porta.browser.account_visits import Visit
from porta.emails import notices
from porta.errors import Forbidden, Invalid
from porta.limits import rate_limits
from porta.limits.rate_limits import Throttled
from porta.runtime import Runtime
from porta.services import personal_data
from porta.services.people import is_super_admin
from porta.services.personal_data import PersonalRecord
from porta.tenants.tenant import Tenant
from porta.text.email_addresses import trim

_DELETED = "account_deleted"


class NotConfirmed(Invalid):
    """What was typed to confirm is not the address of the account."""


async def export(runtime: Runtime, tenant: Tenant, visit: Visit, actor: Actor) -> PersonalRecord:
    """Return all that is kept of the person of `visit`, and note that.

    Raises Throttled and VisitOver.
    """
    try:
        await rate_limits.of_own_export(tenant, visit.user.id).count(runtime)
    except Throttled as throttled:
        if throttled.first:
            await events.record(
                runtime.storage, "rate_limit.own_export", organization_id=tenant.id,
                user_id=visit.user.id, actor=actor,
            )  # fmt: skip
        raise
    everything = runtime.storage.everywhere  # what was done to others, elsewhere, is of them too
    user = await everything.users.find(visit.user.id)
    if user is None or user.organization_id != tenant.id:
        raise account_visits.VisitOver("this person is gone")
    return await personal_data.hand_out(everything, actor, user)


async def may_delete(runtime: Runtime, tenant: Tenant, visit: Visit) -> bool:
    """Whether the organization lets the person of `visit` delete their account."""
    home = tenant.organization
    if not home.account_deletion or home.is_super_admin:
        return False
    return not await is_super_admin(runtime.storage, visit.user.id)


async def delete(runtime: Runtime, tenant: Tenant, visit: Visit, typed: str, actor: Actor) -> None:
    """Erase the person of `visit`, at once and for good, with all that is signed in as them; they
    are told by mail. `typed` is the address of the account, in any letter case.

    Raises NotConfirmed, VisitOver, and Forbidden where the organization does not let them, by now,
    or they administer the installation.
    """
    user, organization = visit.user, tenant.organization
    if trim(typed).lower() != user.email:
        raise NotConfirmed("another address was typed")
    post = runtime.post
    letter = notices.write(post, _DELETED, organization, user) if post.is_sent else None
    # Who serves a tenant deletes nobody: this is what the administrator let people do.
    async with runtime.storage.everywhere.transaction() as tx:
        held = await account_visits.hold(tx, visit)
        home = await tx.organizations.find_by_id(tenant.id)
        if home is None or not home.account_deletion:
            raise Forbidden("nobody deletes their own account here")
        await personal_data.erase(tx, actor, held)
        if letter is not None:  # after it: the mails that wait for a person go with them
            await post.queue(
                tx, _DELETED, letter, to=held.email, organization_id=tenant.id,
                lifetime=notices.LIFETIME,
            )  # fmt: skip
