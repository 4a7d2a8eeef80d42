"""Identities of one person: who they are at other providers; taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.audit import events
from porta.audit.actors import Actor
from porta.emails import notices
from porta.emails.post import Post
from porta.errors import Conflict, Forbidden, NotFound
from porta.protocol import endpoints
from porta.services.people import check_not_super_admin, find_user, hold_user
from porta.services.permissions import needs
from porta.services.targets import require
from porta.tenants import home_realms
from storage.models.connections import Connection, LinkedIdentity
from storage.models.organizations import Organization
from storage.models.users import User

if TYPE_CHECKING:
    from storage.router import Storage


@needs("admin:user:read")
async def list(
    storage: Storage, actor: Actor, target: str, *, within: str | None = None
) -> tuple[LinkedIdentity, ...]:
    """Return who a person is at other providers, the oldest first. Raises NotFound."""
    user = await find_user(storage, actor, target, within)
    return await storage.identities.list(user.id, user.organization_id)


@needs("admin:user:update")
async def unlink(
    tx: Storage,
    actor: Actor,
    target: str,
    identity_id: str,
    *,
    within: str | None = None,
    post: Post,
) -> None:
    """Have a person be nobody there any more, also where they get in by nothing else: sessions and
    tokens go on, and the next sign-in there finds no account. They are told by mail.
    Raises NotFound, and Forbidden for who may what the actor may not.
    """
    user = await hold_user(tx, actor, target, within)
    await check_not_super_admin(tx, user, "keeps their identities")
    if user.id == actor.user_id:
        raise Forbidden("your own identities are taken away at your account, not here")
    stored = await _find(tx, user, identity_id)
    if stored is None:
        raise NotFound("Identity not found")
    home = require(await tx.organizations.find_by_id(user.organization_id), "Organization")
    await _forget(tx, actor, home, user, stored, post)


async def list_own(storage: Storage, person: User) -> tuple[LinkedIdentity, ...]:
    """Return who a person is at other providers. Whose wish it is, is the matter of who calls, as
    with what follows.
    """
    return await storage.identities.list(person.id, person.organization_id)


async def unlink_own(
    tx: Storage,
    actor: Actor,
    home: Organization,
    person: User,
    identity_id: str,
    post: Post,
    connections: tuple[Connection, ...],
) -> bool:
    """Have `person` be nobody there any more; tell whether they were. `connections` are those of
    the organization that are active.

    Raises Conflict where nothing else would let them in. They are held meanwhile: of two that are
    taken away at once, the second one is judged by what is left.
    """
    held = await tx.users.find(person.id, organization_id=person.organization_id, hold=True)
    stored = await _find(tx, held, identity_id) if held is not None and held.is_usable else None
    if held is None or stored is None:
        return False
    if not await _may_go(tx, home, held, stored, connections, mails=post.is_sent):
        raise Conflict("nothing else would let you in")
    await _forget(tx, actor, home, held, stored, post)
    return True


async def _may_go(
    tx: Storage,
    home: Organization,
    user: User,
    identity: LinkedIdentity,
    connections: tuple[Connection, ...],
    *,
    mails: bool,
) -> bool:
    """Whether nobody is kept out by it: where their domain requires another connection, who they
    are at this one lets them in no more.
    """
    realm = home_realms.find_among(connections, user.email)
    if realm is not None and realm.required and realm.connection.id != identity.connection_id:
        return True
    return await has_another_way(tx, home, user, identity.id, connections, mails=mails)


async def has_another_way(
    storage: Storage,
    home: Organization,
    user: User,
    without: str,
    connections: tuple[Connection, ...],
    *,
    mails: bool,
) -> bool:
    """Whether a person can sign in to their account by something else than the identity `without`:
    a password, a passkey, a mailed link, or somebody else they are at a connection that is active.

    Where the domain of their address requires its provider, by who they are there alone.
    """
    methods, key = home.default_login_methods, (user.id, user.organization_id)
    known = await storage.identities.list(*key)
    active = (each for each in known if each.connection_status == "active")
    left = {each.connection_id for each in active if each.id != without}
    realm = home_realms.find_among(connections, user.email)
    if realm is not None and realm.required:
        return realm.connection.id in left
    if "password" in methods and user.password_hash is not None:
        return True
    if "magic_link" in methods and mails:
        return True
    if "passkey" in methods and await storage.passkeys.list(*key):
        return True
    return bool(left)


async def _find(storage: Storage, user: User, identity_id: str) -> LinkedIdentity | None:
    held = await storage.identities.list(user.id, user.organization_id)
    return next((each for each in held if each.id == identity_id.lower()), None)


async def _forget(
    tx: Storage,
    actor: Actor,
    home: Organization,
    user: User,
    identity: LinkedIdentity,
    post: Post,
) -> None:
    await tx.identities.delete(identity.id, user.id, user.organization_id)
    await events.record(
        tx, "user.identity.unlinked", organization_id=user.organization_id, user_id=user.id,
        metadata={"connection_id": identity.connection_id}, actor=actor,
    )  # fmt: skip
    url = f"{post.issuer_base_url}/{home.slug}{endpoints.ACCOUNT}"
    what, told = "identity_unlinked", {"connection": identity.connection_name}
    if identity.email is not None:
        what, told = "identity_unlinked_as", told | {"address": identity.email}
    await notices.tell_change(tx, post, home, user, what, url, **told)
