"""Walks by passkeys, of Chromium's virtual authenticator (WebAuthn Level 3)."""

from __future__ import annotations

import re

from tests.flows.test_passkeys import _OFFERS_NOTHING, ABLE, Device
from tests.flows.walks.walk import WAY_ON, Walk

BUTTON = "#passkey button"
_WORDS = re.compile(r"\S")
_STATUS = "#passkey [role=status]"


async def have_device(walk: Walk) -> Device:
    """Have an authenticator in this device, that knows its owner."""
    cdp = await walk.opened.page.context.new_cdp_session(walk.opened.page)
    await cdp.send("WebAuthn.enable", {"enableUI": False})
    options = {
        "protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal",
        "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }  # fmt: skip
    made = await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return Device(walk.opened, cdp, made["authenticatorId"], walk.world.served)


async def second_passkey(walk: Walk) -> None:
    """Set up within the sign-in, as a policy demands; cancelled first, and then shown."""
    await walk.settle("password", policy="required_passkey")
    held = await have_device(walk)
    await walk.sign_in()
    await walk.see("set up", BUTTON)
    await held.know_owner(False)
    await cancel(walk)
    await walk.see("set up, cancelled", BUTTON)
    await held.know_owner(True)
    await walk.press(BUTTON)
    await walk.see("recovery codes", "ol.codes", WAY_ON)
    await walk.press(WAY_ON)
    await walk.arrive()
    await walk.forget()
    await walk.sign_in()
    await walk.see("asked", BUTTON)
    await held.know_owner(False)
    await cancel(walk)
    await walk.see("cancelled", BUTTON)
    await held.know_owner(True)
    await walk.press(BUTTON)
    await walk.arrive()


async def cancel(walk: Walk) -> None:
    """Have the device refuse, and wait for the page to say so."""
    await walk.opened.page.click(BUTTON)
    await walk.opened.page.locator(_STATUS).filter(has_text=_WORDS).wait_for()


async def only_passkeys(walk: Walk) -> None:
    """Where there is no other way: with scripts a button, and without them a word why not."""
    await walk.settle("passkey")
    if walk.has_scripts:
        await walk.opened.page.add_init_script(_OFFERS_NOTHING)
        held = await have_device(walk)
        await walk.begin()
        await walk.see("asked", BUTTON)
        await held.know_owner(False)
        await cancel(walk)
        await walk.see("no passkey here", BUTTON)
    else:
        await walk.begin()
        await walk.see("without scripts", "noscript p")
    await walk.press(".cancel a:last-of-type")
    await walk.arrive("access_denied")


_NEVER_MADE = """
  navigator.credentials.create = ({ signal }) => new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason);
  });
"""
_AT_ONCE = "AbortSignal.timeout = () => AbortSignal.abort()"
"""However long a page is patient, it is over."""


async def made_by_the_way(walk: Walk) -> None:
    """Right after a sign-in by a password, in a browser that does so; by its owner, then not."""
    await walk.settle("password", "passkey")
    held = await have_device(walk)
    await walk.opened.page.add_init_script(ABLE)
    await held.know_owner(False)
    await walk.sign_in()
    await walk.arrive()
    assert await held.credentials() == [], "who is not known to the device has none, and goes on"
    await walk.forget()
    await held.know_owner(True)
    await walk.sign_in()
    await walk.arrive()
    (made,) = await held.credentials()
    assert made["userName"] == walk.here.user.email
    await walk.forget()
    await walk.begin()
    await walk.see("asked", BUTTON, "#password")
    await walk.press(BUTTON)
    await walk.arrive()


async def not_made_by_the_way(walk: Walk) -> None:
    """A browser that says it can, and does not answer, keeps nobody: they go on by the link, or
    when the page's patience is over.
    """
    await walk.settle("password", "passkey")
    await walk.opened.page.add_init_script(ABLE)
    await walk.opened.page.add_init_script(_NEVER_MADE)
    await walk.sign_in()
    await walk.see("on the way", "#resume")
    await walk.press("#resume")
    await walk.arrive()
    await walk.forget()
    await walk.opened.page.add_init_script(_AT_ONCE)
    await walk.sign_in()
    await walk.arrive()
