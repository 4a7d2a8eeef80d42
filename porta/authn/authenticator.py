"""Authenticator: one way to prove who one is, as a line of the table AUTHENTICATORS."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from porta.browser.open_interactions import OpenInteraction
from porta.config.settings import Settings
from porta.errors import PortaError
from porta.limits.origin import Origin
from porta.limits.rate_limits import Guesses
from porta.protocol.requests.params import Params
from porta.protocol.tokens.authentication import Kind
from porta.runtime import Runtime
from porta.tenants.tenant import Tenant
from storage.models.sign_ins import Enrolment
from storage.models.users import User
from storage.router import Storage


class LoginFailed(PortaError):
    """A sign-in that did not succeed; `message` is the key of a text in the catalogs."""

    status = 200
    code = "login_failed"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a person shows, and all that is known of whoever shows it."""

    runtime: Runtime
    opened: OpenInteraction
    form: Params
    origin: Origin
    email: str
    """What was typed into the form of a first factor, in its canonical form, or nobody's."""
    known_browser: bool
    """Whether this browser signed in to the same account before."""
    counts: bool = True
    """Whether it counts as an attempt: one that does not can be right, and locks nothing."""
    user: User | None = None
    """Whose second factor it is to be; None where a first one is to say who it is."""
    enrolling: Enrolment | None = None
    """What is being enrolled: it is that which is shown, and nothing of before."""

    @property
    def tenant(self) -> Tenant:
        return self.opened.tenant


@dataclass(frozen=True, slots=True)
class Shown:
    """What one proof tells, where that differs from one to the next."""

    amr: tuple[str, ...]
    verified: bool
    """Whether it took another factor to show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """One line of AUTHENTICATORS. That it was asked for, and counted, is seen to before it runs."""

    name: str
    kind: Kind
    amr: tuple[str, ...]
    """RFC 8176."""
    verify: Callable[[Evidence], Awaitable[User]]
    """Return whose proof it is; raises LoginFailed."""
    event: str
    """Recorded when it was right: a sign-in by it as a first factor, or itself as a second."""
    event_beside: str | None = None
    """Recorded in its place where it was a second one; None for the same."""
    event_refused: str | None = None
    """Recorded where it was right, as a first factor, and its sign-in is refused all the same; None
    for `event` with `.failed`.
    """
    guesses: Callable[[Evidence], Guesses] | None = None
    """The limits of its attempts as a first factor; by default those of guesses at a password."""
    limit_event: str = "rate_limit.login"
    """Recorded when they were used up."""
    is_ready: Callable[[Settings], bool] = lambda settings: True
    """Whether this installation has what it takes: a mail server, a key."""
    begin: Callable[[Evidence], Awaitable[None]] | None = None
    """Done when it is asked for, and again when a person wants that: a code is sent. Counted."""
    offer: Callable[[Evidence], Enrolment] | None = None
    """Begin to enrol it; None for what nobody enrols within a sign-in."""
    keep: Callable[[Storage, Evidence], Awaitable[None]] | None = None
    """Store what was enrolled, in the transaction that makes it the person's second factor."""
    tell: Callable[[Evidence], Shown] | None = None
    """What evidence that was right tells; None where `amr` says it all."""
    named: Callable[[Params], str] | None = None
    """Whose attempts a first factor is counted with, where no address is typed: nobody's."""
    admit: Callable[[Runtime, Tenant, Origin], None] | None = None
    """Raises Unavailable where there is no room to judge it now."""

    @property
    def refused(self) -> str:
        return self.event_refused or f"{self.event}.failed"
