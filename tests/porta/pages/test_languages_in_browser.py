"""Every page in languages unlike English: right to left, without spaces, with long words."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.flows.chromium import needs_chromium
from tests.porta.pages.brands import BRANDS
from tests.porta.pages.page_site import Site, keep_still, open_page, show_state
from tests.porta.pages.page_states import STATES

SIZES = ((360, 740), (1280, 800))
# What stands at the side that the page ends at: the left one, from right to left.
BEGINS = """(name) => {
  const page = document.documentElement, element = document.querySelector(name);
  const { left, right } = element.getBoundingClientRect();
  return left > page.clientWidth - right;
}"""
# Shows the body of a page where another one was, and returns how wide it is.
IN_TURN = """(html) => {
  const { body } = new DOMParser().parseFromString(html, "text/html");
  document.body.replaceWith(document.adoptNode(body));
  return document.documentElement.scrollWidth;
}"""

pytestmark = [*needs_chromium]


@pytest.mark.parametrize("language", ["ar", "ja", "pl"])
async def test_nothing_is_wider_than_the_screen(
    browser: Browser, site: Site, language: str
) -> None:
    """All pages of a brand have one head: their bodies take turns in it, which costs a tenth of
    going to each.
    """
    site.locale, found = language, []
    context = await browser.new_context(reduced_motion="reduce")
    page = await context.new_page()
    await keep_still(page)
    for branded in (True, False):
        names = [name for name, state in STATES.items() if state.branded is branded]
        await show_state(page, site, names[0], BRANDS["light"])
        for width, height in SIZES:
            await page.set_viewport_size({"width": width, "height": height})
            for name in names:
                site.shown = STATES[name].values
                html, _ = site.answer(f"/{STATES[name].page}")
                if await page.evaluate(IN_TURN, html.decode()) > width:
                    found.append((name, width))
    await context.close()
    assert found == []


async def test_what_is_wider_would_be_found(browser: Browser, site: Site) -> None:
    page, _ = await open_page(browser, site, "login", viewport={"width": 360, "height": 740})
    html = site.answer("/login")[0].decode()
    long = html.replace("</h1>", f"</h1><pre>{'x' * 99}</pre>")
    assert [await page.evaluate(IN_TURN, each) <= 360 for each in (html, long)] == [True, False]
    await page.context.close()


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
