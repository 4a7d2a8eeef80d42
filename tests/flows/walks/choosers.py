"""Walks through the account chooser: whom a browser remembers, somebody else, forgetting one."""

from __future__ import annotations

from tests.flows.walks.walk import FIELD, REFUSED, Walk
from tests.flows.walks.world import ADA, GRACE
from tests.world.house import PASSWORD
from tests.world.passkeys import add_person

_FIRST, _SECOND = ".choices li:first-child .btn-primary", ".choices li + li .btn-secondary"
_OTHER = ".cancel a[href$='account=other']"
_FORGET = ".choices [action$='/forget'] button"


async def _be_remembered(walk: Walk, email: str) -> None:
    await walk.fill(email=email, password=PASSWORD)
    await walk.opened.page.check("#remember")
    await walk.press()
    await walk.arrive()


async def _come_back(walk: Walk) -> None:
    """Come when one's session is over."""
    await walk.opened.page.context.clear_cookies(name=f"session_{walk.here.slug}")
    await walk.begin()


async def chooser(walk: Walk) -> None:
    await walk.settle("password")
    await walk.begin()
    await _be_remembered(walk, ADA)
    await walk.begin(prompt="select_account")
    await walk.see("signed in", _FIRST)
    assert ADA in await walk.opened.text(".choices"), "to who is signed in it is told whole"
    await walk.spoil("_csrf")
    await walk.press(_FIRST)
    await walk.see("stale", REFUSED, _FIRST)
    await walk.press(_FIRST)
    await walk.arrive()
    await _come_back(walk)
    await walk.see("remembered", _FIRST, _OTHER)
    assert ADA not in await walk.opened.text("main"), "whoever has the browser is told a part"
    await walk.press(_FIRST)
    assert await walk.opened.page.input_value(FIELD) == ADA
    await walk.fill(password="not it")
    await walk.press()
    await walk.see("chosen, wrong", REFUSED, "#password")
    await walk.fill(password=PASSWORD)
    await walk.press()
    await walk.arrive()


async def chooser_others(walk: Walk) -> None:
    """Another account, of two one is forgotten, then the other; and nobody chosen."""
    home = await walk.settle("password")
    await add_person(walk.world.runtime, home.id, email=GRACE, given_name="Grace")
    await walk.begin()
    await _be_remembered(walk, ADA)
    await _come_back(walk)
    await walk.press(_OTHER)
    await walk.see("another", FIELD, "#remember")
    assert await walk.opened.page.input_value(FIELD) == ""
    await _be_remembered(walk, GRACE)
    await _come_back(walk)
    await walk.see("two", _FIRST, _SECOND, _FORGET)
    await walk.press(_FORGET)
    await walk.see("one is forgotten", _FIRST)
    assert await walk.opened.page.locator(_SECOND).count() == 0
    await walk.press(_FORGET)
    await walk.see("nobody is remembered", FIELD, "#remember")
    await walk.fill(email=ADA, password=PASSWORD)
    await walk.press()
    await walk.arrive()
    await _come_back(walk)
    await walk.press(".cancel a:last-of-type")
    await walk.arrive("access_denied")
