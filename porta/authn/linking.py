"""Account linking: whoever has proved an account says whether they are who was at another provider.

An account that was proved is no proof of that: on a browser that several people use, one of them
may have been there, and another one signs in here (decisions/0046).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import msgspec

from porta.audit.actors import Actor
from porta.authn import half_way, identities, progress
from porta.authn.authenticator import Evidence, LoginFailed
from porta.authn.duties import Duties
from porta.authn.identities import Waiting
from porta.authn.progress import SignedIn
from porta.browser import interactions
from porta.browser.keepsakes import Keepsakes
from porta.browser.open_interactions import OpenInteraction
from porta.limits.origin import Origin
from porta.protocol.requests.params import Params
from porta.protocol.requests.sign_in import Done
from porta.runtime import Runtime
from porta.security import known_browsers, opaque
from storage.models.users import UserProfile
from storage.router import Storage

_NOTHING = Params({})


@dataclass(frozen=True, slots=True)
class Pending:
    """Somebody who has shown everything, and who waits to be linked to them."""

    user: UserProfile
    waiting: Waiting

    @property
    def mark(self) -> str:
        """What a form says of what it showed."""
        return self.waiting.mark(self.user)

    @property
    def differs(self) -> bool:
        """Whether the address there is another one than that of the account."""
        return self.waiting.link.email != self.user.email


async def find_waiting(runtime: Runtime, opened: OpenInteraction) -> Waiting | None:
    """Return who was at another provider, and waits at this interaction for an account."""
    link = opened.interaction.sign_in.linking
    return await identities.find_waiting(runtime, opened.tenant, link)


async def find(runtime: Runtime, opened: OpenInteraction) -> Pending | None:
    """Return who is asked whether both belong together; None where nobody is."""
    if opened.interaction.sign_in.account_id is None:
        return None
    waiting = await find_waiting(runtime, opened)
    half = await half_way.find(runtime, opened) if waiting is not None else None
    if half is None or waiting is None or not isinstance(half.step, Done):
        return None
    return Pending(half.user, waiting)


async def drop(runtime: Runtime, opened: OpenInteraction) -> None:
    """Forget who was at another provider; who has proved what of an account goes on."""
    sign_in = msgspec.structs.replace(opened.interaction.sign_in, linking=None)
    await interactions.save(runtime, opened.tenant, opened.interaction, sign_in=sign_in)


async def decide(
    runtime: Runtime,
    opened: OpenInteraction,
    pending: Pending,
    origin: Origin,
    kept: Keepsakes,
    *,
    shown: str | None,
    links: bool,
) -> SignedIn:
    """Sign the person in; linked where they say so of what was `shown` to them.

    Raises LoginFailed where it is somebody else by now, or is linked to somebody else.
    """
    user, keys = pending.user, runtime.settings.cookie_keys
    if links and not opaque.equal(shown or "", pending.mark):
        raise LoginFailed("federation.error_link_over", reason="another_identity")
    known = known_browsers.find(keys, kept.known, opened.tenant.id, user.email, runtime.clock())
    evidence = Evidence(
        runtime, opened, _NOTHING, origin, user.email, known_browser=known is not None, user=user
    )
    link, sign_in = partial(_link, evidence, pending) if links else None, opened.interaction.sign_in
    duties = Duties(trusts=sign_in.trusts, link=link)
    return await progress.conclude(evidence, user, sign_in, kept, duties)


async def _link(evidence: Evidence, pending: Pending, tx: Storage) -> None:
    actor = Actor(user_id=pending.user.id, origin=evidence.origin)
    runtime, tenant = evidence.runtime, evidence.tenant
    if not await identities.link(tx, runtime, tenant, pending.user, pending.waiting, actor):
        raise LoginFailed("federation.error_linked", reason="linked_elsewhere")
