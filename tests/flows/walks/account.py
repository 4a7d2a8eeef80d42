"""Walks at one's own account: a change in a section, and what is refused there."""

from __future__ import annotations

import json

import pyotp

from tests.flows.walks.factors import code_of
from tests.flows.walks.others import OFFER, come_back, other_house
from tests.flows.walks.walk import CODE, FIELD, REFUSED, SAVE, TOLD, WAY_ON, Walk
from tests.flows.walks.world import ADA, NEW_ADDRESS
from tests.world.house import PASSWORD

_CHANGE = "main button.btn-inline"


async def arrive(walk: Walk, section: str = "") -> None:
    """Go to one's account, by way of a sign-in."""
    await walk.open(page_of(walk, section))
    await walk.fill(email=ADA, password=PASSWORD)
    await walk.press()
    assert walk.opened.page.url.endswith(page_of(walk, section)), walk.opened.page.url


def page_of(walk: Walk, section: str = "") -> str:
    return f"/{walk.here.slug}/account" + (f"/{section}" if section else "")


async def another_address(walk: Walk) -> None:
    """By the link that went there; and refused by the one that went to the address of before."""
    await walk.settle("password")
    await arrive(walk, "email")
    await walk.see("asked", FIELD)
    await walk.fill(email="ada at new")
    await walk.press()
    await walk.see("no address", REFUSED, FIELD)
    await walk.fill(email=NEW_ADDRESS)
    await walk.press(SAVE)
    await walk.see("mailed", TOLD, "[name=withdraw]")
    link = await walk.world.link_to(NEW_ADDRESS, "email-change")
    async with walk.elsewhere() as other:
        await other.open(link)
        await other.see("the link", "main .btn-primary")
        await other.press()
        await other.see("done", WAY_ON)
        await other.open(link)
        await other.see("used", WAY_ON)
    await walk.open(page_of(walk, "email"))
    await walk.fill(email="mallory@new.example")
    await walk.press(SAVE)
    refusal = await walk.world.link_to(NEW_ADDRESS, "refuse-email-change")
    async with walk.elsewhere() as other:
        await other.open(refusal)
        await other.see("to be refused", "main .btn-primary")
        await other.press()
        await other.see("refused", WAY_ON)
    await walk.open(page_of(walk, "email"))
    await walk.see("signed out by that", FIELD, "#password")


async def second_factor(walk: Walk) -> None:
    """An app at one's own account, other recovery codes, and none of it any more."""
    await walk.settle("password")
    await arrive(walk, "security")
    await walk.see("security", "a[href$='/security/app']", "[value=email]")
    await walk.press("a[href$='/security/app']")
    await walk.see("an app", ".qr svg", CODE)
    await walk.opened.page.click("details.aside summary")
    totp = pyotp.TOTP("".join((await walk.opened.text("code.secret")).split()))
    await walk.fill(code="000000")
    await walk.press()
    await walk.see("an app, wrong", REFUSED, ".qr svg")
    await walk.fill(code=code_of(walk, totp))
    await walk.press()
    await walk.see("recovery codes", "ol.codes", WAY_ON)
    await walk.press(WAY_ON)
    await walk.see("security, with an app", "[name=codes]", "[name=off]")
    await walk.press("[name=codes]")
    await walk.see("other recovery codes", "ol.codes", WAY_ON)
    await walk.press(WAY_ON)
    await walk.press("[name=off]")
    await walk.see("security, told", TOLD)
    await walk.press("a[href$='/security/passkey']")
    await walk.see("a passkey", "#passkey button" if walk.has_scripts else "main noscript")


async def who_else(walk: Walk) -> None:
    """Sessions of other browsers, and applications."""
    await walk.settle("password", client={"is_first_party": False})
    async with walk.elsewhere() as other:
        await other.sign_in(scope="openid profile")
        await other.press("[name=decision][value=approve]")
        await other.arrive()
        await arrive(walk, "applications")
        await walk.see("applications", _CHANGE)
        await walk.press(_CHANGE)
        await walk.see("applications, told", TOLD)
        await walk.open(page_of(walk, "sessions"))
        await walk.see("sessions", "[name=session]", "[name=others]")
        await walk.press("[name=session]")
        await walk.see("sessions, told", TOLD)
        await other.begin(scope="openid profile")
        await other.see("signed out", FIELD)


async def linked_provider(walk: Walk) -> None:
    await walk.settle("password")
    async with other_house(walk) as (there, _):
        there.claims |= {"email": "countess@elsewhere.example"}
        await arrive(walk, "identities")
        await walk.see("none", OFFER)
        await walk.press(OFFER)
        await come_back(walk, there)
        await walk.see("to be linked", "[value=link]", "[value=apart]")
        await walk.press("[value=link]")
        await walk.see("linked", TOLD, "[name=unlink]")
        await walk.press("[name=unlink]")
        await walk.see("taken away", TOLD, OFFER)


async def my_data(walk: Walk) -> None:
    """All of it as a file, and an end to it."""
    await walk.settle("password", account_deletion=True)
    await arrive(walk, "data")
    await walk.see("data", "[name=download]", "#confirm")
    async with walk.opened.page.expect_download() as kept:
        await walk.opened.page.click("[name=download]")
    record = json.loads((await (await kept.value).path()).read_text())
    assert ADA in json.dumps(record)
    await walk.open(page_of(walk, "data"))
    await walk.opened.page.fill("#confirm", "no")
    await walk.press("section.account form button")
    await walk.see("not confirmed", REFUSED)
    await walk.opened.page.fill("#confirm", ADA)
    await walk.press("section.account form button")
    await walk.see("deleted", WAY_ON)
    await walk.sign_in()
    await walk.see("nobody by now", REFUSED)
