"""Walks at one's own account that are held up: shown once more, ended, enough for a day."""

from __future__ import annotations

from porta.audit.actors import Actor
from porta.browser import account_visits
from porta.limits import own_changes
from porta.tenants import resolve
from tests.flows.walks.account import arrive, page_of
from tests.flows.walks.factors import code_of
from tests.flows.walks.walk import FIELD, REFUSED, SAVE, TOLD, WAY_ON, Walk
from tests.flows.walks.world import ADA, NEW_ADDRESS, NEW_PASSWORD
from tests.world.house import PASSWORD
from tests.world.runtime import clock_ahead
from tests.world.second_factors import person_with_totp


async def asked_again(walk: Walk) -> None:
    """A change needs a sign-in of not long ago; giving that up changes nothing."""
    await walk.settle("password")
    await arrive(walk, "profile")
    with clock_ahead(walk.world.runtime) as ahead:
        ahead.append(account_visits.RECENT + 1)
        await walk.open(page_of(walk, "profile"))
        await walk.see("is told beforehand", "p.lead", SAVE)
        await walk.fill(nickname="Countess")
        await walk.press(SAVE)
        await walk.see("asked again", "#password")
        await walk.fill(password="not it")
        await walk.press()
        await walk.see("wrong", REFUSED, "#password")
        await walk.press(".cancel a:last-of-type")
        await walk.see("given up", "main .btn-primary")
        await walk.open(page_of(walk, "security/app"))
        await walk.see("asked before a secret is shown", "#password")
        await walk.fill(password=PASSWORD)
        await walk.press()
        assert walk.opened.page.url.endswith(page_of(walk, "security"))
        await walk.see("led back", WAY_ON)
        await walk.open(page_of(walk, "profile"))
        await walk.fill(nickname="Countess")
        await walk.press(SAVE)
        await walk.see("changed", TOLD, "#nickname[value=Countess]")


async def ended_meanwhile(walk: Walk) -> None:
    """A form of who was signed out meanwhile leads to a sign-in, and back."""
    home = await walk.settle("password")
    await arrive(walk, "profile")
    await walk.fill(nickname="Countess")
    await walk.world.runtime.storage.end_account(home.user.id, home.id, "test")
    await walk.press(SAVE)
    await walk.see("signed out", FIELD, "#password")
    await walk.fill(email=ADA, password=PASSWORD)
    await walk.press()
    assert walk.opened.page.url.endswith(page_of(walk, "profile"))
    assert await walk.opened.page.input_value("#nickname") == ""
    await walk.spoil("_csrf")
    await walk.press(SAVE)
    await walk.see("a form of before", REFUSED, SAVE)


async def day_over(walk: Walk) -> None:
    """So many changes of a section in a day: how long to wait, with what was typed."""
    home = await walk.settle("password")
    actor = Actor(user_id=home.user.id)
    tenant = await resolve.resolve(walk.world.runtime, home.slug)
    for section in ("profile", "email", "language", "password", "security"):
        for _ in range(own_changes.MOST):
            await own_changes.count(walk.world.runtime, tenant, section, actor)
    await arrive(walk, "profile")
    await walk.fill(nickname="Countess")
    await walk.press(SAVE)
    await _refused(walk, "profile")
    assert await walk.opened.page.input_value("#nickname") == "Countess"
    await walk.open(page_of(walk, "email"))
    await walk.fill(email=NEW_ADDRESS)
    await walk.press(SAVE)
    await _refused(walk, "address")
    await walk.open(page_of(walk, "language"))
    await walk.press("main li button")
    await _refused(walk, "language")
    await walk.open(page_of(walk, "password"))
    await walk.fill(current=PASSWORD)
    await walk.choose_password(NEW_PASSWORD)
    await walk.press(SAVE)
    await _refused(walk, "password")
    await walk.open(page_of(walk, "security"))
    await walk.press("[value=email]")
    await _refused(walk, "security")
    await walk.press("a[href$='/security/app']")
    await walk.fill(code="000000")
    await walk.press()
    await _refused(walk, "an app")


async def _refused(walk: Walk, state: str) -> None:
    await walk.see(state, REFUSED, ".whom ~ p bdi")
    assert walk.opened.documents[-1].status == 429, state


async def demanded(walk: Walk) -> None:
    """What a policy demands stays; and a device that was trusted is trusted no more."""
    home = await walk.settle("password", policy="required_any", trusted_device_days=30)
    user, totp = await person_with_totp(walk.world.runtime, walk.world.pg, slug=home.slug)
    await walk.sign_in(user.email)
    await walk.opened.page.check("[name=trust_device]")
    await walk.fill(code=code_of(walk, totp))
    await walk.press()
    await walk.arrive()
    await walk.open(page_of(walk, "security"))
    await walk.see("with a trusted device", "[name=device]", "[name=off]")
    await walk.press("[name=off]")
    await walk.see("it stays", REFUSED, "[name=off]")
    await walk.press("[name=device]")
    await walk.see("trusted no more", TOLD)
