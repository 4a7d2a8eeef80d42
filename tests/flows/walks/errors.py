"""Walks into what went wrong: each error has a way on, and a code for who is asked about it."""

from __future__ import annotations

from urllib.parse import urlencode

from tests.flows.walks.walk import Walk
from tests.handlers.flow import parameters
from tests.world.served import CALLBACK

_EVIL = "https://evil.example/callback"
_ACTION = "main .btn-primary"
_CODE = "dl.details dd[data-copy] code"


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
