"""One's own profile: standard claims that a person says of themselves (OIDC Core §5.1).

What applications know people by is not among them (`preferred_username`), nor what somebody else
has to verify (`phone_number`, `address`): an administrator says that. Each field is judged as it is
where administrators change it (`users.UserPatch`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from porta.audit.actors import Actor
from porta.browser import account_visits
from porta.browser.account_visits import Visit
from porta.services.people import WHAT, record_of_person
from porta.services.targets import changes_of, require, write_changes
from porta.services.user_fields import UserPatch, columns_of
from storage.models.users import UserProfile
from storage.router import Storage

FIELDS = ("given_name", "family_name", "nickname", "birthdate", "picture_url", "zoneinfo")
_UPDATED = "user.profile.updated"


def parse(typed: Mapping[str, str]) -> UserPatch:
    """Return the patch that a form says, by fields of FIELDS; what is left empty is removed. Raises
    Invalid, every problem at its field.
    """
    return UserPatch.parse({name: typed.get(name, "").strip() or None for name in FIELDS})


def speaks(language: str | None) -> UserPatch:
    """Return the patch that has a person addressed in a language; None for whatever fits."""
    return UserPatch.parse({"locale": language})


async def update(
    tx: Storage, actor: Actor, visit: Visit, patch: UserPatch, version: int | None = None
) -> UserProfile:
    """Change what `patch` says of the person of `visit`, of whom `version` was read.

    Raises VisitOver, and PreconditionFailed where they are of another version by now.
    """
    held = require(await account_visits.hold(tx, visit), WHAT, version)
    return await write_changes(
        held, changes_of(held, columns_of(patch)), WHAT,
        partial(tx.users.update, held.id, held.organization_id),
        partial(record_of_person, tx, actor, _UPDATED),
    )  # fmt: skip
