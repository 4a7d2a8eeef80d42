"""Walks of changes at one's own account: what is said, the password, the address, passkeys."""

from __future__ import annotations

from tests.flows.walks.account import arrive, page_of
from tests.flows.walks.keys import BUTTON, cancel, have_device
from tests.flows.walks.walk import FIELD, REFUSED, SAVE, TOLD, WAY_ON, Walk
from tests.flows.walks.world import ADA, FEW, NEW_ADDRESS, NEW_PASSWORD
from tests.world.house import PASSWORD

_DETAILS = "section.account details summary"
_PASSKEY = "a[href$='/security/passkey']"


async def profile(walk: Walk) -> None:
    """What is none is told, with what was typed; and nobody's words are written over."""
    home = await walk.settle("password")
    await arrive(walk, "profile")
    await walk.see("profile", "#given_name", SAVE)
    await walk.fill(nickname="Countess", birthdate="yesterday")
    await walk.press(SAVE)
    await walk.see("not that", REFUSED, "#birthdate[aria-invalid]")
    assert await walk.opened.page.input_value("#nickname") == "Countess"
    await walk.fill(birthdate="1815-12-10")
    await walk.press(SAVE)
    await walk.see("profile, told", TOLD, "#birthdate[value='1815-12-10']")
    users = walk.world.runtime.storage.everywhere.users
    await users.update(home.user.id, home.id, {"nickname": "Ada"})
    await walk.fill(nickname="Lady")
    await walk.press(SAVE)
    await walk.see("changed meanwhile", REFUSED, "#nickname[value='Ada']")


async def language(walk: Walk) -> None:
    """What is chosen for the account is spoken at it, whatever a browser asks for."""
    await walk.settle("password")
    other, own = {"en": "ja", "de": "en", "ar": "en"}[walk.look.language], walk.look.language
    await arrive(walk, "language")
    await walk.see("language", WAY_ON, f"main [value={other}]")
    await walk.press(f"main [value={other}]")
    assert await walk.opened.page.get_attribute("html", "lang") == other
    await walk.press(f"main [value={own}]")
    await walk.see("language, told", TOLD, f"main li[lang={own}] strong")
    await walk.press("main form button:not([value])")
    await walk.see("none in particular", TOLD, "main li strong")


async def own_password(walk: Walk) -> None:
    """Changed by who knows the one of before, and ends what others are signed in at."""
    await walk.settle("password")
    await arrive(walk, "password")
    await walk.see("password", "#current", "#password", "#confirm")
    await _choose(walk, PASSWORD, "short", "different")
    await walk.see("too weak", REFUSED, "#password[aria-invalid]")
    await _choose(walk, "not it", NEW_PASSWORD, others=False)
    await walk.see("wrong", REFUSED, "#current[aria-invalid]", "[name=others]:not(:checked)")
    async with walk.elsewhere() as other:
        await other.sign_in()
        await other.arrive()
        await _choose(walk, PASSWORD, NEW_PASSWORD)
        await walk.see("password, told", TOLD)
        await other.sign_in()
        await other.see("of before", REFUSED, "#password")
        await other.fill(email=ADA, password=NEW_PASSWORD)
        await other.press()
        await other.arrive()


async def _choose(
    walk: Walk, current: str, password: str, repeated: str | None = None, *, others: bool = True
) -> None:
    await walk.fill(current=current)
    await walk.choose_password(password, repeated)
    await walk.opened.page.set_checked("[name=others]", others)
    await walk.press(SAVE)


async def own_password_guessed(walk: Walk) -> None:
    """Guesses at an open session are those of a sign-in: too many of them, and a wait is told."""
    await walk.settle("password")
    await arrive(walk, "password")
    for _ in range(FEW + 1):
        await _choose(walk, "a guess", NEW_PASSWORD)
    await walk.see("too often", REFUSED, ".whom ~ p bdi")
    assert walk.opened.documents[-1].status == 429


async def address_undone(walk: Walk) -> None:
    """A change that was made is undone by the letter that went to the address of before."""
    await walk.settle("password")
    await arrive(walk, "email")
    await walk.fill(email=NEW_ADDRESS)
    await walk.press(SAVE)
    await walk.press("[name=withdraw]")
    await walk.see("given up", TOLD, FIELD)
    given_up = await walk.world.link_to(NEW_ADDRESS, "email-change")
    await walk.world.link_to(ADA, "refuse-email-change")
    await walk.open(given_up)
    await walk.see("the link is over", WAY_ON)
    await walk.open(page_of(walk, "email"))
    await walk.fill(email=NEW_ADDRESS)
    await walk.press(SAVE)
    await walk.open(await walk.world.link_to(NEW_ADDRESS, "email-change"))
    await walk.press()
    undoing = await walk.world.link_to(ADA, "refuse-email-change")
    async with walk.elsewhere() as other:
        await other.open(undoing)
        await other.see("to be undone", "main .btn-primary")
        await other.press()
        await other.see("undone", WAY_ON)
        await other.open(undoing)
        await other.see("used", WAY_ON)
    await walk.open(page_of(walk))
    await walk.see("signed out by that", FIELD, "#password")
    await walk.fill(email=ADA, password=PASSWORD)
    await walk.press()
    await walk.see("the password of then is none", REFUSED)


async def own_passkey(walk: Walk) -> None:
    """Made at one's own account, where a browser can; named, chosen, and taken away."""
    await walk.settle("password")
    held = await have_device(walk)
    await arrive(walk, "security")
    await walk.press(_PASSKEY)
    await walk.see("a passkey", BUTTON)
    await held.know_owner(False)
    await cancel(walk)
    await walk.see("cancelled", BUTTON)
    await held.know_owner(True)
    await walk.press(BUTTON)
    await walk.see("made", TOLD, _DETAILS)
    await walk.open(page_of(walk, "security"))
    await walk.opened.page.click(_DETAILS)
    await walk.see("to be named", "[name=rename]", "[name=remove]")
    await walk.fill(name="")
    await walk.press("[name=rename]")
    await walk.see("no name", REFUSED, "[name=rename]")
    await walk.fill(name="My telephone")
    await walk.press("[name=rename]")
    await walk.see("named", TOLD)
    await walk.press("[value=passkey]")
    await walk.see("recovery codes", "ol.codes", WAY_ON)
    await walk.press(WAY_ON)
    await walk.opened.page.click(_DETAILS)
    await walk.press("[name=remove]")
    await walk.see("taken away", TOLD)
