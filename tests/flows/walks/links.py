"""Walks by mailed links: a magic link, here and elsewhere, refused."""

from __future__ import annotations

from tests.flows.walks.walk import CODE, FIELD, REFUSED, TOLD, WAY_ON, Walk
from tests.flows.walks.world import ADA

_ASK = "main .btn-primary"


async def _ask_for_link(walk: Walk) -> str:
    await walk.begin()
    await walk.fill(email=ADA)
    await walk.press(_ASK)
    return await walk.world.link_to(ADA, "magic-link")


async def magic_link(walk: Walk) -> None:
    await walk.settle("magic_link")
    await walk.begin()
    await walk.see("asked", FIELD, _ASK)
    await walk.press(_ASK)
    await walk.see("no address", REFUSED, FIELD)
    await walk.fill(email=ADA)
    await walk.press(_ASK)
    await walk.see("mailed", TOLD, CODE)
    link = await walk.world.link_to(ADA, "magic-link")
    await walk.open(link)
    await walk.see("the link", "main .btn-primary")
    await walk.press()
    await walk.arrive()
    await walk.open(link)
    await walk.see("used", WAY_ON)
    await walk.press(WAY_ON)
    await walk.see("where that leads", "main .btn-primary")


async def magic_link_elsewhere(walk: Walk) -> None:
    """Opened in another browser it signs nobody in; a code is typed in the first one."""
    await walk.settle("magic_link")
    link = await _ask_for_link(walk)
    async with walk.elsewhere() as other:
        await other.open(link)
        await other.see("elsewhere", "[name=decision][value=code]", "[value=disown]")
        await other.press("[name=decision][value=code]")
        await other.see("the code", ".shown-code code", WAY_ON)
        code = await other.opened.text(".shown-code code")
    await walk.fill(code="0000 0000")
    await walk.press()
    await walk.see("wrong code", REFUSED, CODE)
    await walk.fill(code=code)
    await walk.press()
    await walk.arrive()


async def magic_link_refused(walk: Walk) -> None:
    """Disowned by who did not ask for it; too old."""
    home = await walk.settle("magic_link")
    link = await _ask_for_link(walk)
    async with walk.elsewhere() as other:
        await other.open(link)
        await other.press("[name=decision][value=disown]")
        await other.see("disowned", WAY_ON)
    link = await _ask_for_link(walk)
    await walk.world.pg.execute(
        "UPDATE magic_link_tokens SET expires_at = now() - interval '1 minute'"
        " WHERE user_id = %(id)s",
        {"id": home.user.id},
    )
    await walk.open(link)
    await walk.see("expired", WAY_ON)
    await walk.press(WAY_ON)
    await walk.see("asked again", FIELD)
