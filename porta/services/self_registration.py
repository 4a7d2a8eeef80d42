"""Self-registration: a link to whoever has the address, and an account for whoever has the link.

Nothing that somebody asks for makes an account, or tells whether there is one: who has one already
is told so by mail, at the same time and in the same answer (decisions/0045).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import msgspec

from porta.audit import events
from porta.browser import interactions
from porta.browser.open_interactions import OpenInteraction
from porta.limits import mailed_links
from porta.limits.even_time import in_steps
from porta.limits.origin import Origin
from porta.pages import client_brands
from porta.protocol.clients.client_links import find_home
from porta.runtime import Runtime
from porta.security import link_tokens
from porta.services import registration_letters, typed_address, welcome
from porta.services.password_reset import LinkOver, Refused, hash_by_link
from porta.services.typed_address import NoAddress
from porta.services.welcome import Typed
from porta.tenants import home_realms, resolve
from porta.tenants.resolve import takes_registrations
from porta.tenants.tenant import Tenant
from porta.text.email_addresses import ascii_domain_form
from storage.errors import AlreadyConsumed
from storage.models.artifact import artifact_id
from storage.models.artifacts import Registration
from storage.models.clients import Client
from storage.models.organizations import Organization
from storage.models.users import User
from storage.router import Storage

_NAMES = ("given_name", "family_name")


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for: with which address, in which language, coming from where."""

    email: str
    language: str
    opened: OpenInteraction | None = None
    """The sign-in that it is asked for at."""
    proof: str | None = None
    """A puzzle that was solved."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A registration that can be completed."""

    email: str
    client: Client | None
    """Where the person came from."""
    asks_password: bool


async def ask(runtime: Runtime, tenant: Tenant, asked: Asked, origin: Origin) -> None:
    """Mail a link to an address that nobody has here; to one that somebody has, that it is so.

    It is answered alike, and at the same time. Raises NoAddress, which tells of no person;
    Throttled before anything is stored or sent, Unavailable where the queue is full, and
    ElsewhereOnly for an address that has to sign in at its provider, whoever has it.
    """
    address = _address(tenant.organization, asked.email)
    await home_realms.check(runtime, tenant, address)
    async with in_steps():
        await mailed_links.count_registration(runtime, tenant, address, origin, asked.proof)
        if asked.opened is not None:  # it shall not end before the link does, without need
            await interactions.save(
                runtime, tenant, asked.opened.interaction, created_at=int(runtime.clock())
            )
        await _mail(runtime, tenant, asked, address, origin)


async def find(runtime: Runtime, tenant: Tenant, token: str) -> Offer:
    """Return what a link offers; nothing is used up. Raises LinkOver, also where nobody may
    register any more, or the address is somebody's by now; ElsewhereOnly as `ask`.
    """
    storage, link = runtime.storage, None
    if takes_registrations(runtime, tenant) and link_tokens.digest_of(token) is not None:
        link = await storage.artifacts.find(Registration, token, tenant.id)
    if link is None or not _may(tenant.organization, link.email):
        raise LinkOver
    if await storage.users.find_by_email(tenant.id, link.email) is not None:
        raise LinkOver
    await home_realms.check(runtime, tenant, link.email)
    client = None
    if link.registers_at is not None:
        client = await resolve.find_client(runtime, tenant, link.registers_at)
    return Offer(link.email, client, _takes_passwords(tenant.organization, client))


async def complete(
    runtime: Runtime, tenant: Tenant, token: str, typed: Typed, language: str, origin: Origin
) -> tuple[Offer, str | None]:
    """Use the link: there is an account then, active, of an address that is proven. Return the
    offer, and the page of the client that it leads to.

    Nobody is signed in by it. Raises Refused, before the link is used, LinkOver, Throttled where
    many hash by one link, and Unavailable where there is no room to.
    """
    offer = await find(runtime, tenant, token)
    user = User(
        id=str(uuid.uuid4()), organization_id=tenant.id, email=offer.email, email_verified=True,
        locale=language, given_name=typed.names.get("given_name") or None,
        family_name=typed.names.get("family_name") or None,
    )  # fmt: skip
    problems = welcome.find_problems(tenant, user, typed, _NAMES, asks_password=offer.asks_password)
    if problems:
        raise Refused(problems)
    hashed = None
    if offer.asks_password:
        hashed = await hash_by_link(runtime, tenant, token, typed.password, origin)
    home_url = find_home(offer.client) if offer.client else None
    look = client_brands.dress(tenant.organization, offer.client)
    letter = welcome.write(runtime, tenant, user, offer.client, home_url, look)
    # Who serves a tenant makes nobody: this is what the administrator let people do.
    async with runtime.storage.everywhere.transaction() as tx:
        await _use(tx, tenant, token)
        made = await tx.users.insert(_with_password(user, hashed))
        if made is None:
            raise LinkOver("somebody has the address by now")
        await _record(tx, tenant, made.id, offer, origin)
        await runtime.post.queue(
            tx, "welcome", letter, to=made.email, organization_id=tenant.id,
            lifetime=welcome.NOTICE, user_id=made.id,
        )  # fmt: skip
    return offer, home_url


def _address(organization: Organization, typed: str) -> str:
    address = typed_address.read(typed)
    if not _may(organization, address):
        raise NoAddress("register.error_domain")
    return address


def _may(organization: Organization, address: str) -> bool:
    """Whether an address is one that people register with here."""
    if organization.registration != "domain":
        return organization.registration == "open"
    return ascii_domain_form(address).rpartition("@")[2] in organization.registration_domains


def _takes_passwords(organization: Organization, client: Client | None) -> bool:
    methods = client.login_methods if client else None
    return "password" in (organization.default_login_methods if methods is None else methods)


def _with_password(user: User, hashed: str | None) -> User:
    return msgspec.structs.replace(user, password_hash=hashed)


async def _mail(
    runtime: Runtime, tenant: Tenant, asked: Asked, address: str, origin: Origin
) -> None:
    """Queue one mail, whoever has the address; the link is kept for nobody too, who never sees it:
    it takes its time.
    """
    user = await runtime.storage.users.find_by_email(tenant.id, address)
    token, ttl = link_tokens.new_token(), tenant.config.registration_ttl
    client = asked.opened.client if asked.opened is not None else None
    link = Registration(
        id=artifact_id(token.value), organization_id=tenant.id, email=address,
        registers_at=client.client_id if client is not None else None,
    )  # fmt: skip
    if user is None:
        letter = registration_letters.write_link(
            runtime, tenant, address, asked.language, token.value, asked.opened
        )
    else:
        has_password = _takes_passwords(tenant.organization, client)
        letter = registration_letters.write_known(
            runtime, tenant, user, client, has_password=has_password
        )
    async with runtime.storage.transaction() as tx:
        await tx.artifacts.save(link, ttl)
        await runtime.post.queue(
            tx, "registration" if user is None else "account_exists", letter,
            to=address if user is None else user.email, organization_id=tenant.id, lifetime=ttl,
            user_id=user.id if user is not None else None,
        )  # fmt: skip
        await events.record(
            tx, "user.registration.requested", organization_id=tenant.id,
            user_id=user.id if user is not None else None, origin=origin,
            metadata={"known": user is not None, "proven": asked.proof is not None},
        )  # fmt: skip


async def _use(tx: Storage, tenant: Tenant, token: str) -> None:
    """Use the link up. Raises LinkOver for who comes second."""
    try:
        link = await tx.artifacts.consume(Registration, token, tenant.id)
    except AlreadyConsumed:
        link = None
    if link is None:
        raise LinkOver("the link was used meanwhile")


async def _record(tx: Storage, tenant: Tenant, user_id: str, offer: Offer, origin: Origin) -> None:
    told = {"client_id": offer.client.client_id} if offer.client is not None else {}
    for event in ("user.created", "user.registration.completed"):
        await events.record(
            tx, event, organization_id=tenant.id, user_id=user_id, metadata=told, origin=origin
        )
