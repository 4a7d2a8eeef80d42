"""People: the stored user, and what the protocol needs to know of an account."""

from __future__ import annotations

from typing import Any

import msgspec

from storage.models.artifacts import Grant

AUTO_LOCKOUT = "auto_lockout"
"""The `locked_reason` of an account at whose password was guessed too often."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `users`. Times are seconds since the epoch; `birthdate` is YYYY-MM-DD."""

    id: str
    organization_id: str
    email: str
    email_verified: bool = False
    password_hash: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    middle_name: str | None = None
    nickname: str | None = None
    preferred_username: str | None = None
    profile_url: str | None = None
    picture_url: str | None = None
    website_url: str | None = None
    gender: str | None = None
    birthdate: str | None = None
    zoneinfo: str | None = None
    locale: str | None = None
    phone_number: str | None = None
    phone_number_verified: bool = False
    address_street: str | None = None
    address_locality: str | None = None
    address_region: str | None = None
    address_postal_code: str | None = None
    address_country: str | None = None
    status: str = "active"
    locked_at: float | None = None
    locked_reason: str | None = None
    two_factor_enabled: bool = False
    failed_login_count: int = 0
    updated_at: float = 0.0

    @property
    def auto_locked(self) -> bool:
        """Whether it is closed to passwords until the lock ends by itself."""
        return self.status == "locked" and self.locked_reason == AUTO_LOCKOUT

    @property
    def is_usable(self) -> bool:
        """Whether its sessions and tokens count. Somebody else's guesses must not end those."""
        return self.status == "active" or self.auto_locked


class UserProfile(User, frozen=True, kw_only=True):
    """A row of `users` as administrators see it. Times are seconds since the epoch."""

    password_changed_at: float | None = None
    two_factor_method: str | None = None
    last_login_at: float | None = None
    login_count: int = 0
    last_failed_login_at: float | None = None
    created_at: float = 0.0
    version: int = 0
    """How often it has changed; sign-ins, and failures to, are none. Not written by hand."""


class LoginAttempt(msgspec.Struct, frozen=True):
    """An attempt to sign in that was counted: the user after it, and what it brought about."""

    user: User
    locked: bool
    """Whether it was the last one that may fail, and so began an automatic lock."""
    unlocked: bool
    """Whether it came after the end of an automatic lock."""

    @property
    def locked_out(self) -> bool:
        """Whether it came during an automatic lock: it is not judged, and was not counted."""
        return self.user.auto_locked and not self.locked


class SessionStatus(msgspec.Struct, frozen=True):
    """What a session that lives is worth to a client."""

    is_user_usable: bool
    """Whether its account does."""
    grant: Grant | None
    use_is_due: bool
    """Whether its last use was noted long enough ago for this one to be noted too."""
    withdrawals: int = 0
    """How often a consent was withdrawn in it: what was issued under another number is dead."""


class AccountFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One user with the roles, permissions and custom claims of one application."""

    user: User
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    claims: dict[str, Any] = {}
    """Custom claim values by claim name."""


class TotpSecret(msgspec.Struct, frozen=True):
    """A row of `user_totp`: a secret as it is stored, encrypted, with IV and tag, in hex."""

    id: str
    user_id: str
    encrypted_secret: str
    encryption_iv: str
    encryption_tag: str
