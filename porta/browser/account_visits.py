"""Account visit: who is at the pages of their own account, and the sign-in that leads there.

Signing in is what it is at every interaction (decisions/0033); at the end of this one stands the
session alone. There is no client, so nothing is issued, and nothing leaves Porta (decisions/0043).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from porta.browser import binding, interactions, request_copies, sessions
from porta.browser.binding import Browser
from porta.errors import Forbidden
from porta.limits import request_limits
from porta.pages import branding
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenants.tenant import Tenant
from storage.models.artifact import artifact_id
from storage.models.artifacts import Session
from storage.models.clients import Client
from storage.models.interactions import Interaction, InteractionKind
from storage.models.users import User, UserProfile

if TYPE_CHECKING:
    from storage.router import Storage

RECENT = 600
"""Seconds after a sign-in in which it is good for a change (ASVS 7.5.1)."""
_CLIENT_ID = "account"
"""What stands for a client in events and counts; no look-up of a client is ever made by it."""
_NOBODY, _TOO_LONG_AGO = ("no_session",), ("max_age",)


class VisitOver(Forbidden):
    """Whoever was at their own account is there no more."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A person at their own account, and whether they have shown lately that it is them."""

    session: Session
    user: User
    is_recent: bool


def client_of(tenant: Tenant) -> Client:
    """Return what stands for a client where people sign in to their own account: no row of the
    database, of no application, with the login methods of its organization.
    """
    return Client(
        id="",
        organization_id=tenant.id,
        application_id="",
        client_id=_CLIENT_ID,
        client_name=branding.brand(tenant.organization).company,
        client_type="public",
    )


async def find(runtime: Runtime, tenant: Tenant, browser: Browser) -> Visit | None:
    """Return who is signed in at this browser, where session and person stand at this moment; their
    session is used by that.
    """
    session = await sessions.find(runtime, tenant, browser)
    if session is None or not await _stands(runtime, tenant, session):
        return None
    user = await runtime.storage.users.find_by_id(session.account_id, tenant.id)
    if user is None or not user.is_usable:  # by now: the session was looked at before
        return None
    age = runtime.clock() - session.authenticated_at
    # Whoever was let in by a device alone has not shown all that it takes to change something here.
    return Visit(session, user, is_recent=age < RECENT and session.trusted_device is None)


async def _stands(runtime: Runtime, tenant: Tenant, session: Session) -> bool:
    """A copy of a session may outlive it: PostgreSQL is asked, as before a code is issued."""
    idle_ttl, interval = tenant.config.session_idle_ttl, tenant.config.session_use_interval
    no_grant = artifact_id(f"{_CLIENT_ID} {session.uid}")
    status = await runtime.storage.users.session_status(
        session, no_grant, idle_ttl=idle_ttl, use_interval=interval
    )
    if status is None or not status.is_user_usable:
        return False
    if status.use_is_due:
        runtime.session_uses.note(session, idle_ttl=idle_ttl, interval=interval)
    return True


async def hold(tx: Storage, visit: Visit) -> UserProfile:
    """Return the person, held until the transaction ends, where they may still do what is theirs.

    Between the look at a request and what it changes somebody may have been locked, or signed out
    from another browser. Raises VisitOver.
    """
    key = visit.user.id, visit.user.organization_id
    user = await tx.users.find(key[0], organization_id=key[1], hold=True)
    if user is None or not user.is_usable:
        raise VisitOver("this person may not sign in any more")
    if not await tx.session_lists.of_person(*key, 1, only=visit.session.uid):
        raise VisitOver("the session was ended meanwhile")
    return user


async def begin(
    runtime: Runtime,
    tenant: Tenant,
    browser: Browser,
    address: str,
    visit: Visit | None,
    section: str | None = None,
) -> tuple[str, str]:
    """Have somebody sign in, or show once more that it is them, which leads to the page `section`;
    return what the interaction is found by, and the secret of the browser that it is bound to.

    Raises Throttled where too many requests of this `address` wait for a person already.
    """
    secret = browser.secret or binding.new_secret()
    interaction = Interaction(
        id="",
        organization_id=tenant.id,
        slug=tenant.slug,
        client_id=_CLIENT_ID,
        kind=InteractionKind.ACCOUNT,
        parameters={},
        section=section,
        prompt="login",
        reasons=_NOBODY if visit is None else _TOO_LONG_AGO,
        browser=artifact_id(secret),
        csrf=opaque.new_value(),
        created_at=int(runtime.clock()),
        previous_session=visit.session.uid if visit else None,
    )
    value = await request_limits.keep_interaction(
        runtime, tenant, client_of(tenant), address, partial(replace, interaction)
    )
    return request_copies.to_handle(runtime, value, interaction), secret


def is_answered(interaction: Interaction, visit: Visit | None) -> bool:
    """Whether what an interaction of this kind waits for has been shown, here or in another tab."""
    if visit is None:
        return False
    if interaction.session_uid == visit.session.uid or interaction.reasons == _NOBODY:
        return True
    return interaction.reasons == _TOO_LONG_AGO and visit.is_recent


async def ask_again(
    runtime: Runtime, tenant: Tenant, interaction: Interaction, visit: Visit | None
) -> None:
    """Have the interaction ask for what is missing, of whoever is here by now."""
    await interactions.save(
        runtime, tenant, interaction,
        reasons=_NOBODY if visit is None else interaction.reasons,
        previous_session=visit.session.uid if visit else None,
    )  # fmt: skip
