"""Every page in every brand, light and dark: axe-core finds nothing, and nothing sticks out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from porta.pages.colors import contrast
from porta.pages.values import PAGES
from tests import factories
from tests.flows.chromium import needs_chromium
from tests.porta.pages.brands import BRANDS
from tests.porta.pages.page_documents import ROOT
from tests.porta.pages.page_site import Site, keep_still, open_page, show_state
from tests.porta.pages.page_states import STATES
from tests.porta.pages.test_in_browser import _hex
from tests.world.machine import skip_without

AXE = ROOT / "tests" / "flows" / "node" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """async (rules) => {
  const { violations } = await axe.run(document, { runOnly: rules });
  return violations.flatMap(({ id, nodes }) => nodes.map(
    ({ target, any }) => `${id}: ${target} ${any.map(({ message }) => message)}`));
}"""
LOGO = """() => {
  const logo = document.querySelector(".logo"), style = getComputedStyle(logo);
  const { width, height } = logo.getBoundingClientRect();
  return { width: width - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight),
    height: height - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom),
    padding: parseFloat(style.paddingLeft), ground: style.backgroundColor, shown: logo.currentSrc };
}"""
WIDTH = "(name) => document.querySelector(name).getBoundingClientRect().width"
FOOTER = "() => getComputedStyle(document.querySelector('.footer a')).color"
WHOLE = ("bare", "light", "awkward")
"""Brands of which every page is looked at; pages have their colours in common."""
LANGUAGES = ("de", "ar", "ja", "pl")
"""With long words, from right to left, without spaces."""
FEW = ("login, wrong", "consent, much", "invalid request", "root, wrong")
NAMES = sorted(set(PAGES) - {"form_post"})

pytestmark = [*needs_chromium]
needs_axe = skip_without(AXE.exists(), "run `npm ci` in tests/flows/node")


@needs_axe
@pytest.mark.parametrize("brand", WHOLE)
async def test_people_30_axe_finds_nothing_on_any_page(
    browser: Browser, site: Site, brand: str
) -> None:
    """Each page in one of the brands, light and as it turns dark, in languages that take turns:
    any two of them meet on many pages; long names with the language of long words alone. All of
    them with each other are for `make long`.
    """
    found: dict[object, list[str]] = {}
    names = list(STATES)[WHOLE.index(brand) :: len(WHOLE)]
    languages = LANGUAGES[:1] if brand == "awkward" else LANGUAGES
    async with _watched(browser) as (page, complaints):
        for name, language in zip(names, cycle(languages), strict=False):
            site.locale = language
            told = await _look(page, site, name, brand, complaints)
            found |= {(language, *place): each for place, each in told.items()}
    assert {place: told for place, told in found.items() if told} == {}


@needs_axe
@pytest.mark.parametrize("brand", sorted(set(BRANDS) - set(WHOLE)))
async def test_people_30_axe_finds_nothing_in_any_brand(
    browser: Browser, site: Site, brand: str
) -> None:
    found: dict[tuple[str, str], list[str]] = {}
    async with _watched(browser) as (page, complaints):
        for name in FEW:
            found |= await _look(page, site, name, brand, complaints)
    assert {place: told for place, told in found.items() if told} == {}


@needs_axe
@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("brand", WHOLE)
@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_on_any_page_of_any_brand_in_any_language(
    browser: Browser, site: Site, brand: str, language: str
) -> None:
    site.locale = language
    found: dict[tuple[str, str], list[str]] = {}
    async with _watched(browser) as (page, complaints):
        for name in STATES:
            found |= await _look(page, site, name, brand, complaints)
    assert {place: told for place, told in found.items() if told} == {}


@asynccontextmanager
async def _watched(browser: Browser) -> AsyncIterator[tuple[Page, list[str]]]:
    """Open a page, and keep what it complains of."""
    context = await browser.new_context(reduced_motion="reduce")
    page, complaints = await context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text))
    await keep_still(page)
    yield page, complaints
    await context.close()


async def _look(
    page: Page, site: Site, name: str, brand: str, complaints: list[str]
) -> dict[tuple[str, str], list[str]]:
    """Return what is wrong with a page in both schemes: going there costs more than looking."""
    found = {}
    await page.emulate_media(color_scheme="light")
    await show_state(page, site, name, BRANDS[brand])
    await page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    found[name, "light"] = [*await violations(page), *complaints]
    await page.emulate_media(color_scheme="dark")
    found[name, "dark"] = [*await page.evaluate(RUN, RULES), *complaints]
    complaints.clear()
    return found


@needs_axe
async def test_axe_would_find_what_is_wrong(browser: Browser, site: Site) -> None:
    page, _ = await open_page(browser, site, "login")
    await page.evaluate("document.querySelector('h1').style = 'color: #ccc; background: #ddd'")
    assert any(told.startswith("color-contrast: h1") for told in await violations(page))
    await page.context.close()


async def violations(page: Page) -> list[str]:
    await page.evaluate(AXE.read_text())
    found: list[str] = await page.evaluate(RUN, RULES)
    return found


@pytest.mark.parametrize(("brand", "scheme"), [("bright", "dark"), ("warm", "light")])
async def test_no_brand_is_wider_than_the_screen(
    browser: Browser, site: Site, brand: str, scheme: Any
) -> None:
    site.organization = BRANDS[brand]
    page, _ = await open_page(browser, site, NAMES[0], color_scheme=scheme)
    for name in NAMES:
        await page.goto(f"{site.url}/{name}")
        for width in (320, 1280):
            await page.set_viewport_size({"width": width, "height": 700})
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, name
            card, footer = [await page.evaluate(WIDTH, each) for each in (".container", ".footer")]
            assert footer <= card, name
    await page.context.close()


@pytest.mark.parametrize("css", [None, "h1{margin:1px}", "h1{color:#111}", "body{color:#111}"])
async def test_people_18_a_logo_has_one_size_in_both_schemes_whatever_the_css(
    browser: Browser, site: Site, css: str | None
) -> None:
    site.organization = factories.organization(
        id="9",
        name="A",
        slug="acme",
        branding_custom_css=css,
        branding_logo_url="/pictures/logo.svg",
    )
    light, dark = [await _logo(browser, site, each) for each in ("light", "dark")]
    assert (light["width"], light["height"]) == (dark["width"], dark["height"]) == (206, 48)
    assert light["padding"] == 0
    assert dark["padding"] > 0
    assert dark["ground"] == "rgb(255, 255, 255)"


async def test_people_26_a_dark_logo_stands_on_no_plate(browser: Browser, site: Site) -> None:
    site.organization = BRANDS["warm"]
    light, dark = [await _logo(browser, site, each) for each in ("light", "dark")]
    assert light["shown"].endswith("/logo.svg")
    assert dark["shown"].endswith("/logo-dark.svg")
    assert dark["padding"] == 0
    assert dark["ground"] == "rgba(0, 0, 0, 0)"


async def _logo(browser: Browser, site: Site, scheme: Any) -> dict[str, Any]:
    page, _ = await open_page(browser, site, "login", color_scheme=scheme)
    await page.wait_for_function("document.querySelector('.logo').complete")
    seen: dict[str, Any] = await page.evaluate(LOGO)
    await page.context.close()
    return seen


@pytest.mark.parametrize("ground", ["#1b1033", "#ffffff", "#777777", "#ffd400"])
async def test_people_30_the_footer_can_be_read_on_the_page_of_custom_css(
    browser: Browser, site: Site, ground: str
) -> None:
    site.organization = factories.organization(
        id="9", name="A", slug="acme", branding_custom_css=f"body{{background:{ground}}}",
        brand=BRANDS["css"].brand if BRANDS["css"] else None,
    )  # fmt: skip
    page, _ = await open_page(browser, site, "login")
    assert contrast(_hex(await page.evaluate(FOOTER)), ground) >= 4.5
    await page.context.close()


async def test_people_18_custom_css_keeps_the_dark_scheme(browser: Browser, site: Site) -> None:
    site.organization = factories.organization(
        id="9", name="A", slug="acme",
        branding_custom_css=".container{background:#fff;border-radius:3px}h1{color:#111}",
    )  # fmt: skip
    page, _ = await open_page(browser, site, "login", color_scheme="dark")
    style = "([selector, name]) => getComputedStyle(document.querySelector(selector))[name]"
    card = await page.evaluate(style, [".container", "backgroundColor"])
    assert contrast(_hex(card), "#ffffff") > 12
    assert await page.evaluate(style, [".container", "borderRadius"]) == "3px"
    assert contrast(_hex(await page.evaluate(style, ["h1", "color"])), _hex(card)) > 7
    await page.context.close()


@pytest.mark.parametrize("script", [True, False])
async def test_people_22_the_language_menu_works_by_keyboard_and_without_script(
    browser: Browser, site: Site, script: bool
) -> None:
    page, _ = await open_page(browser, site, "error", java_script_enabled=script)
    await page.focus(".languages summary")
    await page.keyboard.press("Enter")
    await page.click(".languages button[lang=en]")
    assert page.url.endswith("/error?lang=en")
    await page.context.close()


@pytest.mark.parametrize("css", ["a{color:#4d7c0f}", "a:hover,a{color:#65a30d!important}"])
async def test_people_17_a_way_on_is_written_like_the_button_of_a_form(
    browser: Browser, site: Site, css: str
) -> None:
    """One is a link, the other is not: a colour for links is for those of a text."""
    styled = factories.organization(
        id="9", name="A", slug="acme", branding_custom_css=css, branding_primary_color="#65A30D"
    )
    colors = {}
    context = await browser.new_context(reduced_motion="reduce")
    page = await context.new_page()
    for name in ("organization", "logout"):
        await show_state(page, site, name, styled)
        style = "getComputedStyle(document.querySelector('.btn-primary')).color"
        colors[name] = await page.evaluate(style)
    assert colors["organization"] == colors["logout"]
    await context.close()
