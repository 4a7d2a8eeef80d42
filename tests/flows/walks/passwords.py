"""Walks by a password: wrong, too often, of people who may not come in; a forgotten one."""

from __future__ import annotations

import httpx

from tests.flows.walks.walk import FIELD, REFUSED, TOLD, WAY_ON, Walk
from tests.flows.walks.world import ADA, FEW, NEW_PASSWORD
from tests.handlers.flow import parameters, submit
from tests.world.browser import new_address
from tests.world.passkeys import add_person
from tests.world.served import CALLBACK


async def password(walk: Walk) -> None:
    await walk.settle("password")
    await walk.begin()
    await walk.see("asked", FIELD, "#password", "#remember")
    await walk.fill(email=ADA, password="not it")
    await walk.press()
    await walk.see("wrong", REFUSED, "details.aside")
    await walk.sign_in()
    await walk.arrive()
    await walk.sign_in(prompt="login")
    await walk.arrive()
    await walk.begin(prompt="login")
    await walk.see("once more", TOLD, "#password")
    await walk.press("main [form=switch]")
    await walk.see("somebody else", FIELD)
    await walk.press(".cancel a:last-of-type")
    await walk.arrive("access_denied")


async def too_often(walk: Walk) -> None:
    """Past the limit the way in is a link that is mailed (security F.7)."""
    home = await walk.settle("password", "magic_link")
    address = new_address()
    await walk.opened.page.context.set_extra_http_headers({"X-Forwarded-For": address})
    headers = {"X-Forwarded-For": address}
    base_url = walk.world.served.base_url
    async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=60) as guesser:
        for _ in range(FEW):
            asked = parameters(client_id=home.client_id, redirect_uri=CALLBACK)
            begun = await guesser.get(f"/{home.slug}/auth", params=asked)
            path = begun.headers["Location"]
            assert (await submit(guesser, path, email=ADA, password="a guess")).is_success
    await walk.sign_in(password="another guess")
    await walk.see("too often", REFUSED, "#magic-link-btn")
    await walk.press("#magic-link-btn")
    await walk.see("a link is mailed", TOLD, "#code")
    await walk.open(await walk.world.link_to(ADA, "magic-link"))
    await walk.see("the link", "main .btn-primary")
    await walk.press()
    await walk.arrive()


async def not_let_in(walk: Walk) -> None:
    home = await walk.settle("password")
    for status in ("suspended", "locked"):
        email = f"{status}@people.example"
        await add_person(walk.world.runtime, home.id, email=email, status=status)
        await walk.sign_in(email)
        await walk.see(status, REFUSED)
        await walk.forget()


async def forgotten(walk: Walk) -> None:
    await walk.settle("password")
    await walk.begin()
    await walk.press(".label-row a")
    await walk.see("forgot", FIELD)
    await walk.fill(email=ADA)
    await walk.press()
    await walk.see("mailed", TOLD, WAY_ON)
    link = await walk.world.link_to(ADA, "reset-password")
    await walk.open(link)
    await walk.see("another one", "#password", "#confirm")
    await walk.choose_password("short", "different")
    await walk.press()
    await walk.see("too weak", REFUSED, "#password")
    await walk.choose_password(NEW_PASSWORD)
    await walk.press()
    await walk.see("done", WAY_ON)
    await walk.press(WAY_ON)
    await walk.see("back at the sign-in", FIELD, "#password")
    await walk.fill(email=ADA, password=NEW_PASSWORD)
    await walk.press()
    await walk.arrive()
    await walk.open(link)
    await walk.see("used", WAY_ON)
    await walk.press(WAY_ON)
    await walk.see("asked for again", FIELD)
