"""People at a sign-in: who they are, what they have shown, and what that is worth (RFC 8176)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import NamedTuple

FEDERATED, PASSWORD = "urn:porta:acr:federated", "urn:porta:acr:password"
POSSESSION, MFA = "urn:porta:acr:possession", "urn:porta:acr:mfa"
ALONE = {"federated": FEDERATED, "knowledge": PASSWORD, "possession": POSSESSION}
SESSION, PASSKEY, RECOVERY = "session", "passkey", "recovery"
uids = itertools.count(1)


@dataclass(eq=False)
class Person:
    """Somebody, and what they have beside a password."""

    email: str
    id: str
    factor: str | None = None
    """The second factor that they chose: `app`, `mail` or None."""
    codes: int = 0
    """How many recovery codes are left."""
    has_passkey: bool = False
    has_put_off: bool = False
    changed_at: int = 0
    """When their password was changed last."""


@dataclass(frozen=True)
class Shown:
    """A proof: by what, of which kind, what tokens call it, and when it was shown."""

    by: str
    kind: str
    amr: tuple[str, ...]
    at: int
    verified: bool = False
    """Whether it took two factors to show it."""
    covers: bool = False
    """Whether the organization trusts who says so for a second factor."""


def password(at: int) -> Shown:
    return Shown("password", "knowledge", ("pwd",), at)


def magic_link(at: int) -> Shown:
    return Shown("link", "possession", ("mca",), at)


def passkey(at: int) -> Shown:
    return Shown(PASSKEY, "possession", ("swk", "user"), at, verified=True)


def code(by: str, at: int) -> Shown:
    """Return what an app, a mail or a list of recovery codes shows."""
    return Shown(by, "possession", ("otp",), at)


class Worth(NamedTuple):
    """What tokens say of proofs."""

    amr: tuple[str, ...]
    acr: str
    auth_time: int


def worth(proofs: tuple[Shown, ...]) -> Worth:
    """Return what proofs amount to: two of one kind are one factor (NIST SP 800-63B-4 §2.2)."""
    first, values = proofs[0], dict.fromkeys(each for proof in proofs for each in proof.amr)
    several = len({proof.kind for proof in proofs}) > 1 or any(each.verified for each in proofs)
    if several:
        values["mfa"] = None
    at = first.at if first.by == SESSION else max(proof.at for proof in proofs)
    return Worth(tuple(values), MFA if several else ALONE[first.kind], at)


def reaches(acr: str, asked: str | None) -> bool:
    """Whether an `acr` is enough for one that is demanded: what somebody knows is not what they
    have, and either is more than what another provider says.
    """
    return asked in (None, acr, FEDERATED) or acr == MFA


@dataclass(frozen=True)
class Session:
    """Who is signed in, by what, since when."""

    uid: int
    person: Person
    amr: tuple[str, ...]
    acr: str
    auth_time: int

    def proof(self) -> Shown | None:
        """Return what it shows, where a factor that somebody has adds to it."""
        kinds = {PASSWORD: "knowledge", FEDERATED: "federated"}
        kind = kinds.get(self.acr)
        return Shown(SESSION, kind, self.amr, self.auth_time) if kind else None


@dataclass(frozen=True)
class Asked:
    """An authorization request."""

    first_party: bool = True
    prompt: str | None = None
    max_age: int | None = None
    acr: str | None = None
    """The one that is demanded."""

    def prompts(self) -> list[str]:
        return (self.prompt or "").split()


class Guest(NamedTuple):
    """Who somebody is at another provider, that nobody is known as here; and since when they
    wait."""

    subject: str
    at: int


@dataclass
class HalfWay:
    """Who has shown something at a tab, and is not signed in by it yet."""

    person: Person
    proofs: tuple[Shown, ...]
    offered: bool = False
    enrolling: tuple[str, int] | None = None
    """What is being set up: `app` or `mail`, and which secret or code."""
    trusts: bool = False


@dataclass
class Tab:
    """A request that waits for a person."""

    asked: Asked
    prompt: str = "login"
    reasons: tuple[str, ...] = ()
    previous: int | None = None
    """The session that was there when it was last asked for something."""
    signed_in: int | None = None
    """The session that came of signing in here."""
    chosen: int | None = None
    consented: bool = False
    half: HalfWay | None = None
    guest: Guest | None = None
    ends: bool = False
    """Whether the person went away, or refused."""
    resumptions: int = 0
    link: Person | None = None
    """Whose magic link of this tab is good."""
    code: Person | None = None
    """Whose link was given up for a code in another browser: a newer link ends it too."""
    mailed: int = 0
    """How many codes were mailed for it."""


@dataclass(frozen=True)
class Setting:
    """What an organization wants, and what its people begin with."""

    policy: str = "optional"
    trusts_devices: bool = False
    trusts_provider: bool = False
    """Whether a second factor counts that was shown there."""
    says_mfa: bool = False
    """Whether the provider says that one was."""
    factor: str = "app"
    passkey: bool = False


@dataclass
class Remembered:
    """What outlives a sign-in, here and at the organization."""

    consents: set[int] = field(default_factory=set)
    devices: set[str] = field(default_factory=set)
    """By whom this browser is trusted."""
    identities: dict[str, Person] = field(default_factory=dict)
    """Whose account each subject of the other provider is."""
