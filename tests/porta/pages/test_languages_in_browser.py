"""Every page in languages unlike English: right to left, without spaces, with long words."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.flows.chromium import needs_chromium
from tests.porta.pages.brands import BRANDS
from tests.porta.pages.page_site import Site, keep_still, open_page, show_state
from tests.porta.pages.page_states import STATES
from tests.porta.pages.test_brands_in_browser import needs_axe, violations

SIZES = ((360, 740), (1280, 800))
# What stands at the side that the page ends at: the left one, from right to left.
BEGINS = """(name) => {
  const page = document.documentElement, element = document.querySelector(name);
  const { left, right } = element.getBoundingClientRect();
  return left > page.clientWidth - right;
}"""

pytestmark = [*needs_chromium]


@needs_axe
@pytest.mark.parametrize("language", ["ar", "ja", "pl"])
async def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    browser: Browser, site: Site, language: str
) -> None:
    site.locale, found = language, {}
    context = await browser.new_context(reduced_motion="reduce")
    page = await context.new_page()
    await keep_still(page)
    for name in STATES:
        await show_state(page, site, name, BRANDS["light"])
        await page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        told = await violations(page)
        for width, height in SIZES:
            await page.set_viewport_size({"width": width, "height": height})
            if await page.evaluate("document.documentElement.scrollWidth") > width:
                told.append(f"is wider than {width}")
        if told:
            found[name] = told
    await context.close()
    assert found == {}


async def test_a_page_from_right_to_left_begins_there_and_addresses_keep_their_order(
    browser: Browser, site: Site
) -> None:
    site.locale, site.organization = "ar", BRANDS["light"]
    page, _ = await open_page(browser, site, "login")
    assert await page.get_attribute("html", "dir") == "rtl"
    assert await page.evaluate(BEGINS, ".header .monogram")
    style = "(name) => getComputedStyle(document.querySelector('#email'))[name]"
    assert await page.evaluate(style, "unicodeBidi") == "plaintext"
    assert await page.evaluate(style, "textAlign") == "right"
    await page.context.close()
    page, _ = await open_page(browser, site, "error")
    code = "(name) => getComputedStyle(document.querySelector('.details code'))[name]"
    assert await page.evaluate(code, "direction") == "ltr"
    await page.context.close()
