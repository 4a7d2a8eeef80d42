"""Password reset: a link to whoever has the address, and another password for whoever has the link.

What it answers tells nobody whether there is such a person: asked for, it does as much for an
address that nobody has, and is answered at the same time (requirement F.4).
"""

from __future__ import annotations

from dataclasses import dataclass

from porta.audit import events
from porta.emails import notices
from porta.emails.message import Letter
from porta.errors import Invalid
from porta.limits import mailed_links
from porta.limits.address_blocks import address_block
from porta.limits.even_time import in_steps
from porta.limits.fair_queue import Asker
from porta.limits.origin import Origin
from porta.outbox import queue
from porta.protocol import endpoints
from porta.runtime import Runtime
from porta.security import known_browsers, link_tokens
from porta.security.link_tokens import LinkToken
from porta.services import pending_email, user_passwords
from porta.tenants import home_realms
from porta.tenants.tenant import Tenant
from porta.text.email_addresses import counted_email
from storage.models.auth_tokens import LinkKind
from storage.models.organizations import Organization
from storage.models.users import User, UserProfile
from storage.router import Storage

_CHANGED = "password_changed"
_KIND, _WHAT = LinkKind.PASSWORD_RESET, "password_reset"
_METHOD = "password"
BREACHED = "breached"
_COMPLETED = "user.password_reset.completed"


class LinkOver(Invalid):
    """A link that is unknown here, used, or over."""

    def __init__(self, message: str = "the link is unknown, used or over") -> None:
        super().__init__(message)


class Refused(Invalid):
    """A password that may not be chosen: `reasons` are those of WeakPassword, `mismatch`, and
    BREACHED."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__("the password may not be chosen", reason=reasons[0])
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for a link, at which organization, as whom."""

    runtime: Runtime
    tenant: Tenant
    email: str
    origin: Origin
    interaction: str | None
    """The value of the interaction that the link leads back to."""
    look: Organization
    """The organization as the client of that interaction shows it, or as it is."""


async def ask(
    runtime: Runtime,
    tenant: Tenant,
    email: str,
    origin: Origin,
    *,
    known_value: str | None = None,
    interaction: str | None = None,
    look: Organization | None = None,
) -> None:
    """Mail a link to whoever has this address, whatever their status; the others hear nothing.

    `known_value` is what the browser was given when it signed in before, and `look` the
    organization as a client shows it in whose interaction this is asked. Raises Throttled, and
    Unavailable where the queue is full, and ElsewhereOnly for an address that has to sign in at its
    provider, whoever has it.
    """
    await home_realms.check(runtime, tenant, email)
    shown = look or tenant.organization
    asked = Asked(runtime, tenant, counted_email(email), origin, interaction, shown)
    async with in_steps():
        await mailed_links.count(runtime, tenant, _WHAT, asked.email, origin, known_value)
        user = await runtime.storage.users.find_by_email(tenant.id, asked.email)
        token = link_tokens.new_token()
        letter = _write(asked, user, token)
        async with runtime.storage.transaction() as tx:
            if user is not None:
                await _mail(tx, asked, user, token, letter)
            else:
                await queue.check_room(tx, tenant.id)
            event = "user.password_reset.requested" if user else "user.password_reset.failed"
            await _record(tx, asked, user, event, None if user else "unknown_user")


async def is_possible(
    runtime: Runtime, tenant: Tenant, opened_methods: tuple[str, ...] | None
) -> bool:
    """Whether there are passwords here: at the sign-in that is open in this browser, which takes
    `opened_methods`, or else at the organization, or any client that says so for itself.
    """
    if opened_methods is not None:
        return _METHOD in opened_methods
    if _METHOD in tenant.organization.default_login_methods:
        return True
    return await runtime.storage.clients.takes(tenant.id, _METHOD)


async def find(runtime: Runtime, tenant: Tenant, token: str) -> UserProfile:
    """Return whose password a link changes; nothing is used up. Raises LinkOver, and ElsewhereOnly
    where a password is of no use by now.
    """
    digest = link_tokens.digest_of(token)
    link = digest and await runtime.storage.auth_tokens.find(_KIND, digest, tenant.id)
    user = link and await runtime.storage.users.find(link.user_id, organization_id=tenant.id)
    if not user:
        raise LinkOver
    await home_realms.check(runtime, tenant, user.email)
    return user


async def reset(
    runtime: Runtime,
    tenant: Tenant,
    token: str,
    password: str,
    repeated: str,
    origin: Origin,
    known_value: str | None = None,
) -> str:
    """Use the link: its person has this password, typed and `repeated`, and everything that was
    signed in is out. Return what the browser is known by from now on: guesses of strangers do not
    keep the password from whoever has just chosen it.

    An automatic lock ends; one that an administrator began stays. Nobody is signed in by it. Raises
    Refused, before the link is used, LinkOver, Throttled where many hash by one link, and
    Unavailable where there is no room to.
    """
    user = await find(runtime, tenant, token)
    if reasons := _problems(tenant, user, password, repeated):
        raise Refused(reasons)
    hashed = await hash_by_link(runtime, tenant, token, password, origin)
    url = f"{tenant.issuer}/auth/forgot-password"
    # They stay: who reads a mailbox would be rid of a factor else. Their owner is told which.
    passkeys = await runtime.storage.passkeys.list(user.id, tenant.id)
    letter = notices.write(
        runtime.post, _CHANGED, tenant.organization, user, url=url,
        passkeys=tuple(each.name for each in passkeys),
        security_url=f"{tenant.issuer}{endpoints.account_page('security')}",
    )  # fmt: skip
    async with runtime.storage.transaction() as tx:
        await tx.users.find(user.id, organization_id=tenant.id, hold=True)
        link = await tx.auth_tokens.use(_KIND, link_tokens.digest_of(token) or "", tenant.id)
        if link is None or link.user_id != user.id:
            raise LinkOver("the link was used meanwhile")
        await _change(tx, tenant, user, hashed, origin)
        await notices.queue(tx, runtime.post, _CHANGED, letter, user, to=link.email)
    keys, account = runtime.settings.cookie_keys, known_browsers.after_reset(user.email)
    return known_browsers.remember(keys, known_value, tenant.id, account, runtime.clock())


async def hash_by_link(
    runtime: Runtime, tenant: Tenant, token: str, password: str, origin: Origin
) -> str:
    """Return the hash of a password that whoever has a link chooses; the link is not used by it.

    Raises Refused for one that leaked, Throttled where many hash by one link, and Unavailable where
    there is no room to.
    """
    asker = Asker(tenant.id, address_block(origin.address))
    async with mailed_links.counting_password(runtime, tenant, token):
        if await user_passwords.is_breached(runtime, tenant.organization, password):
            raise Refused((BREACHED,))
        return await runtime.passwords.hash(password, asker)


def _problems(tenant: Tenant, user: User, password: str, repeated: str) -> tuple[str, ...]:
    organization = tenant.organization
    names = user_passwords.names_of(organization, user)
    found = [str(p.reason) for p in user_passwords.find_problems(password, organization, names)]
    return (*found, "mismatch") if password != repeated else tuple(found)


async def _change(
    tx: Storage, tenant: Tenant, user: UserProfile, password_hash: str, origin: Origin
) -> None:
    """Change the password, and end what there was by the old one (ASVS 7.4.3)."""
    key = (user.id, tenant.id)
    await tx.user_passwords.set(*key, password_hash)
    await tx.login_attempts.reset(*key)
    if not user.email_verified:  # what was sent there has come back
        await tx.users.update(*key, {"email_verified": True})
    await tx.auth_tokens.end_resets(*key)
    await pending_email.end(tx, user, _COMPLETED, origin=origin)
    await tx.end_account(*key, _COMPLETED)
    await events.record(
        tx, _COMPLETED, organization_id=tenant.id, user_id=user.id, origin=origin
    )  # fmt: skip


async def _mail(tx: Storage, asked: Asked, user: User, token: LinkToken, letter: Letter) -> None:
    ttl, organization_id = asked.tenant.config.password_reset_ttl, asked.tenant.id
    # Of two who ask at once one waits, so that one link is left.
    await tx.users.find(user.id, organization_id=organization_id, hold=True)
    await tx.auth_tokens.add(_KIND, user.id, organization_id, token.digest, ttl)
    await asked.runtime.post.queue(
        tx, "password_reset", letter, to=user.email, organization_id=organization_id,
        lifetime=ttl, user_id=user.id,
    )  # fmt: skip


async def _record(
    tx: Storage, asked: Asked, user: User | None, event: str, reason: str | None
) -> None:
    await events.record(
        tx, event, organization_id=asked.tenant.id,
        user_id=user.id if user else None, metadata={"reason": reason} if reason else {},
        origin=asked.origin,
    )  # fmt: skip


def _write(asked: Asked, user: User | None, token: LinkToken) -> Letter:
    """Write the mail, also where there is nobody to read it: it takes its time."""
    post, tenant = asked.runtime.post, asked.tenant
    # From the settings, whatever host was asked (requirement E.4).
    url = f"{tenant.issuer}/auth/reset-password/{token.value}"
    if asked.interaction is not None:
        url += f"?interaction={asked.interaction}"
    return post.emails.write(
        "password_reset",
        asked.look,
        user.locale if user else None,
        name=user.given_name if user else None,
        email=asked.email,
        url=url,
        minutes=tenant.config.password_reset_ttl // 60,
    )
