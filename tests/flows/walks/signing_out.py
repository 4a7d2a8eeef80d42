"""Walks through sign-out: asked, declined, back at the client, or at a page that leads on."""

from __future__ import annotations

from urllib.parse import urlencode

import httpx

from tests.flows.walks.account import arrive
from tests.flows.walks.walk import AT_CLIENT, DONE, REFUSED, WAY_ON, Walk
from tests.handlers.flow import redeem_at
from tests.world.served import CALLBACK

_BYE = f"{AT_CLIENT}bye"
_STAY, _SIGN_OUT = "main a.btn-secondary", "main a[href$='/session/end']"


async def _ask(walk: Walk, **asked: str) -> None:
    """Be sent to the sign-out by a client (RP-Initiated Logout 1.0)."""
    await walk.open(f"/{walk.here.slug}/session/end?{urlencode(asked)}")


async def _is_signed_in(walk: Walk, *, still: bool = True) -> None:
    await walk.begin(prompt="none")
    await walk.arrive(None if still else "login_required")


async def sign_out(walk: Walk) -> None:
    home = await walk.settle("password", client={"post_logout_redirect_uris": (_BYE,)})
    asked = {"client_id": home.client_id, "post_logout_redirect_uri": _BYE, "state": "so long"}
    await walk.sign_in()
    await walk.arrive()
    await _ask(walk, **asked)
    await walk.see("asked", "main .btn-primary", _STAY)
    await walk.press(_STAY)
    await walk.be_at_client("bye")
    assert "state" not in walk.opened.answer, "which would tell of a sign-out"
    await _is_signed_in(walk)
    await _ask(walk, **asked)
    await walk.spoil("xsrf")
    await walk.press()
    await walk.see("stale", REFUSED, "main .btn-primary")
    await walk.press()
    await walk.be_at_client("bye")
    assert walk.opened.answer == {"state": "so long"}
    await _is_signed_in(walk, still=False)


async def sign_out_of_no_client(walk: Walk) -> None:
    """Of somebody who was at their account alone: each page leads on."""
    await walk.settle("password")
    await arrive(walk)
    await _ask(walk)
    await walk.see("asked", "main .btn-primary", _STAY)
    await walk.press(_STAY)
    await walk.see("declined", "a.btn-primary[href$='/account']", _SIGN_OUT)
    await walk.press(_SIGN_OUT)
    await walk.press()
    await walk.see("signed out", DONE, WAY_ON)
    await walk.press(WAY_ON)
    await walk.see("where that leads", WAY_ON)
    assert await walk.opened.page.locator(_SIGN_OUT).count() == 0, "nobody is signed in"
    await _ask(walk)
    await walk.see("once more", WAY_ON)


async def sign_out_without_way_back(walk: Walk) -> None:
    """The client names none: its own page is the way on, whatever is pressed."""
    await walk.settle("password")
    await walk.sign_in()
    await walk.arrive()
    await _redeem(walk)
    await _ask(walk)
    await walk.press(_STAY)
    await walk.see("declined", WAY_ON, _SIGN_OUT)
    await walk.press(WAY_ON)
    await walk.be_at_client()
    await _ask(walk)
    await walk.press()
    await walk.see("signed out", DONE, WAY_ON)
    await walk.press(WAY_ON)
    await walk.be_at_client()
    await _is_signed_in(walk, still=False)


async def _redeem(walk: Walk) -> None:
    """Get tokens for the code, as a client does: of those it is known as the last one."""
    known = {"client_id": walk.here.client_id, "redirect_uri": CALLBACK}
    async with httpx.AsyncClient(base_url=walk.world.served.base_url, timeout=60) as client:
        tokens = await redeem_at(client, walk.opened.page.url, walk.here.slug, **known)
    assert "access_token" in tokens, tokens


async def sign_out_not_registered(walk: Walk) -> None:
    """Nobody is led to where the client is not registered, and the question stays."""
    home = await walk.settle("password")
    asked = {"client_id": home.client_id, "post_logout_redirect_uri": "https://evil.example/bye"}
    await walk.sign_in()
    await walk.arrive()
    await _ask(walk, **asked)
    await walk.see("not registered", REFUSED, "main .btn-primary", _STAY)
    await walk.press()
    await walk.see("signed out", DONE, WAY_ON)
    await walk.press(WAY_ON)
    await walk.be_at_client()
    await _is_signed_in(walk, still=False)
