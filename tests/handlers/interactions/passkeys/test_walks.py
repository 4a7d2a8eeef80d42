"""Passkeys in every order of requests, and at two servers at once: never more than was shown."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from hypothesis import HealthCheck, example, given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from handlers import app
from handlers.http.server import Server
from porta.runtime import Runtime
from porta.security import jwt
from tests.handlers.flow import csrf, redeem_at, submit
from tests.world.authenticators import VERIFIED, Authenticator
from tests.world.passkeys import Home, furnish, give_passkey, options_at, show
from tests.world.ports import free_port

AMR = {"first": ["swk", "user", "mfa"], "second": ["pwd", "swk", "user", "mfa"]}
_STEPS = ("first", "second", "password", "unverified", "again", "switch", "resume", "look")


@example([("password", 0), ("first", 0), ("second", 1), ("second", 0)])
@example([("password", 0), ("switch", 0), ("second", 0), ("first", 0)])
@example([("unverified", 0), ("again", 0), ("again", 1), ("password", 1), ("unverified", 1)])
@example([("second", 0), ("again", 1), ("again", 0)])
@bounds(max_examples=12, deadline=None, suppress_health_check=[*HealthCheck])
@given(
    st.lists(
        st.tuples(st.sampled_from(_STEPS), st.sampled_from((0, 0, 0, 1))), min_size=2, max_size=6
    )
)
async def test_no_walk_leads_past_a_factor_and_tokens_tell_the_truth(
    runtime: Runtime, server: Server, walk: list[tuple[str, int]]
) -> None:
    """G.1, G.4: in any order, in two tabs, again and again."""
    home = await furnish(runtime, "password", "passkey", policy="required_passkey")
    held = Authenticator(runtime.settings.issuer_base_url)
    await give_passkey(runtime, home.user, held)
    async with httpx.AsyncClient(base_url=f"http://localhost:{server.port}", timeout=20) as http:
        await _walk(http, home, held, walk)


async def _walk(
    http: httpx.AsyncClient, home: Home, held: Authenticator, walk: list[tuple[str, int]]
) -> None:
    tabs, half = [await home.begin(http), await home.begin(http)], [False, False]
    last, unused = "{}", None
    for step, tab in walk:
        path, verified = tabs[tab], step != "unverified"
        if step in ("first", "second", "unverified"):
            held.flags = held.flags | VERIFIED if verified else held.flags & ~VERIFIED
            last = held.get(await options_at(http, path))
            # Sent where nobody asked for it, an answer stays good where it was asked for.
            unused = tab if step == "second" and not half[tab] else None
        answer = await _step(http, home, path, step, last, half=half[tab])
        # Beside a password, possession is enough.
        right = {"first": not half[tab], "second": half[tab], "unverified": half[tab]}
        right["again"] = unused == tab
        signed_in = right.get(step, False)
        half[tab] = (half[tab] and step != "switch") or step == "password"
        kept = any("session" in name for name in http.cookies)
        assert (kept, answer.status_code in (200, 303, 403)) == (signed_in, True), (step, walk)
        if signed_in:
            amr = AMR["first" if step in ("first", "again") else "second"]
            assert (await _claims(http, home, path))["amr"] == amr
            return


async def _step(
    http: httpx.AsyncClient, home: Home, path: str, step: str, answer: str, *, half: bool
) -> httpx.Response:
    if step == "look":
        return await http.get(path)
    if step == "resume":
        return await http.get(f"/{home.slug}/auth/{path.rpartition('/')[2]}")
    if step == "password":
        return await submit(http, path, email=home.user.email)
    if step == "switch":
        return await http.post(f"{path}/switch", data={"_csrf": await csrf(http, path)})
    beside = step == "second" or (step == "unverified" and half)
    where, more = ("two-factor", {"method": "passkey"}) if beside else ("passkey", {})
    return await show(http, path, answer, where, **more)


async def _claims(http: httpx.AsyncClient, home: Home, path: str) -> dict[str, Any]:
    done = await http.get(f"/{home.slug}/auth/{path.rpartition('/')[2]}")
    location = str(done.headers["Location"])
    tokens = await redeem_at(http, location, home.slug, client_id=home.client_id)
    return jwt.read_own(tokens["id_token"])


async def test_of_fifty_who_bring_one_answer_to_two_servers_one_is_signed_in(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator
) -> None:
    home = await furnish(runtime, "passkey")
    await give_passkey(runtime, home.user, held)
    path = await home.begin(http)
    answer = held.get(await options_at(http, path))
    form = {"_csrf": await csrf(http, path), "credential": answer}
    beside = runtime.settings.model_copy(update={"port": free_port()})
    second = await Runtime.open(beside)
    started = await app.start(second, beside)
    try:
        ports = (runtime.settings.port, beside.port)
        posted = await asyncio.gather(
            *(
                http.post(f"http://localhost:{ports[n % 2]}{path}/passkey", data=form)
                for n in range(50)
            )
        )
    finally:
        await started.stop()
        await second.close()
    assert [each.status_code for each in posted].count(303) == 1
