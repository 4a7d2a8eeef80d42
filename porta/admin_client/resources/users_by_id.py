"""Users by id: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from typing import Unpack

from porta.admin_client.listing import Listed
from porta.admin_client.model import Model
from porta.admin_client.resource import Change, Condition, ConditionalOnce, Resource
from porta.admin_client.resources.shared import (
    Happened,
    LockBody,
    NewPassword,
    Reasoned,
    User,
    UserPatch,
)


class Revoked(Model, frozen=True, kw_only=True):
    """How many sessions ended."""

    revoked: int


class UsersByIdResource(Resource):
    """Users by id."""

    async def get(self, user_id: str) -> User:
        """Read a person."""
        return await self._one(User, "GET", ("users", user_id))

    async def update(self, user_id: str, body: UserPatch, **condition: Unpack[Condition]) -> User:
        """Change a person: what is left out stays, null removes."""
        return await self._one(User, "PATCH", ("users", user_id), body=body, **condition)

    async def verify_email(self, user_id: str, **once: Unpack[ConditionalOnce]) -> None:
        """Take the address of a person for theirs."""
        return await self._nothing("POST", ("users", user_id, "verify-email"), **once)

    def history(
        self, user_id: str, *, event_type: str | None = None, page_size: int = 100
    ) -> Listed[Happened]:
        """Tell what happened to a person."""
        return self._pages(
            Happened,
            ("users", user_id, "history"),
            query={"eventType": event_type},
            page_size=page_size,
        )

    async def deactivate(
        self, user_id: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """Refuse a person, and end what they hold."""
        return await self._nothing("POST", ("users", user_id, "deactivate"), body=body, **once)

    async def reactivate(
        self, user_id: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """Make an inactive person active."""
        return await self._nothing("POST", ("users", user_id, "reactivate"), body=body, **once)

    async def suspend(
        self, user_id: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """Suspend a person, and end what they hold."""
        return await self._nothing("POST", ("users", user_id, "suspend"), body=body, **once)

    async def unsuspend(
        self, user_id: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """End a suspension."""
        return await self._nothing("POST", ("users", user_id, "unsuspend"), body=body, **once)

    async def unlock(
        self, user_id: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """Unlock a person."""
        return await self._nothing("POST", ("users", user_id, "unlock"), body=body, **once)

    async def revoke_tokens(
        self, user_id: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """End every session, code and token of a person."""
        return await self._nothing("POST", ("users", user_id, "revoke-tokens"), body=body, **once)

    async def lock(
        self, user_id: str, body: LockBody | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """Lock a person, and end what they hold."""
        return await self._nothing("POST", ("users", user_id, "lock"), body=body, **once)

    async def activate(
        self, user_id: str, body: Reasoned | None = None, **once: Unpack[ConditionalOnce]
    ) -> None:
        """The same as reactivate."""
        return await self._nothing("POST", ("users", user_id, "activate"), body=body, **once)

    async def set_password(
        self, user_id: str, body: NewPassword, **once: Unpack[ConditionalOnce]
    ) -> None:
        """Give a person another password, and end what they hold."""
        return await self._nothing("POST", ("users", user_id, "password"), body=body, **once)

    async def delete_password(self, user_id: str, **condition: Unpack[Condition]) -> None:
        """Take the password from a person."""
        return await self._nothing("DELETE", ("users", user_id, "password"), **condition)

    async def delete_sessions(self, user_id: str, **change: Unpack[Change]) -> Revoked:
        """End every session of a person, and every token."""
        return await self._plain(Revoked, "DELETE", ("users", user_id, "sessions"), **change)
