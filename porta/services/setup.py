"""Set-up: what somebody does who has a set-up link, with the rights of whoever made it (0048).

Nothing that is typed is a connection before a sign-in there was tried: until then it stands in the
link alone, in the browser that began.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from porta.audit.actors import Actor
from porta.browser.binding import Browser
from porta.errors import Forbidden, Invalid, NotFound, Problem
from porta.limits.origin import Origin
from porta.protocol.federation.profile import Profile
from porta.protocol.federation.told import mapping_of, tell
from porta.runtime import Runtime
from porta.security import link_tokens
from porta.security.connection_secrets import open_secret
from porta.services import connections, domains, setup_drafts, setup_letters
from porta.services.password_reset import LinkOver
from porta.services.setup_drafts import MISSING
from porta.services.setup_forms import Typed
from porta.services.setup_links import record
from porta.tenants.tenant import Tenant
from storage.models.connections import Connection
from storage.models.domains import Domain
from storage.models.setup_links import SetupLink

if TYPE_CHECKING:
    from storage.router import Storage

MOST_TESTS = 20
"""Sign-ins that are tried with one link."""


class BegunElsewhere(Invalid):
    """A link that another browser has begun with."""


class NoMoreTests(Invalid):
    """A link by which as many sign-ins were tried as may be."""


class Stale(Invalid):
    """A page of a draft that was changed since, or was not tested."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A link that leads somewhere, and what it is used with."""

    link: SetupLink
    maker: Actor
    """Whoever made it, with the rights that they have now."""
    domain: Domain | None


async def find(runtime: Runtime, tenant: Tenant, token: str) -> Setup:
    """Return what a link is good for; nothing is used up. Raises LinkOver, also where whoever made
    it may not do any more what it does.
    """
    digest = link_tokens.digest_of(token)
    storage = runtime.storage
    link = digest and await storage.setup_links.find_by_digest(digest, tenant.id)
    if not link:
        raise LinkOver("the set-up link is unknown, used, ended or over")
    # Who made it is of another organization, and no tenant reads domains but through its links.
    maker = await _maker(storage.everywhere, link)
    domain = None
    if link.domain_id is not None:
        domain = await storage.everywhere.domains.find(link.domain_id)
        if domain is None or domain.organization_id != tenant.id:
            raise LinkOver("the domain of the set-up link is gone")
    return Setup(_as_judged_now(link), maker, domain)


def _as_judged_now(link: SetupLink) -> SetupLink:
    """Return a link without a draft that would not be taken any more: it is typed anew."""
    if link.draft is None or setup_drafts.is_fit(link.draft):
        return link
    return msgspec.structs.replace(link, draft=None, tested=None)


def is_begun(setup: Setup, browser: Browser) -> bool:
    """Whether this browser has begun; False where none has. Raises BegunElsewhere."""
    if setup.link.browser is None:
        return False
    if browser.digest != setup.link.browser:
        raise BegunElsewhere("the set-up link was begun in another browser")
    return True


async def begin(runtime: Runtime, setup: Setup, browser: Browser, origin: Origin) -> None:
    """Bind the link to a browser: of two that begin at once, one does. Raises LinkOver and
    BegunElsewhere.
    """
    if is_begun(setup, browser):
        return
    link, digest = setup.link, browser.digest
    assert digest is not None, "a form holds in a browser with a secret"
    async with runtime.storage.transaction() as tx:
        if await tx.setup_links.begin(link.id, link.organization_id, digest) is None:
            raise BegunElsewhere("another browser began with the set-up link meanwhile")
        await record(tx, "setup_link.begun", link, Actor(origin=origin))


async def save(runtime: Runtime, setup: Setup, typed: Typed) -> SetupLink:
    """Keep what was typed, to be tested, and count that. Raises Invalid, NoMoreTests, LinkOver."""
    draft = _read(runtime, setup.link, typed)
    link = setup.link
    saved = await runtime.storage.setup_links.save_draft(
        link.id, link.organization_id, draft, MOST_TESTS
    )
    if saved is not None:
        return saved
    if link.tests >= MOST_TESTS:
        raise NoMoreTests("too many sign-ins were tried with this link")
    raise LinkOver("the set-up link ended meanwhile")


def _read(runtime: Runtime, link: SetupLink, typed: Typed) -> Connection:
    """Return the draft that was typed. A secret that is kept goes nowhere but where it was meant
    for: who names another provider types it anew. Raises Invalid.
    """
    assert link.provider is not None
    assert link.name is not None
    assert link.connection_id is not None
    keys, before, kept = runtime.settings.signing_key_encryption_keys, link.draft, None
    if before is not None and before.client_secret is not None:
        kept = open_secret(before.client_secret, link.connection_id, keys)
    command = setup_drafts.read(link.provider, link.name, typed, kept)
    draft = connections.build(link.organization_id, command, link.connection_id, keys)
    is_new = bool((typed.get("client_secret") or "").strip())
    if before is None or is_new or _is_for(draft) == _is_for(before):
        return draft
    raise Invalid(problems=[Problem(("client_secret",), MISSING)])


def _is_for(draft: Connection) -> tuple[str, str, dict[str, str]]:
    """Return whom a secret is sent to, and as whose; where an OAuth 2.0 server is, options say."""
    return draft.issuer, draft.client_id, draft.options


async def keep_test(
    runtime: Runtime, link: SetupLink, number: int, profile: Profile, origin: Origin
) -> None:
    """Keep what a provider told in the test of the draft of this number. Raises Stale where that is
    not the draft any more.
    """
    async with runtime.storage.transaction() as tx:
        kept = await tx.setup_links.save_test(link.id, link.organization_id, number, tell(profile))
        if kept is None:
            raise Stale("what was tested was changed meanwhile")
        await record(tx, "setup_link.tested", link, Actor(origin=origin), succeeded=True)


async def note_failure(runtime: Runtime, link: SetupLink, reason: str, origin: Origin) -> None:
    """Record why a test failed."""
    actor = Actor(origin=origin)
    await record(runtime.storage, "setup_link.tested", link, actor, succeeded=False, reason=reason)


async def finish(
    runtime: Runtime,
    tenant: Tenant,
    setup: Setup,
    browser: Browser,
    number: int,
    chosen: Mapping[str, str],
    origin: Origin,
) -> Connection:
    """Make the draft of this number, which was tested, a connection that people sign in at.

    `chosen` are claims by field. All of it is one transaction, with the rights of whoever made the
    link by then, who is told by mail. Raises Stale, LinkOver, BegunElsewhere, and Conflict for what
    the organization has already.
    """
    async with runtime.storage.everywhere.transaction() as tx:
        held = await _hold(tx, setup, browser, origin)
        draft, tested = held.link.draft, held.link.tested
        if draft is None or tested is None or held.link.draft_number != number:
            raise Stale("what is to go live was not tested")
        mapping = mapping_of(chosen, tested.mappable)
        new = msgspec.structs.replace(draft, claim_mapping=mapping)
        try:
            made = await connections.add(tx, held.maker, new, held.link.id)
        except (Forbidden, NotFound):
            raise LinkOver("whoever made the set-up link may not do this any more") from None
        await _complete(tx, runtime, tenant, held, made.name, connection_id=made.id)
    return made


async def look_up(
    runtime: Runtime, tenant: Tenant, setup: Setup, browser: Browser, origin: Origin
) -> None:
    """Have the domain proven, where its record is there now. Raises Conflict where it is not, and
    as `domains.look_up`, LinkOver and BegunElsewhere.
    """
    assert setup.domain is not None
    id, by = setup.domain.id, {"within": tenant.id, "setup_link_id": setup.link.id}
    storage = runtime.storage.everywhere
    try:
        there = await domains.look_up(storage, setup.maker, runtime, id, **by)
        async with storage.transaction() as tx:
            held = await _hold(tx, setup, browser, origin)
            proven = await domains.verify(tx, held.maker, id, there, **by)
            await _complete(tx, runtime, tenant, held, proven.domain)
    except (Forbidden, NotFound):
        raise LinkOver("whoever made the set-up link may not do this any more") from None


async def _hold(tx: Storage, setup: Setup, browser: Browser, origin: Origin) -> Setup:
    """Return the link, held, as it is now, and who made it as somebody who acts from `origin`: what
    is done in their name tells where it was done. Raises LinkOver, BegunElsewhere.
    """
    link = await tx.setup_links.hold(setup.link.id, setup.link.organization_id)
    if link is None:
        raise LinkOver("the set-up link was used, or ended, meanwhile")
    maker = replace(await _maker(tx, link), origin=origin)
    held = replace(setup, link=_as_judged_now(link), maker=maker)
    if not is_begun(held, browser):
        raise BegunElsewhere("no browser has begun with the set-up link")
    return held


async def _complete(
    tx: Storage, runtime: Runtime, tenant: Tenant, held: Setup, what: str, **told: object
) -> None:
    link = held.link
    await tx.setup_links.complete(link.id, link.organization_id)
    await record(tx, "setup_link.completed", link, Actor(origin=held.maker.origin), **told)
    await setup_letters.tell(tx, runtime.post, tenant.organization, link, what)


async def _maker(storage: Storage, link: SetupLink) -> Actor:
    """Return who made it, with the rights that they have now. Raises LinkOver for who administers
    no more, or not this.
    """
    found = await storage.administrators.find_rights(link.made_by, link.made_by_client)
    organization_id, permissions = found or (None, frozenset())
    maker = Actor(
        user_id=link.made_by,
        client_id=link.made_by_client,
        organization_id=organization_id,
        permissions=permissions,
    )
    if not maker.holds(["admin:org:update"]) or not maker.sees(link.organization_id):
        raise LinkOver("whoever made the set-up link may not do this any more")
    return maker
