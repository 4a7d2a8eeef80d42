"""Walks by self-registration: asked for, mailed, completed; where accounts are made, or are not."""

from __future__ import annotations

from tests.flows.walks.walk import DONE, FIELD, OVER, REFUSED, TOLD, WAY_ON, Walk
from tests.flows.walks.world import ADA, GRACE, NEW_PASSWORD
from tests.world.waiting import eventually

_REGISTER = "main a[href*='/register']"


async def _ask(walk: Walk, email: str) -> None:
    await walk.fill(email=email)
    await walk.press()


async def registration(walk: Walk) -> None:
    """From a sign-in and back to it, with an account."""
    await walk.settle("password", registration="open")
    await walk.begin()
    await walk.press(_REGISTER)
    await walk.see("asked", FIELD)
    await _ask(walk, "nobody")
    await walk.see("no address", REFUSED, FIELD)
    await _ask(walk, GRACE)
    await walk.see("mailed", TOLD, WAY_ON)
    assert await _was_proven(walk) is walk.has_scripts, (
        "scripts solve the puzzle, nothing else does"
    )
    link = await walk.world.link_to(GRACE, "register")
    await walk.open(link)
    await walk.see("the link", "#given_name", "#password")
    await walk.fill(given_name="Grace")
    await walk.choose_too_weak()
    await walk.choose_password(NEW_PASSWORD)
    await walk.press()
    await walk.see("made", DONE, WAY_ON)
    await walk.press(WAY_ON)
    await walk.see("back at the sign-in", FIELD, "#password")
    await walk.fill(email=GRACE, password=NEW_PASSWORD)
    await walk.press()
    await walk.arrive()
    await walk.open(link)
    await walk.see("used", OVER, WAY_ON)
    await walk.press(WAY_ON)
    await walk.see("asked for again", FIELD)


async def _was_proven(walk: Walk) -> bool:
    """Whether a puzzle was solved by who asked for an account."""
    (row,) = await walk.world.pg.fetch(
        "SELECT metadata ->> 'proven' = 'true' FROM audit_log WHERE organization_id = %(id)s"
        " AND event_type = 'user.registration.requested'",
        {"id": walk.here.id},
    )
    return bool(row[0])


async def registration_refused(walk: Walk) -> None:
    """Of another domain; of who has an account, which the mail alone says; closed meanwhile."""
    home = await walk.settle(
        "password", registration="domain", registration_domains=("people.example",)
    )
    register = f"/{home.slug}/auth/register"
    await walk.open(register)
    await _ask(walk, "grace@elsewhere.example")
    await walk.see("another domain", REFUSED, FIELD)
    await _ask(walk, ADA)
    await walk.see("mailed to who has one", TOLD, WAY_ON)
    base = walk.world.origin
    await walk.open(await walk.world.read_letter(ADA, rf"^{base}(/\S+/forgot-password)\s*$"))
    await walk.see("another password", FIELD)
    await walk.open(register)
    await _ask(walk, GRACE)
    link = await walk.world.link_to(GRACE, "register")
    await walk.open(link)
    await _close(walk)
    await walk.choose_password(NEW_PASSWORD)
    await walk.press()
    await walk.see("closed meanwhile", OVER, WAY_ON)
    await walk.press(WAY_ON)
    await walk.see("where that leads", WAY_ON)


async def _close(walk: Walk) -> None:
    runtime, home = walk.world.runtime, walk.here
    await runtime.storage.everywhere.organizations.update(home.id, {"registration": "closed"})

    async def is_known() -> bool:
        found = await runtime.organization(home.slug)
        return found is not None and found.registration == "closed"

    await eventually(is_known)


async def registration_open_or_closed(walk: Walk) -> None:
    """The client asks for an account to be made (`prompt=create`)."""
    await walk.settle("password", registration="open")
    await walk.begin(prompt="create")
    await walk.see("open", FIELD)
    await walk.press(".cancel a")
    await walk.see("back", FIELD, "#password")
    await walk.forget()
    home = await walk.settle("password", registration="closed")
    await walk.open(f"/{home.slug}/auth/register")
    await walk.see("closed", OVER, WAY_ON)
    await walk.begin(prompt="create")
    await walk.see("closed, asked for by a client", FIELD)
    assert await walk.opened.page.locator(_REGISTER).count() == 0
