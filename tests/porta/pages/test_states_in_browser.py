"""Every state of every page in Chromium: in view, in its place, and in reach of the keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.flows.chromium import needs_chromium
from tests.porta.pages.brands import BRANDS
from tests.porta.pages.page_site import Site, keep_still, show_state
from tests.porta.pages.page_states import STATES
from tests.porta.pages.test_in_browser import STICKING_OUT

SIZES = {"phone": (360, 740), "landscape": (740, 360), "desktop": (1280, 800), "small": (320, 568)}
BOTTOM = "Math.ceil(document.querySelector('.btn-primary').getBoundingClientRect().bottom)"
# What can be operated, in its order, as the position of each and a word about it.
CONTROLS = """() => {
  const all = document.querySelectorAll(
    "a[href], button, summary, select, textarea, input:not([type=hidden])");
  window.controls = [...all].filter((each) => !each.disabled && each.checkVisibility());
  return controls.map((each) => each.outerHTML.slice(0, 90));
}"""
FOCUSED = """() => {
  const place = window.controls.indexOf(document.activeElement);
  if (place < 0) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  const { top, bottom, left } = document.activeElement.getClientRects()[0];
  const ring = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  const above = document.elementFromPoint(left + 4, (top + bottom) / 2);
  const seen = above !== null && document.activeElement.contains(above);
  return [place, ring, seen && top >= 0 && bottom <= innerHeight];
}"""
TO_THE_BEGINNING = """() => {
  const start = document.createElement("span");
  start.tabIndex = -1;
  document.body.prepend(start);
  start.focus();
}"""
# Elements of the page's own text that lie over each other: neither holds the other.
OVERLAPPING = """() => {
  const all = [...document.querySelectorAll(
    "h1, h2, p, label, input:not([type=hidden]), button, summary, dt, dd, .ways > a, .flash, img"
  )].filter((each) => each.checkVisibility() && !each.matches(".visually-hidden, .backdrop")
    && !each.closest(".decision, .stays") && each.getBoundingClientRect().width > 1);
  const boxes = all.map((each) => each.getBoundingClientRect());
  const found = [];
  all.forEach((one, i) => all.slice(i + 1).forEach((other, k) => {
    const a = boxes[i], b = boxes[i + 1 + k];
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    const within = one.contains(other) || other.contains(one)
      || (one.closest(".password") && one.closest(".password") === other.closest(".password"));
    if (across > 1 && down > 1 && !within) {
      found.push(`${one.outerHTML.slice(0, 60)} / ${other.outerHTML.slice(0, 60)}`);
    }
  }));
  return found;
}"""

pytestmark = needs_chromium


@asynccontextmanager
async def _opened(browser: Browser, size: str, **more: Any) -> AsyncIterator[Page]:
    width, height = SIZES[size]
    view: Any = {"width": width, "height": height}
    context = await browser.new_context(viewport=view, reduced_motion="reduce", **more)
    page = await context.new_page()
    await keep_still(page)
    yield page
    await context.close()


@pytest.mark.parametrize(
    ("brand", "sizes"),
    [("awkward", sorted(SIZES)), ("bare", ["phone"]), ("light", ["landscape"])],
)
async def test_people_20_27_the_way_on_is_in_view_and_nothing_in_its_way(
    browser: Browser, site: Site, brand: str, sizes: list[str]
) -> None:
    """In German, whose words are the long ones. A page is reached once, and seen in each size."""
    found = {}
    async with _opened(browser, sizes[0]) as page:
        for name in STATES:
            await show_state(page, site, name, BRANDS[brand])
            for size in sizes:
                found[name, size] = await _in_the_way(page, size)
    assert {name: told for name, told in found.items() if told} == {}


async def _in_the_way(page: Page, size: str) -> list[str]:
    width, height = SIZES[size]
    await page.set_viewport_size({"width": width, "height": height})
    told: list[str] = [*await page.evaluate(STICKING_OUT), *await page.evaluate(OVERLAPPING)]
    if await page.evaluate("document.documentElement.scrollWidth") > width:
        told.append("is wider than the screen")
    bottom = await page.evaluate(BOTTOM)
    if size != "small" and bottom > height:
        told.append(f"its primary action ends at {bottom}")
    return told


async def test_every_control_is_reached_by_the_keyboard_and_seen_there(
    browser: Browser, site: Site
) -> None:
    """In the order of the page, each once, with a ring around it, and nothing lies over it (WCAG
    2.2, 2.4.11). Without a script there are fewer of them.
    """
    missed = {}
    async with _opened(browser, "phone") as page:
        for name in STATES:
            await show_state(page, site, name, BRANDS["awkward"])
            controls = await page.evaluate(CONTROLS)
            await page.evaluate(TO_THE_BEGINNING)
            reached = []
            for _ in controls:
                await page.keyboard.press("Tab")
                reached.append(await page.evaluate(FOCUSED))
            expected = [[place, True, True] for place in range(len(controls))]
            if reached != expected:
                missed[name] = [
                    (told, got)
                    for told, got, right in zip(controls, reached, expected, strict=True)
                    if got != right
                ]
    assert missed == {}


@pytest.mark.parametrize("state", ["consent, much", "gesture"])
@pytest.mark.parametrize(("scheme", "plate"), [("light", "0px"), ("dark", "6px")])
async def test_people_26_the_logo_of_an_application_is_seen_on_a_dark_card(
    browser: Browser, site: Site, state: str, scheme: str, plate: str
) -> None:
    async with _opened(browser, "phone", color_scheme=scheme) as page:
        await show_state(page, site, state, BRANDS["light"])
        style = "(name) => getComputedStyle(document.querySelector('.client-logo'))[name]"
        assert await page.evaluate(style, "paddingTop") == plate
        if scheme == "dark":
            assert await page.evaluate(style, "backgroundColor") == "rgb(255, 255, 255)"
        box = await page.locator(".client-logo").bounding_box()
        assert box is not None
        assert box["width"] > 150, "as wide as it was drawn"
