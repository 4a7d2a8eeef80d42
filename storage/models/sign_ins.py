"""Sign-in: who a person says they are, and the proofs they have given so far."""

from __future__ import annotations

import msgspec


class Proof(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One way in which a person has shown that it is them."""

    method: str
    """The name of its authenticator (`porta.authn.AUTHENTICATORS`)."""
    kind: str
    """What it shows: the value of an `authentication.Kind`."""
    amr: tuple[str, ...]
    """RFC 8176."""
    at: int
    """Seconds since the epoch."""
    verified: bool = False
    """Whether its authenticator knew its owner as well: by a PIN, a finger, a face."""
    covers_second: bool = False
    """Whether who showed it is not asked for a second factor here."""
    connection_id: str | None = None
    """Whose word it is, where another provider says so."""


class Link(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who somebody is at another provider, whose account here is to be proven first."""

    connection_id: str
    issuer: str
    subject: str
    email: str | None = None
    name: str | None = None
    """What they are called there, where no address is told."""
    at: int = 0
    """When they were there, in seconds since the epoch: it waits for a while only."""


class Brought(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What another provider says of somebody: taken over where their sign-in is complete."""

    link: Link
    is_new: bool = False
    """Whether the account is found by an address, and is to be linked."""
    fields: dict[str, str] = {}
    """What the connection maps to fields of a person."""
    role_ids: tuple[str, ...] = ()
    """The roles that it gives, of those that it maps."""
    at: float = 0.0
    """When it was said, in seconds since the epoch: what was said later stands."""


class Enrolment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A second factor that a person is setting up."""

    method: str
    secret: str | None = None
    """What is to be shown of it, encrypted; None where nothing is kept here."""


class SignIn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a person has come at an interaction. Whoever it is, they are not signed in yet."""

    account_id: str | None = None
    """Who they are, by their first proof; all the others are of the same person."""
    proofs: tuple[Proof, ...] = ()
    enrolling: Enrolment | None = None
    linking: Link | None = None
    """What may become theirs with the sign-in, once they have said so."""
    brought: Brought | None = None
    """What is taken over of who they are at another provider, with the sign-in."""
    offered: bool = False
    """Whether a second factor was offered to them here, which they may put off."""
    remembers: bool = False
    """Whether they asked that this browser remember their account."""
    trusts: bool = False
    """Whether they asked, with the last factor that they showed, that this device be trusted: what
    is left to be said comes first."""


class SecondFactors(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has enrolled beside their first factor."""

    method: str | None = None
    """The one they chose: `totp`, `email` or `passkey`."""
    has_totp: bool = False
    recovery_codes: int = 0
    """How many are unused."""
    passkeys: int = 0
    put_off: bool = False
    """Whether they have lately put off having one."""
