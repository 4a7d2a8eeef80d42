"""One's own password: changed, or chosen, by who is signed in and has shown that it is them."""

from __future__ import annotations

from dataclasses import dataclass

from porta.audit import events
from porta.audit.actors import Actor
from porta.browser import account_visits
from porta.browser.account_visits import Visit
from porta.emails import notices
from porta.errors import Conflict
from porta.limits.address_blocks import address_block
from porta.limits.fair_queue import Asker
from porta.protocol import endpoints
from porta.runtime import Runtime
from porta.services import pending_email, user_passwords
from porta.services.password_reset import BREACHED, Refused
from porta.tenants import home_realms
from porta.tenants.tenant import Tenant
from storage.models.users import UserProfile
from storage.router import Storage

_CHANGED = "user.password.changed"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a form says: the new password, twice, and whether everything else is signed out."""

    password: str
    repeated: str
    ends_others: bool


def check(tenant: Tenant, user: UserProfile, chosen: Chosen) -> None:
    """Raise Refused for a password that may not be chosen, before anything is computed."""
    organization = tenant.organization
    names = user_passwords.names_of(organization, user)
    problems = user_passwords.find_problems(chosen.password, organization, names)
    found = [str(each.reason) for each in problems]
    if chosen.password != chosen.repeated:
        found.append("mismatch")
    if found:
        raise Refused(tuple(found))


async def change(
    runtime: Runtime, tenant: Tenant, visit: Visit, before: UserProfile, chosen: Chosen,
    actor: Actor,
) -> None:  # fmt: skip
    """Give the person of `visit` another password. `before` is who they were when the one that
    they had was shown, or that they have none; it is `check`ed what they chose.

    This browser stays signed in; all others, with whatever acts for the person from there, and
    what acts for them from nowhere, do where that is chosen. Raises Refused for one that leaked,
    VisitOver; Conflict where the password is another one by now, and Unavailable where there is no
    room to hash; and ElsewhereOnly for who has to sign in at a provider, which no password does.
    """
    await home_realms.check(runtime, tenant, visit.user.email)
    if await user_passwords.is_breached(runtime, tenant.organization, chosen.password):
        raise Refused((BREACHED,))
    asker = Asker(tenant.id, address_block(actor.origin.address if actor.origin else ""))
    hashed = await runtime.passwords.hash(chosen.password, asker)
    async with runtime.storage.transaction() as tx:
        held = await account_visits.hold(tx, visit)
        if held.password_changed_at != before.password_changed_at:
            raise Conflict("the password was changed meanwhile")
        await _keep(tx, visit, hashed, chosen, actor)
        await events.record(
            tx, _CHANGED, organization_id=tenant.id, user_id=held.id, actor=actor,
            metadata={"first": before.password_hash is None, "others_ended": chosen.ends_others},
        )  # fmt: skip
        url = endpoints.absolute(tenant.issuer, endpoints.ACCOUNT)
        what = "password" if before.password_hash is not None else "first_password"
        await notices.tell_change(tx, runtime.post, tenant.organization, held, what, url)


async def _keep(tx: Storage, visit: Visit, hashed: str, chosen: Chosen, actor: Actor) -> None:
    key = visit.user.id, visit.user.organization_id
    await tx.trusted_devices.remove_all(*key)  # also where the others stay signed in
    await tx.user_passwords.set(*key, hashed)
    await tx.login_attempts.reset(*key)
    await tx.auth_tokens.end_resets(*key)
    # Whoever has the cookies of this very session may have asked for it.
    await pending_email.end(tx, visit.user, _CHANGED, actor=actor)
    if chosen.ends_others:
        await tx.end_other_sessions(*key, visit.session.uid, _CHANGED)
