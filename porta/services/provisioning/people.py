"""People in a provisioning file: who they are, and what they may do."""

from __future__ import annotations

from pydantic import JsonValue

from porta.services.provisioning.entries import ENTRY, Entry
from porta.services.users import NewUser


class RoleReference(Entry):
    app: str
    role: str


class ClaimValue(Entry):
    app: str
    claim: str
    value: JsonValue


class UserEntry(NewUser):
    model_config = ENTRY

    roles: tuple[RoleReference, ...] = ()
    claims: tuple[ClaimValue, ...] = ()
