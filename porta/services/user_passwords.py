"""Passwords of people: set and cleared by administrators; what stored hashes cost."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import Field

from porta.audit.actors import Actor
from porta.emails.post import Post
from porta.errors import Invalid
from porta.protocol.requests.sign_in import demands_second_factor
from porta.runtime import Runtime
from porta.security import password_rules
from porta.security.password_rules import WeakPassword, check_password
from porta.security.passwords import Hashed, Passwords, is_dear_cost
from porta.services import owner_notices, pending_email
from porta.services.commands import Command
from porta.services.people import (
    WHAT,
    check_not_super_admin,
    hold_user,
    record_of_person,
)
from porta.services.permissions import needs
from porta.services.targets import require
from storage.errors import StorageError
from storage.models.organizations import Organization
from storage.models.users import UserProfile

if TYPE_CHECKING:
    from storage.router import Storage

_LOG = logging.getLogger(__name__)
_LEAST = Organization(id="", name="", slug="", two_factor_policy="required_any")
"""Asks of a password what every organization does."""
_NAMES = ("preferred_username", "nickname", "given_name", "middle_name", "family_name")


class Named(Protocol):
    """A person, or who is to be one."""

    @property
    def email(self) -> str: ...


class Policy(Protocol):
    """What an organization asks of new passwords."""

    @property
    def two_factor_policy(self) -> str: ...

    @property
    def password_min_length(self) -> int | None: ...


class NewPassword(Command):
    """Another password, chosen by an administrator."""

    password: str = Field(repr=False)


async def expect_stored_costs(storage: Storage, passwords: Passwords) -> None:
    """Tell the hasher what the stored hashes of each organization cost, so that no failure tells
    them apart, and the log how many are beyond our bounds: these people need a new password.

    Where this cannot be asked, the hasher keeps what it knows, and learns one by one as they are
    met.
    """
    try:
        found = await storage.user_passwords.costs(passwords.cost)
    except StorageError:
        _LOG.warning("passwords.costs_unknown")
        return
    passwords.expect((organization_id, cost) for organization_id, cost, _ in found)
    if people := sum(people for _, cost, people in found if is_dear_cost(cost)):
        _LOG.warning("passwords.need_reset", extra={"people": people})


@needs("admin:user:update")
async def set(
    tx: Storage,
    actor: Actor,
    target: str,
    command: NewPassword,
    hashed: Hashed,
    version: int | None = None,
    *,
    within: str | None = None,
    post: Post | None = None,
) -> UserProfile:
    """Give a person another password, `hashed` by `hash_new`. Whoever else had got in is out
    (ASVS 7.4.3), and they are told by `post`.

    Raises NotFound, PreconditionFailed, Forbidden, and Invalid for a password that may not be
    chosen.
    """
    stored = await hold_user(tx, actor, target, within, version)
    home = require(await tx.organizations.find_by_id(stored.organization_id), WHAT)
    check_new_password(command.password, home, names_of(home, stored))
    key, password_hash = (stored.id, stored.organization_id), hash_of(command.password, hashed)
    after = await tx.user_passwords.set(*key, password_hash)
    await pending_email.end(tx, stored, "user.password.set", actor=actor)
    await tx.end_account(stored.id, stored.organization_id, "user.password.set")
    await owner_notices.tell(tx, post, stored, "password_set")
    await record_of_person(tx, actor, "user.password.set", stored, require(after, WHAT))
    return require(after, WHAT)


async def hash_new(passwords: Passwords, text: str | None) -> Hashed | None:
    """Hash a new password before the transaction that keeps it: that would hold a connection of
    the pool, and rows, all the while. None where there is none.

    Raises Invalid, before anything is computed, for what nobody may choose, and Unavailable.
    """
    if text is None:
        return None
    check_new_password(text, _LEAST, ())
    return await passwords.hashed(text)


def hash_of(password: str, hashed: Hashed | None) -> str:
    """Return the hash of this very password. Raises ValueError for another's: a mistake."""
    if hashed is None or hashed.text != password:
        raise ValueError("a password is hashed before the transaction that keeps it")
    return hashed.hash


@needs("admin:user:update")
async def clear(
    tx: Storage,
    actor: Actor,
    target: str,
    version: int | None = None,
    *,
    within: str | None = None,
    post: Post | None = None,
) -> UserProfile:
    """Take the password from a person, who signs in by other ways from then on, and is told.

    Raises NotFound, PreconditionFailed, Forbidden, also for the super-admin user, who could not
    sign in.
    """
    stored = await hold_user(tx, actor, target, within, version)
    await check_not_super_admin(tx, stored, "stays able to sign in")
    after = await tx.user_passwords.set(stored.id, stored.organization_id, None)
    await pending_email.end(tx, stored, "user.password.cleared", actor=actor)
    await tx.end_account(stored.id, stored.organization_id, "user.password.cleared")
    await owner_notices.tell(tx, post, stored, "password_removed")
    await record_of_person(tx, actor, "user.password.cleared", stored, require(after, WHAT))
    return require(after, WHAT)


def check_new_password(password: str, policy: Policy, names: Iterable[str]) -> None:
    """Raise Invalid, at `password`, for one that may not be chosen where `policy` is that of the
    organization. `names` are those that an attacker would try first.
    """
    try:
        check_password(password, names, minimum=minimum_of(policy))
    except Invalid as refusal:
        raise Invalid.at("password", message=refusal.message) from None


def find_problems(password: str, policy: Policy, names: Iterable[str]) -> tuple[WeakPassword, ...]:
    """Return all that `check_new_password` could refuse a password for, by its reasons."""
    return password_rules.find_problems(password, names, minimum=minimum_of(policy))


async def is_breached(runtime: Runtime, organization: Organization, password: str) -> bool:
    """Whether a password was seen in a leak, where the organization asks for that and the operator
    names somebody who can tell. A second or two at most; who does not answer refuses nobody.
    """
    if not organization.refuse_breached_passwords or runtime.breached_passwords is None:
        return False
    return await runtime.breached_passwords.knows(password, organization.id)


def minimum_of(policy: Policy) -> int:
    """Return how many characters a password has at least: 15, or 8 beside a second factor (NIST
    800-63B-4 §3.1.1.2); more where the organization says so.
    """
    least = 8 if demands_second_factor(policy.two_factor_policy) else 15
    return max(least, policy.password_min_length or 0)


def names_of(organization: Any, person: Named) -> tuple[str, ...]:
    """Return the names that somebody who guesses a password would try first."""
    company = getattr(organization, "branding_company_name", None)
    said = (organization.name, company, person.email, *(getattr(person, n) for n in _NAMES))
    return tuple(word for word in said if word)
