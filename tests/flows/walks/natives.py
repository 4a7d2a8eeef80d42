"""Walks of clients on a device: nobody is sent to one but by a gesture (RFC 8252 §8.6)."""

from __future__ import annotations

from tests.flows.walks.account import arrive
from tests.flows.walks.walk import FIELD, REFUSED, Walk
from tests.flows.walks.world import ADA
from tests.world.house import PASSWORD

_DECISION = "[name=decision][value={}]"
_GO_ON, _SWITCH = map(_DECISION.format, ("continue", "switch"))
_LASTING = "openid offline_access"
"""What is asked for each time: it goes on after the session."""


async def native_client(walk: Walk) -> None:
    """With a session of something else, and for what lasts longer; as somebody else; cancelled."""
    await walk.settle("password", client={"application_type": "native"})
    await arrive(walk)
    await walk.begin()
    await walk.see("with a session", _GO_ON, _SWITCH, ".cancel a")
    await walk.press(_GO_ON)
    await walk.arrive()
    await walk.begin()
    await walk.arrive()
    await walk.begin(scope=_LASTING)
    await walk.see("for longer", _GO_ON, _SWITCH)
    await walk.press(_SWITCH)
    await walk.see("as somebody else", FIELD, "#password")
    await walk.fill(email=ADA, password=PASSWORD)
    await walk.press()
    await walk.arrive()
    await walk.begin(scope=_LASTING)
    await walk.press(".cancel a")
    await walk.arrive("access_denied")


async def native_client_refused(walk: Walk) -> None:
    """A form of before; a session that ended meanwhile; and an address of the device alone."""
    home = await walk.settle("password", client={"application_type": "native"})
    await arrive(walk)
    await walk.begin()
    await walk.spoil("_csrf")
    await walk.press(_GO_ON)
    await walk.see("a form of before", REFUSED, _GO_ON)
    await walk.world.runtime.storage.end_account(home.user.id, home.id, "test")
    await walk.press(_GO_ON)
    await walk.see("signed out meanwhile", FIELD, "#password")
    apart = "com.example.portal:/callback"
    await walk.settle("password", client={"application_type": "native", "redirect_uris": (apart,)})
    await arrive(walk)
    await walk.begin(redirect_uri=apart)
    await walk.see("an app on the device", _GO_ON)
