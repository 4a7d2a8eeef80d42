"""Walks by two factors: set up, shown, refused, done without where a device is trusted; step-up."""

from __future__ import annotations

import re

import pyotp

from tests.flows.walks.walk import CODE, REFUSED, TOLD, WAY_ON, Walk
from tests.flows.walks.world import ADA, FEW
from tests.world.second_factors import choose, person_with_totp

MFA = "urn:porta:acr:mfa"
CODES = ("ABCD2345", "WXYZ6789")
_RECOVER = "main a[href*='method=recovery_code']"


async def app(walk: Walk) -> None:
    """An authenticator app, set up within the sign-in that demands it; then recovery codes."""
    await walk.settle("password", policy="required_totp")
    await walk.sign_in()
    await walk.see("set up", ".qr svg", CODE)
    totp = pyotp.TOTP("".join((await _secret(walk)).split()))
    await walk.fill(code="000000")
    await walk.press()
    await walk.see("set up, wrong", REFUSED, ".qr svg")
    used = code_of(walk, totp)
    await walk.fill(code=used)
    await walk.press()
    await walk.see("recovery codes", "ol.codes", WAY_ON)
    codes = await _download(walk)
    await walk.press(WAY_ON)
    await walk.arrive()
    await walk.forget()
    await walk.sign_in()
    await walk.see("asked", CODE)
    await walk.fill(code=used)
    await walk.press()
    await walk.see("used already", REFUSED, CODE)
    await walk.fill(code=code_of(walk, totp, 1))
    await walk.press()
    await walk.arrive()
    await _recover(walk, codes[0])


async def _secret(walk: Walk) -> str:
    """Return what is typed by who cannot scan."""
    await walk.opened.page.click("details.aside summary")
    await walk.see("set up by hand", "code.secret")
    return await walk.opened.text("code.secret")


async def _download(walk: Walk) -> list[str]:
    """Keep the codes as a file, and return them."""
    shown = await walk.opened.page.locator("ol.codes code").all_inner_texts()
    async with walk.opened.page.expect_download() as kept:
        await walk.opened.page.click("main a[download]")
    file = await kept.value
    assert file.suggested_filename == "recovery-codes.txt"
    assert (await file.path()).read_text().split() == shown
    assert len(set(shown)) == 10
    return shown


async def _recover(walk: Walk, code: str) -> None:
    """Use a recovery code, once."""
    for again in (False, True):
        await walk.forget()
        await walk.sign_in()
        await walk.press(_RECOVER)
        await walk.see("recovery code, again" if again else "recovery code", CODE)
        await walk.fill(code=code)
        await walk.press()
        if not again:
            await walk.arrive()
    await walk.see("recovery code, used already", REFUSED, CODE)


def code_of(walk: Walk, totp: pyotp.TOTP, after: int = 0) -> str:
    """Return the code that an app shows by now, or so many times 30 seconds later."""
    return totp.generate_otp(int(walk.world.runtime.clock() // 30) + after)


async def mailed_code(walk: Walk) -> None:
    home = await walk.settle("password")
    await choose(walk.world.pg, home.user, "email")
    await walk.sign_in()
    await walk.see("asked", CODE)
    await walk.world.code_to(ADA)
    await walk.fill(code="x")
    await walk.press()
    await walk.see("wrong", REFUSED, CODE)
    await walk.press("main [formaction$='/resend']")
    await walk.see("sent again", TOLD, CODE)
    await walk.fill(code=await walk.world.code_to(ADA))
    await walk.press()
    await walk.arrive()


async def mailed_code_set_up(walk: Walk) -> None:
    await walk.settle("password", policy="required_email")
    await walk.sign_in()
    await walk.see("set up", CODE)
    await walk.fill(code=await walk.world.code_to(ADA))
    await walk.press()
    await walk.see("recovery codes", "ol.codes", WAY_ON)
    await walk.press(WAY_ON)
    await walk.arrive()


async def factor_too_often(walk: Walk) -> None:
    home = await walk.settle("password")
    user, _ = await person_with_totp(walk.world.runtime, walk.world.pg, slug=home.slug)
    await walk.sign_in(user.email)
    for _ in range(FEW + 1):
        await walk.fill(code="000000")
        await walk.press()
    await walk.see("too often", REFUSED)
    await walk.press("main form.whose button")
    await walk.see("somebody else", "main #email")


async def trusted_device(walk: Walk) -> None:
    home = await walk.settle("password", trusted_device_days=30)
    user, totp = await person_with_totp(walk.world.runtime, walk.world.pg, slug=home.slug)
    await walk.sign_in(user.email)
    await walk.see("asked", CODE, "[name=trust_device]")
    await walk.opened.page.check("[name=trust_device]")
    await walk.fill(code="000000")
    await walk.press()
    await walk.see("wrong, still ticked", REFUSED, "[name=trust_device]:checked")
    await walk.fill(code=code_of(walk, totp))
    await walk.press()
    await walk.arrive()
    await walk.opened.page.context.clear_cookies(name=f"session_{home.slug}")
    await walk.sign_in(user.email)
    await walk.arrive()


async def step_up(walk: Walk) -> None:
    """A client asks for more than the session has: one more factor (RFC 9470)."""
    home = await walk.settle("password")
    user, totp = await person_with_totp(
        walk.world.runtime, walk.world.pg, *CODES, slug=home.slug
    )  # fmt: skip
    await choose(walk.world.pg, user, None)
    await walk.sign_in(user.email)
    await walk.arrive()
    await choose(walk.world.pg, user, "totp")
    await walk.begin(acr_values=MFA)
    await walk.see("one more factor", CODE, _RECOVER)
    shown = await walk.opened.text("main")
    assert re.search(re.escape(user.email), shown), shown
    await walk.fill(code=code_of(walk, totp))
    await walk.press()
    await walk.arrive()
