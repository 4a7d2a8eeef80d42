"""Walks by an invitation: accepted with a new password, by who has one; no longer good."""

from __future__ import annotations

from typing import Any

from porta.audit.actors import SYSTEM
from porta.services import invitations
from porta.services.invitation_fields import NewInvitation
from tests.flows.walks.walk import DONE, OVER, REFUSED, WAY_ON, Walk
from tests.flows.walks.world import ADA, GRACE, NEW_PASSWORD


async def _invite(walk: Walk, email: str = GRACE, **more: Any) -> tuple[str, str]:
    """Invite somebody to the client; return the id of the invitation, and the path in its mail."""
    home, runtime = walk.here, walk.world.runtime
    # An address is mailed a few in an hour, whoever invites it: not those of other walks.
    await walk.world.pg.execute(
        "UPDATE invitation_tokens SET created_at = created_at - interval '1 day'"
        " WHERE organization_id <> %(id)s",
        {"id": home.id},
    )
    command = NewInvitation.parse({"email": email, "client_id": home.client_id, **more})
    async with runtime.storage.everywhere.transaction() as tx:
        made = await invitations.invite(tx, SYSTEM, home.id, command, post=runtime.post)
    return made.sent.id, await walk.world.link_to(email, "accept-invite")


async def invitation(walk: Walk) -> None:
    """Somebody new chooses a password, is led to the client, and signs in with it."""
    await walk.settle("password")
    _, link = await _invite(walk)
    await walk.open(link)
    await walk.see("invited", "#given_name", "#password")
    await walk.fill(given_name="Grace")
    await walk.choose_too_weak()
    assert await walk.opened.page.input_value("#given_name") == "Grace"
    await walk.choose_password(NEW_PASSWORD)
    await walk.press()
    await walk.see("accepted", DONE, WAY_ON)
    await walk.press(WAY_ON)
    await walk.be_at_client()
    await walk.sign_in(GRACE, NEW_PASSWORD)
    await walk.arrive()
    await walk.open(link)
    await walk.see("used", OVER, WAY_ON)
    await walk.press(WAY_ON)
    await walk.see("where that leads", WAY_ON)


async def invitation_known(walk: Walk) -> None:
    """Who has an account is asked for nothing: their password stays."""
    await walk.settle("password")
    _, link = await _invite(walk, ADA)
    await walk.open(link)
    await walk.see("invited", "main .btn-primary")
    assert await walk.opened.page.locator("main input:visible").count() == 0
    await walk.press()
    await walk.see("accepted", DONE, WAY_ON)
    await walk.press(WAY_ON)
    await walk.be_at_client()
    await walk.sign_in()
    await walk.arrive()


async def invitation_over(walk: Walk) -> None:
    """Taken back while its page is open; too old."""
    home, storage = await walk.settle("password"), walk.world.runtime.storage.everywhere
    invited, link = await _invite(walk)
    await walk.open(link)
    async with storage.transaction() as tx:
        await invitations.revoke(tx, SYSTEM, home.id, invited)
    await walk.choose_password(NEW_PASSWORD)
    await walk.press()
    await walk.see("taken back", OVER, WAY_ON)
    invited, link = await _invite(walk)
    await walk.world.pg.execute(
        "UPDATE invitation_tokens SET expires_at = now() - interval '1 minute' WHERE id = %(id)s",
        {"id": invited},
    )
    await walk.open(link)
    await walk.see("expired", OVER, WAY_ON)
    await walk.sign_in(GRACE, NEW_PASSWORD)
    await walk.see("nobody who has a password", REFUSED)
