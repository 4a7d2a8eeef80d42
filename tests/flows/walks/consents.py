"""Walks by consent: refused, given, asked for once more where a client wants more; not you."""

from __future__ import annotations

from tests.flows.walks.walk import FIELD, REFUSED, Walk
from tests.flows.walks.world import GRACE
from tests.world.house import PASSWORD
from tests.world.passkeys import add_person

_ALLOW, _REFUSE = "[name=decision][value=approve]", "[name=decision][value=deny]"
_NOT_YOU = "[name=decision][value=switch]"
_LESS, _MORE = "openid profile", "openid profile email"


async def consent(walk: Walk) -> None:
    await walk.settle("password", client={"is_first_party": False})
    await walk.sign_in(scope=_LESS)
    await walk.see("asked", _ALLOW, _REFUSE, ".scope-list li", ".destination")
    await walk.press(_REFUSE)
    await walk.arrive("access_denied")
    await walk.begin(scope=_LESS)
    await walk.spoil("_csrf")
    await walk.press(_ALLOW)
    await walk.see("stale", REFUSED, _ALLOW)
    await walk.press(_ALLOW)
    await walk.arrive()
    await walk.begin(scope=_LESS)
    await walk.arrive()
    await walk.begin(scope=_MORE, prompt="none")
    await walk.arrive("consent_required")
    await walk.begin(scope=_MORE)
    await walk.see("asked for more", _ALLOW, _REFUSE)
    await walk.press(_ALLOW)
    await walk.arrive()


async def consent_not_you(walk: Walk) -> None:
    """Somebody else, who is here instead, is asked for themselves."""
    home = await walk.settle("password", client={"is_first_party": False})
    grace = await add_person(walk.world.runtime, home.id, email=GRACE)
    await walk.sign_in(scope=_LESS)
    await walk.press(_ALLOW)
    await walk.arrive()
    await walk.begin(scope=_MORE)
    await walk.see("asked", _NOT_YOU)
    await walk.press(_NOT_YOU)
    await walk.see("somebody else", FIELD, "#password")
    await walk.fill(email=grace.email, password=PASSWORD)
    await walk.press()
    await walk.see("asked as well", _ALLOW)
    assert grace.email in await walk.opened.text("main")
    await walk.press(_ALLOW)
    await walk.arrive()
