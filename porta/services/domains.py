"""Domain service: domains that an organization proves to be its own, and where they lead people.

An organization proves a domain by a TXT record (RFC 1464 gives the form) that holds a challenge of
its own, and leads its own people by it alone: others may prove the same one (decisions/0047).
"""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from porta.audit.actors import Actor
from porta.errors import Conflict, Forbidden, Invalid, TooManyRequests, Unavailable
from porta.outbound.dns import NotResolved, find_texts
from porta.runtime import Runtime
from porta.security import opaque
from porta.services import fields, owned
from porta.services.commands import ABSENT, Patch
from porta.services.connection_checks import check_right, hold_with_right
from porta.services.permissions import needs
from porta.services.targets import changes_of, check_page, find_home, require, write_changes
from storage.models.domains import Domain
from storage.models.organizations import Organization
from storage.models.pages import Listed, Page
from storage.repositories.domains import SORTS
from storage.stores.counters import Limit

if TYPE_CHECKING:
    from storage.router import Storage

WHAT = "Domain"
_record = partial(owned.record, "domain_id")
MOST = 100
"""Domains of an organization."""
_LOOKUPS = 20
_BY_LINK, _BY_LINKS = 10, 40
"""Look-ups by one set-up link, and by all of an organization: none of its administrators'."""
_WINDOW = 600  # seconds
_LABEL = "_porta-challenge"


_LONGEST = 253 - len(_LABEL) - 1
"""Characters of a domain whose record has a name that the DNS can hold (RFC 1035 §2.3.4)."""


def _find_length_problem(domain: str) -> str | None:
    return None if len(domain) <= _LONGEST else f"must have at most {_LONGEST} characters"


DomainName = Annotated[fields.Domain, fields.judged(_find_length_problem)]
Mode = Literal["offer", "require"]


class DomainPatch(Patch):
    """What of a domain may change. Its name is what was proven, and does not."""

    connection_id: fields.Id | None = ABSENT
    """Where people with an address of it sign in; null leads them nowhere."""
    mode: Mode = ABSENT
    """Whether they may sign in there, or have to."""


class NewDomain(DomainPatch):
    """A domain to be proven."""

    domain: DomainName


def record_of(domain: Domain) -> tuple[str, str]:
    """Return name and text of the TXT record that proves a domain."""
    return f"{_LABEL}.{domain.domain}", f"porta-verify={domain.challenge}"


@needs("admin:org:update")
async def create(tx: Storage, actor: Actor, organization: str, command: NewDomain) -> Domain:
    """Claim a domain for an organization (id or slug): nobody is led by it until it is proven.

    Raises NotFound, Invalid, Conflict, Forbidden.
    """
    home = await find_home(tx, actor, organization)
    check_right(actor, home)
    new = Domain(
        id=str(uuid.uuid4()), organization_id=home.id, challenge=opaque.new_value(),
        **command.said(),
    )  # fmt: skip
    await _check_leads(tx, home, new)
    if await tx.domains.count(home.id) >= MOST:
        raise Conflict(f"an organization has {MOST} domains at most")
    made = await tx.domains.insert(new)
    if made is None:
        raise Conflict.at("domain", message="this organization has it already")
    await _record(tx, actor, "domain.created", None, made)
    return made


@needs("admin:org:read")
async def get(storage: Storage, actor: Actor, target: str, *, within: str | None = None) -> Domain:
    """Return the domain of this id. Raises NotFound."""
    return await owned.find(storage.domains, actor, target, within, WHAT)


@needs("admin:org:read")
async def list(storage: Storage, actor: Actor, organization: str, page: Page) -> Listed[Domain]:
    """Return a page of the domains of an organization. Raises NotFound, Invalid."""
    check_page(page, SORTS)
    home = await find_home(storage, actor, organization)
    return await storage.domains.list_page(home.id, page)


@needs("admin:org:update")
async def update(
    tx: Storage,
    actor: Actor,
    target: str,
    patch: DomainPatch,
    version: int | None = None,
    *,
    within: str | None = None,
) -> Domain:
    """Change where people of a domain are led. One that has lapsed is required of nobody anew.

    Raises as `create`, and PreconditionFailed.
    """
    stored, home = await hold_with_right(tx, tx.domains, actor, target, within, WHAT, version)
    changes = changes_of(stored, patch.said())
    if changes.get("mode") == "require" and stored.lapsed_at is not None:
        raise Invalid.at("mode", message="has lapsed: verify the domain again first")
    if changes:
        await _check_leads(tx, home, msgspec.structs.replace(stored, **changes))
    return await write_changes(
        stored, changes, WHAT, partial(tx.domains.update, stored.id, stored.organization_id),
        partial(_record, tx, actor, "domain.updated"),
    )  # fmt: skip


@needs("admin:org:update")
async def delete(
    tx: Storage,
    actor: Actor,
    target: str,
    version: int | None = None,
    *,
    within: str | None = None,
) -> Domain:
    """Give a domain up: nobody is led by it any more. Raises NotFound, PreconditionFailed,
    Forbidden.
    """
    stored, _ = await hold_with_right(tx, tx.domains, actor, target, within, WHAT, version)
    await tx.domains.delete(stored.id, stored.organization_id)
    await _record(tx, actor, "domain.deleted", stored, None)
    return stored


@needs("admin:org:update")
async def look_up(
    storage: Storage,
    actor: Actor,
    runtime: Runtime,
    target: str,
    *,
    within: str | None = None,
    setup_link_id: str | None = None,
) -> bool:
    """Return whether the record of a domain is there, as the resolvers say now. It waits for them:
    in no transaction. Who asks by a set-up link has a count of their own.

    Raises NotFound, Forbidden, TooManyRequests for an organization that asks too often, and
    Unavailable where nobody says.
    """
    domain = await owned.find(storage.domains, actor, target, within, WHAT)
    check_right(actor, await find_home(storage, actor, domain.organization_id))
    slot = f"domain_lookup:{domain.organization_id}"
    excess = await storage.counters.spend(slot, _limits(slot, setup_link_id))
    if excess is not None:
        raise TooManyRequests("Too many look-ups", retry_after=excess.retry_after)
    try:
        return await is_there(runtime, domain)
    except NotResolved as failure:
        raise Unavailable(
            f"no resolver says what {domain.domain} has: {failure}", retry_after=60
        ) from None


def _limits(slot: str, setup_link_id: str | None) -> tuple[Limit, ...]:
    if setup_link_id is None:
        return (Limit(slot, _LOOKUPS, _WINDOW),)
    one = Limit(f"{slot}:link:{setup_link_id}", _BY_LINK, _WINDOW)
    return one, Limit(f"{slot}:links", _BY_LINKS, _WINDOW)


async def is_there(runtime: Runtime, domain: Domain) -> bool:
    """Return whether the record of a domain is there. Raises NotResolved."""
    name, text = record_of(domain)
    return text in await find_texts(runtime.settings.dns_resolvers, name)


@needs("admin:org:update")
async def verify(
    tx: Storage,
    actor: Actor,
    target: str,
    there: bool,
    *,
    within: str | None = None,
    setup_link_id: str | None = None,
) -> Domain:
    """Take a domain as proven whose record is `there`. Raises NotFound, Conflict, Forbidden."""
    stored, home = await hold_with_right(tx, tx.domains, actor, target, within, WHAT)
    if not there:
        name, text = record_of(stored)
        raise Conflict(f"there is no TXT record {text} at {name}; one that is new takes a while")
    await _check_leads(tx, home, stored)
    after = require(await tx.domains.found(stored.id, stored.organization_id), WHAT)
    await _record(tx, actor, "domain.verified", stored, after, setup_link_id)
    return after


async def _check_leads(tx: Storage, home: Organization, wanted: Domain) -> None:
    """Raise Invalid for what leads nowhere, and Forbidden for what locks administrators out."""
    if wanted.mode == "require" and home.is_super_admin:
        raise Forbidden("administrators keep a way in of their own: of them nothing is required")
    if wanted.mode == "require" and wanted.connection_id is None:
        raise Invalid.at("connectionId", message="must be given where it is required")
    if wanted.connection_id is None:
        return
    # Held: nobody switches off meanwhile what people will have to use.
    connection = await tx.connections.find(wanted.connection_id, hold=True)
    if connection is None or connection.organization_id != home.id:
        raise Invalid.at("connectionId", message="this organization has no such connection")
    if wanted.mode == "require" and connection.status != "active":
        raise Invalid.at("connectionId", message="must be active where it is required")
