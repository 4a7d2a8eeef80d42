"""Login methods on offer: how people can sign in at an interaction, as its page offers them."""

from __future__ import annotations

from dataclasses import dataclass

from porta.authn import linking, login
from porta.authn.identities import Waiting
from porta.browser.open_interactions import OpenInteraction
from porta.runtime import Runtime
from storage.models.connections import Connection


@dataclass(frozen=True, slots=True)
class WaysIn:
    """How people can sign in at an interaction."""

    password: bool
    passkey: bool
    magic_link: bool
    connections: tuple[Connection, ...]
    waiting: Waiting | None
    """Who was at another provider, and waits for an account."""

    @property
    def has_any(self) -> bool:
        """Whether there is one at all."""
        return self.takes_address or self.passkey or bool(self.connections)

    @property
    def takes_address(self) -> bool:
        """Whether there is one that begins with an address."""
        return self.password or self.magic_link

    @property
    def depends_on_address(self) -> bool:
        """Whether an address may lead elsewhere; not that of who has come from elsewhere."""
        return self.waiting is None and any(each.domains for each in self.connections)


async def find(runtime: Runtime, opened: OpenInteraction) -> WaysIn:
    """Return the ways in that are asked for here, and that this installation can offer."""
    return WaysIn(
        password=login.takes(runtime, opened, "password"),
        passkey=login.takes(runtime, opened, "passkey"),
        magic_link=login.takes(runtime, opened, "magic_link"),
        connections=await runtime.connections(opened.tenant.id),
        waiting=await linking.find_waiting(runtime, opened),
    )
