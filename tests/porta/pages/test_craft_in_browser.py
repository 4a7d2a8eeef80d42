"""Small craft of the pages in Chromium (people 23 to 28)."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

import msgspec
import pytest
from playwright.async_api import Browser, Page

from porta.pages.colors import contrast
from storage.models.organizations import Brand
from tests import factories
from tests.flows.chromium import needs_chromium
from tests.porta.pages.page_site import Site, open_page
from tests.porta.pages.test_in_browser import _hex

pytestmark = needs_chromium
THROTTLED = {"error": "errors.rate_limit_exceeded", "retry_after": 900, "retry_at": "14:31 UTC"}
SUBMIT = "button.btn-primary"
NO_LOGO = factories.organization(
    id="1", name="Acme", slug="acme", branding_logo_url="https://localhost:9/logo.png"
)

STAND_IN = """() => {
  const logo = document.querySelector("img.logo"), style = getComputedStyle(logo);
  const square = getComputedStyle(logo, "::before");
  return {
    alt: logo.alt, initial: square.content, button: square.backgroundColor,
    company: getComputedStyle(logo, "::after").content, words: style.color,
    plate: style.backgroundColor,
    card: getComputedStyle(document.querySelector(".container")).backgroundColor,
    square: [parseFloat(style.paddingLeft) + 5, parseFloat(style.paddingTop) + 20],
  };
}"""
PIXEL = """async ([url, x, y]) => {
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  const drawn = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  drawn.drawImage(picture, 0, 0);
  const [red, green, blue] = drawn.getImageData(x, y, 1, 1).data;
  return `rgb(${red}, ${green}, ${blue})`;
}"""


async def test_people_24_a_slow_answer_is_told_as_long_as_it_takes(
    browser: Browser, site: Site
) -> None:
    page, _ = await open_page(browser, site, "login")
    # The answer stays due: what was sent never leaves.
    await page.evaluate("addEventListener('submit', (event) => event.preventDefault())")
    await page.clock.install()
    await page.fill("#email", "ada@acme.example")
    await page.fill("#password", "x")
    await page.evaluate("document.querySelector('form').requestSubmit()")
    assert await page.inner_text(SUBMIT) == "Anmelden", "not for what is answered at once"
    await page.clock.fast_forward(400)
    assert await page.inner_text(SUBMIT) == "Anmeldung läuft …"
    spinner = "getComputedStyle(document.querySelector('button.btn-primary'), '::before').content"
    assert await page.evaluate(spinner) == '""'
    await page.clock.fast_forward(20_000)
    assert await page.inner_text(SUBMIT) == "Anmeldung läuft …"
    assert await page.get_attribute("form", "aria-busy") == "true"
    await page.keyboard.press("Escape")
    assert await page.inner_text(SUBMIT) == "Anmelden", "whoever stopped it can send again"
    await page.context.close()


async def test_people_25_capitals_are_told(browser: Browser, site: Site) -> None:
    page, _ = await open_page(browser, site, "login")
    press = """(on) => document.getElementById("password").dispatchEvent(
        new KeyboardEvent("keydown", { key: "A", modifierCapsLock: on, bubbles: true }))"""
    hint = page.locator("#caps-lock")
    assert await hint.inner_text() == ""
    await page.evaluate(press, True)
    assert await hint.inner_text() == "Die Feststelltaste ist aktiv."
    await page.evaluate(press, False)
    assert await hint.inner_text() == ""
    await page.context.close()


async def test_people_23_a_countdown_with_the_time_of_day(browser: Browser, site: Site) -> None:
    site.shown = THROTTLED
    page, complaints = await open_page(browser, site, "login", timezone_id="Europe/Berlin")
    assert await page.is_disabled(SUBMIT)
    alert = await page.inner_text("[role=alert]")
    assert re.search(r"in 15 Minuten .*\(ab \d\d:\d\d\)", alert), alert
    await page.wait_for_selector(r"text=/\(1[45]:\d\d\)/")
    assert complaints == []
    await page.context.close()
    page, _ = await open_page(browser, site, "login", java_script_enabled=False)
    assert "(ab 14:31 UTC)" in await page.inner_text("[role=alert]")
    assert not await page.is_disabled(SUBMIT), "without a script nothing would enable it again"
    await page.context.close()


async def test_people_23_a_wait_of_hours_is_counted_in_hours(browser: Browser, site: Site) -> None:
    site.shown = THROTTLED | {"retry_after": 17 * 3600}
    page, complaints = await open_page(browser, site, "login")
    await page.wait_for_selector(r"text=/\((17:00:00|16:5\d:\d\d)\)/")
    assert complaints == []
    await page.context.close()


async def test_people_23_when_the_time_has_come_the_button_is_back(
    browser: Browser, site: Site
) -> None:
    site.shown = THROTTLED | {"retry_after": 2}
    page, _ = await open_page(browser, site, "login")
    await page.wait_for_selector("button.btn-primary:enabled")
    assert await page.inner_text(SUBMIT) == "Anmelden"
    await page.context.close()


async def test_people_28_the_code_for_support_can_be_copied(browser: Browser, site: Site) -> None:
    site.shown = {"support_code": "K7Q-4MD"}
    page, complaints = await open_page(
        browser, site, "error", permissions=["clipboard-read", "clipboard-write"]
    )
    await page.click("text=Kopieren")
    await page.wait_for_selector("text=Kopiert")
    assert await page.evaluate("navigator.clipboard.readText()") == "K7Q-4MD"
    assert complaints == []
    await page.context.close()
    page, _ = await open_page(browser, site, "error", java_script_enabled=False)
    assert "K7Q-4MD" in await page.inner_text(".details")
    assert await page.locator("text=Kopieren").count() == 0, "no button that does nothing"
    await page.context.close()


@pytest.mark.parametrize("name", ["login", "error", "logout_success"])
async def test_people_26_a_logo_that_does_not_load_gives_way_to_the_monogram(
    browser: Browser, site: Site, name: str
) -> None:
    site.organization = NO_LOGO
    page, _ = await open_page(browser, site, name)
    await page.wait_for_selector(".header .monogram:visible")
    assert await page.inner_text(".header .company") == "Acme"
    assert await page.locator("img.logo").count() == 0
    await page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("dark", [None, "https://localhost:9/dark.png"])
async def test_people_26_and_so_it_does_without_a_script(
    browser: Browser, site: Site, scheme: Any, dark: str | None
) -> None:
    """Seen, not only said: the square of the monogram, beside words that can be read."""
    site.organization = msgspec.structs.replace(
        NO_LOGO, branding_primary_color="#0F766E", brand=Brand(logo_dark_url=dark)
    )
    page, _ = await open_page(
        browser, site, "logout_success", color_scheme=scheme, java_script_enabled=False
    )
    seen = await page.evaluate(STAND_IN)
    assert seen["initial"].startswith('"A"')
    assert seen["company"].startswith('"Acme"')
    assert seen["alt"] == "", "with one, browsers draw their icon of a broken image"
    ground = seen["card"] if seen["plate"] == "rgba(0, 0, 0, 0)" else seen["plate"]
    assert contrast(_hex(seen["words"]), _hex(ground)) >= 4.5
    corner = await _pixel(page, await page.locator("img.logo").screenshot(), *seen["square"])
    assert corner == seen["button"]
    assert "Acme" in await page.locator(".header").aria_snapshot(), "heard, once"
    await page.context.close()


async def _pixel(page: Page, picture: bytes, x: int, y: int) -> str:
    """Return the colour of a pixel of a PNG, as browsers compute colours."""
    reader = await page.context.browser.new_page()  # type: ignore[union-attr]
    url = f"data:image/png;base64,{b64encode(picture).decode()}"
    found: str = await reader.evaluate(PIXEL, [url, x, y])
    await reader.close()
    return found


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("more", [{}, {"error": "login.error_invalid", "email": "a@b.example"}])
async def test_people_27_a_phone_on_its_side_shows_password_and_button(
    browser: Browser, site: Site, script: bool, more: dict[str, str]
) -> None:
    site.shown = {"client_name": "Stromvergleich24", **more}
    site.organization = factories.organization(id="1", name="Acme Corporation", slug="acme")
    view: Any = {"width": 740, "height": 360}
    page, _ = await open_page(browser, site, "login", viewport=view, java_script_enabled=script)
    for selector in ("#email", "#password", SUBMIT):
        box = await page.locator(selector).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 360, selector
    await page.context.close()


async def test_people_28_labels_are_quieter_than_the_title_and_a_field_has_one_line(
    browser: Browser, site: Site
) -> None:
    site.shown = {"client_name": "Notes"}
    page, _ = await open_page(browser, site, "login")
    style = "([s, p]) => getComputedStyle(document.querySelector(s))[p]"
    assert await page.evaluate(style, ["label", "fontWeight"]) == "500"
    assert await page.evaluate(style, ["h1", "fontWeight"]) == "700"
    assert await page.evaluate(style, ["#email", "outlineWidth"]) == "2px"
    assert await page.evaluate(style, ["#email", "outlineOffset"]) == "-1px"
    await page.focus(".cancel a")
    assert "underline" in await page.evaluate(style, [".cancel a", "textDecorationLine"])
    assert await page.inner_text("h1") == "Bei Notes anmelden"
    assert await page.title() == "Bei Notes anmelden"
    await page.context.close()
