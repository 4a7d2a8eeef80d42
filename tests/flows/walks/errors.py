"""Walks into what went wrong: each error has a way on, and a code for who is asked about it."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from porta.browser import interactions
from porta.errors import Forbidden
from porta.tenants import resolve
from tests.flows.walks.walk import AT_CLIENT, FIELD, WAY_ON, Walk
from tests.flows.walks.world import ADA
from tests.handlers.flow import parameters
from tests.world.browser import configured
from tests.world.house import PASSWORD
from tests.world.served import CALLBACK
from tests.world.waiting import eventually

_EVIL = "https://evil.example/callback"
_ACTION = "main .btn-primary"
_CODE = "dl.details dd[data-copy] code"
_TOLD = "dl.details code:text-is('{}')".format
_AGAIN = "main .ways form .btn-primary"
"""What begins the same request anew."""


async def wrong_requests(walk: Walk) -> None:
    """Nothing of a request is to be believed: nobody is sent on by it."""
    home = await walk.settle("password")
    mine = parameters(client_id=home.client_id, redirect_uri=CALLBACK)
    out = {"client_id": "nobody-here", "post_logout_redirect_uri": _EVIL}
    for state, path in {
        "unknown client": f"auth?{urlencode(mine | {'client_id': 'nobody-here'})}",
        "not registered": f"auth?{urlencode(mine | {'redirect_uri': _EVIL})}",
        "sign-out of nobody": f"session/end?{urlencode(out)}",
    }.items():
        await walk.open(f"/{home.slug}/{path}")
        await walk.see(state, _CODE)
        assert "evil" not in str(await walk.opened.page.get_attribute(_ACTION, "href"))
    await walk.begin(response_type="nonsense")
    await walk.arrive("unsupported_response_type")
    await walk.begin(prompt="none")
    await walk.arrive("login_required")


async def nothing_there(walk: Walk) -> None:
    """Within an organization, and outside of all: each leads to what there is."""
    home = await walk.settle("password")
    for state, path in {
        "not found": f"/{home.slug}/nothing",
        "interaction expired": "/interaction/nothing",
        "org not found": "/nobody-is-here/auth",
    }.items():
        await walk.open(path)
        await walk.see(state, WAY_ON, _CODE, _TOLD(state.replace(" ", "_")))
        await walk.press(WAY_ON)
        assert walk.opened.documents[-1].status == 200, state
    await walk.see("the first page", _ACTION)


async def suspended(walk: Walk) -> None:
    """An organization that pauses, and goes on: the same request is tried again."""
    home = await walk.settle("password")
    await _set_status(walk, "suspended")
    await walk.begin()
    await walk.see("suspended", WAY_ON, _CODE, _TOLD("org_suspended"))
    await walk.press(WAY_ON)
    await walk.see("suspended still", WAY_ON, _CODE)
    await walk.open(f"/{home.slug}/account")
    await walk.see("suspended, the account", WAY_ON, _CODE)
    await walk.begin()
    await _set_status(walk, "active")
    await walk.press(WAY_ON)
    await walk.see("on again", FIELD, "#password")


async def _set_status(walk: Walk, status: str) -> None:
    """Suspend the organization, or have it go on, and wait until the server has heard of it."""
    runtime, home = walk.world.runtime, walk.here
    await runtime.storage.everywhere.organizations.set_status(home.id, status)

    async def is_heard() -> bool:
        try:
            await resolve.resolve(runtime, home.slug)
        except Forbidden:
            return status == "suspended"
        return status == "active"

    await eventually(is_heard)


async def too_late(walk: Walk) -> None:
    """The interaction is no more: it begins anew, with the address that was typed."""
    await walk.settle("password")
    await walk.begin()
    await _lose(walk)
    await walk.fill(email=ADA, password=PASSWORD)
    await walk.press()
    await walk.see("too late", _AGAIN, _CODE, _TOLD("interaction_expired"))
    await walk.press(_AGAIN)
    await walk.see("begun anew", "#password")
    assert await walk.opened.page.input_value(FIELD) == ADA
    await walk.fill(password=PASSWORD)
    await walk.press()
    await walk.arrive()


async def _lose(walk: Walk) -> None:
    """Let the interaction that a page is of expire."""
    runtime, uid = walk.world.runtime, urlsplit(walk.opened.page.url).path.split("/")[2]
    waiting = await interactions.find(runtime, uid)
    assert waiting is not None
    assert await runtime.storage.artifacts.delete(waiting)


async def not_here(walk: Walk) -> None:
    """An address of another browser's sign-in, and a browser that keeps no cookies."""
    await walk.settle("password")
    await walk.begin()
    begun = urlsplit(walk.opened.page.url).path
    async with walk.elsewhere() as other:
        await other.begin()
        await other.open(begun)
        await other.see("another browser's", _AGAIN, _CODE, _TOLD("interaction_expired"))
        await other.press(_AGAIN)
        await other.see("one of its own", FIELD, "#password")
    await walk.forget()
    await walk.fill(email=ADA, password=PASSWORD)
    await walk.press()
    await walk.see("no cookies", _AGAIN, _CODE, _TOLD("cookies_required"))
    await walk.press(_AGAIN)
    await walk.see("begun anew", FIELD, "#password")


async def finished(walk: Walk) -> None:
    """Gone back to after its end: on to the client, or a word that all is well."""
    await walk.settle("password")
    await _go_back(walk)
    assert walk.opened.page.url.startswith(AT_CLIENT)
    await walk.forget()
    await walk.settle("password", client={"application_type": "native"})
    await _go_back(walk)
    await walk.see("finished", ".badge-success", _AGAIN, _TOLD("already_finished"))


async def _go_back(walk: Walk) -> None:
    """Sign in, and open the page where that was done once more."""
    await walk.begin()
    begun = urlsplit(walk.opened.page.url).path
    await walk.fill(email=ADA, password=PASSWORD)
    await walk.press()
    await walk.arrive()
    await walk.open(begun)


async def flooded(walk: Walk) -> None:
    """Too many from one address: how long to wait is told, and the same request tried again."""
    await walk.settle("password")
    async with configured(walk.world.served, rate_limit_request_max=1):
        await walk.begin()
        await walk.begin()
        await walk.see("too many", WAY_ON, _CODE, "main bdi", _TOLD("rate_limit_exceeded"))
        assert walk.opened.documents[-1].status == 429
        await walk.press(WAY_ON)
        await walk.see("too many still", WAY_ON)
    await walk.press(WAY_ON)
    await walk.see("on again", FIELD, "#password")
