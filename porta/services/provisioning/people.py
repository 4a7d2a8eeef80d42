"""People in a provisioning file: who they are, and what they may do."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, JsonValue, model_validator

from porta.security.passwords import find_hash_problem
from porta.services.fields import judged
from porta.services.provisioning.entries import ENTRY, Entry
from porta.services.user_fields import NewUser


class RoleReference(Entry):
    app: str
    role: str


class ClaimValue(Entry):
    app: str
    claim: str
    value: JsonValue


class UserEntry(NewUser):
    model_config = ENTRY

    password_hash: Annotated[str, judged(find_hash_problem)] | None = Field(None, repr=False)
    """Made elsewhere: an Argon2id hash, as Porta 1.x stores it."""
    roles: tuple[RoleReference, ...] = ()
    claims: tuple[ClaimValue, ...] = ()

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if self.password is not None and self.password_hash is not None:
            raise ValueError("password and password_hash exclude each other")
        return self
