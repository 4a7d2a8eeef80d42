"""Magic link, asked for: mailed to whoever has the address; the others hear nothing (F.4, G.7)."""

from __future__ import annotations

from porta.audit import events
from porta.authn import attempt, login
from porta.authn.authenticator import Evidence
from porta.browser import interactions, request_copies
from porta.browser.open_interactions import OpenInteraction
from porta.emails.message import Letter
from porta.limits import mailed_links
from porta.limits.even_time import in_steps
from porta.limits.origin import Origin
from porta.outbox import queue
from porta.protocol.requests.params import Params
from porta.runtime import Runtime
from porta.security import link_tokens
from porta.security.link_tokens import LinkToken
from porta.tenants import home_realms
from porta.tenants.tenant import Tenant
from porta.text.email_addresses import counted_email
from storage.models.auth_tokens import LinkKind
from storage.models.users import User
from storage.router import Storage

_METHOD = "magic_link"
_LONGEST = 900  # seconds (requirement G.5)


async def ask(
    runtime: Runtime,
    opened: OpenInteraction,
    email: str,
    origin: Origin,
    known_value: str | None = None,
    *,
    remembers: bool = False,
) -> None:
    """Mail a link to whoever has this address and may sign in; a newer one takes the place of those
    that were asked for at the same interaction.

    It is answered alike, and at the same time, whether there is somebody or not. The interaction
    lives as long as its link from now on. Raises Throttled, LoginFailed where nobody may sign in
    this way, Unavailable where the queue is full, and ElsewhereOnly for an address that has to sign
    in at its provider, whoever has it.
    """
    tenant, address = opened.tenant, counted_email(email)
    evidence = Evidence(runtime, opened, Params({}), origin, address, known_browser=False)
    await home_realms.check(runtime, tenant, email)
    taken = (_METHOD,) if login.takes(runtime, opened, _METHOD) else ()
    async with in_steps():
        await mailed_links.count(runtime, tenant, _METHOD, address, origin, known_value)
        await attempt.check_asked(evidence, _METHOD, taken)
        now = int(runtime.clock())
        await interactions.save(
            runtime, tenant, opened.interaction, created_at=now, remembers=remembers
        )
        found = await runtime.storage.users.find_by_email(tenant.id, address)
        user = found if found is not None and found.is_usable else None
        token = link_tokens.new_token()
        letter = _write(runtime, opened, address, user, token)
        async with runtime.storage.transaction() as tx:
            if user is not None:
                await _mail(tx, runtime, opened, user, token, letter)
            else:
                await queue.check_room(tx, tenant.id)
            await _record(tx, tenant, origin, found, is_sent=user is not None)


def lifetime(tenant: Tenant) -> int:
    """Return for how many seconds a link is good: not longer than what it leads to."""
    config = tenant.config
    return min(config.magic_link_ttl, config.interaction_ttl, _LONGEST)


async def _mail(
    tx: Storage,
    runtime: Runtime,
    opened: OpenInteraction,
    user: User,
    token: LinkToken,
    letter: Letter,
) -> None:
    organization_id, ttl = opened.tenant.id, lifetime(opened.tenant)
    await tx.users.find(user.id, organization_id=organization_id, hold=True)
    await tx.auth_tokens.add(
        LinkKind.MAGIC_LINK, user.id, organization_id, token.digest, ttl,
        interaction=opened.interaction.id,
    )  # fmt: skip
    await runtime.post.queue(
        tx, _METHOD, letter, to=user.email, organization_id=organization_id,
        lifetime=ttl, user_id=user.id,
    )  # fmt: skip


async def _record(
    tx: Storage, tenant: Tenant, origin: Origin, user: User | None, *, is_sent: bool
) -> None:
    reason = user.status if user is not None else "unknown_user"
    await events.record(
        tx, "user.magic_link.sent" if is_sent else "user.magic_link.failed",
        organization_id=tenant.id,
        user_id=user.id if user else None, metadata={} if is_sent else {"reason": reason},
        origin=origin,
    )  # fmt: skip


def _write(
    runtime: Runtime, opened: OpenInteraction, email: str, user: User | None, token: LinkToken
) -> Letter:
    """Write the mail, also where there is nobody to read it: it takes its time."""
    uid = request_copies.value_of(opened.uid)
    return runtime.post.emails.write(
        _METHOD,
        opened.look,
        user.locale if user else None,
        name=user.given_name if user else None,
        email=email,
        client_name=opened.client.client_name,
        # From the settings, whatever host was asked (requirement E.4).
        url=f"{opened.tenant.issuer}/auth/magic-link/{token.value}?interaction={uid}",
        minutes=lifetime(opened.tenant) // 60 or 1,
    )
