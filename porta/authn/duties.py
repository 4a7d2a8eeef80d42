"""Duties of a sign-in: what is done with it where it is complete, in its transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from porta.authn import trusted_devices
from porta.authn.authenticator import Evidence
from porta.browser.keepsakes import Keepsakes
from storage.models.trusted_devices import TrustedDevice
from storage.models.users import User
from storage.router import Storage


@dataclass(frozen=True, slots=True)
class Duties:
    """What is done before any session is held, since who ends everything of a person takes them in
    this order too.
    """

    device: TrustedDevice | None = None
    """What stands for a factor that was not shown."""
    trusts: bool = False
    """Whether this device is to be trusted from then on."""
    link: Callable[[Storage], Awaitable[None]] | None = None
    """Links the account to who its owner is elsewhere."""

    async def fulfil(
        self, tx: Storage, evidence: Evidence, user: User, kept: Keepsakes
    ) -> str | None:
        """Do them; return the cookie of a device that is trusted now. Raises DeviceForgotten."""
        if self.device is not None:
            await trusted_devices.use(tx, evidence, user, self.device)
        trusted = None
        if self.trusts:
            trusted = await trusted_devices.keep(tx, evidence, user, kept.device)
        if self.link is not None:
            await self.link(tx)
        return trusted


NO_DUTIES = Duties()
