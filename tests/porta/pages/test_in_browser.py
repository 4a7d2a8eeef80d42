"""Pages in Chromium, under the policy they are served with: what style and script make of them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route

from porta.pages.colors import contrast
from porta.pages.values import PAGES
from tests import factories
from tests.flows.chromium import chromium, needs_chromium
from tests.porta.pages.page_site import Site, open_page
from tests.world.waiting import eventually

# The worst that the sanitiser lets through: everything white on white, and as small as it gets.
COVERING = "*{color:#fff!important;background:#fff!important;font-size:12px!important}"
ACME = factories.organization(
    id="1", name="Donaudampfschifffahrtsgesellschaft", slug="acme", branding_custom_css=COVERING
)
HIDDEN = """(selector) => [...document.querySelectorAll(selector)].filter((element) => {
  const style = getComputedStyle(element);
  return style.color === style.backgroundColor || parseFloat(style.fontSize) < 15;
}).length"""
FIELD = """() => {
  const field = document.activeElement, style = getComputedStyle(field);
  const placeholder = getComputedStyle(field, "::placeholder");
  return {
    placeholder: placeholder.color, opacity: placeholder.opacity, field: style.backgroundColor,
    halo: style.outlineColor, style: style.outlineStyle,
    card: getComputedStyle(document.querySelector(".container")).backgroundColor,
  };
}"""
# What is wider than the card's inner room, or than itself.
STICKING_OUT = """() => {
  const card = document.querySelector(".container"), style = getComputedStyle(card);
  const box = card.getBoundingClientRect();
  const left = box.left + parseFloat(style.paddingLeft) - 1;
  const right = box.right - parseFloat(style.paddingRight) + 1;
  return [...card.querySelectorAll("*")].filter((element) => {
    const { left: from, right: to, width } = element.getBoundingClientRect();
    return width > 1 && (from < left || to > right || element.scrollWidth > element.clientWidth + 1)
      && !element.matches("input, bdi, span, a, code");
  }).map((element) => element.outerHTML.slice(0, 80));
}"""
# The share of the password's field that is left to write in.
ROOM = """() => {
  const field = document.querySelector("#password"), style = getComputedStyle(field);
  const inside = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return inside / field.offsetWidth;
}"""
WAYS = """() => [...document.querySelectorAll(".btn-primary, .btn-secondary")].map((element) => {
  const { top, bottom } = element.getBoundingClientRect();
  return [top, bottom];
})"""
LOGO = """() => {
  const logo = getComputedStyle(document.querySelector(".logo"));
  const card = getComputedStyle(document.querySelector(".container")).backgroundColor;
  return { words: logo.color, plate: logo.backgroundColor, card };
}"""
COLOR = "(selector) => getComputedStyle(document.querySelector(selector)).color"
# How far from where the box begins each line of its text begins.
INDENTS = """(selector) => {
  const box = document.querySelector(selector), range = document.createRange();
  range.selectNodeContents(box);
  const { left } = box.getBoundingClientRect();
  return [...range.getClientRects()].map((line) => Math.round(line.left - left));
}"""

pytestmark = needs_chromium


@pytest.mark.parametrize("name", sorted(set(PAGES) - {"form_post"}))
async def test_pages_fit_a_small_phone_and_their_policy(
    browser: Browser, site: Site, name: str
) -> None:
    site.organization = ACME
    page, complaints = await open_page(browser, site, name, viewport={"width": 320, "height": 568})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    # A box is ticked by its label.
    targets = "button, .btn-link, label.check, input:not([type=hidden], [type=checkbox])"
    small = f"[...document.querySelectorAll('{targets}')]"
    seen = f"{small}.filter((element) => element.checkVisibility())"
    heights = f"{seen}.map((element) => element.getBoundingClientRect().height)"
    assert all(height >= 44 for height in await page.evaluate(heights))
    assert complaints == []
    await page.context.close()


@pytest.mark.parametrize("ways", [("retry_url",), ("restart_url",), ("retry_url", "restart_url")])
async def test_K5_the_ways_on_stand_apart_and_read_as_a_sentence(
    browser: Browser, site: Site, ways: tuple[str, ...]
) -> None:
    client = {"client_name": "Portal", "client_url": "https://portal.example/"}
    site.shown = {**client, **dict.fromkeys(ways, "/acme/auth/r1")}
    page, _ = await open_page(browser, site, "error", viewport={"width": 320, "height": 568})
    assert await page.locator("a[href^='https']").inner_text() == "Weiter zu Portal"
    boxes = await page.evaluate(WAYS)
    assert len(boxes) == len(ways) + 1
    for (_, above), (below, _) in pairwise(boxes):
        assert below - above >= 8
    await page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_custom_css_cannot_hide_what_is_consented_to(
    browser: Browser, site: Site, scheme: Any
) -> None:
    site.organization = ACME
    page, _ = await open_page(browser, site, "consent", color_scheme=scheme)
    for selector in (".consent :is(h1, h2, p, li, span, bdi)", ".decision .btn-secondary"):
        assert await page.locator(selector).count() > 0
        assert await page.evaluate(HIDDEN, selector) == 0
    assert await page.evaluate(HIDDEN, ".header bdi") == 1
    await page.context.close()


async def test_a_password_can_be_shown_and_is_sent_once(browser: Browser, site: Site) -> None:
    page, _ = await open_page(browser, site, "login")
    await page.fill("#email", "ada@acme.example")
    await page.fill("#password", "correct horse")
    await page.click("button.reveal")
    assert await page.get_attribute("#password", "type") == "text"
    twice = "[1, 2].forEach(() => document.forms[0].requestSubmit())"
    async with page.expect_navigation():
        await page.evaluate(twice)
    assert site.posted == [
        {"_csrf": ["c1"], "email": ["ada@acme.example"], "password": ["correct horse"]}
    ]
    await page.context.close()


async def test_a_form_whose_load_was_stopped_can_be_sent_again(
    browser: Browser, site: Site
) -> None:
    page, _ = await open_page(browser, site, "login")
    tried: list[str] = []

    async def stop(route: Route) -> None:
        tried.append(route.request.method)
        await route.abort("aborted")

    await page.clock.install()
    await page.fill("#email", "ada@acme.example")
    await page.fill("#password", "correct horse")
    await page.route("**/interaction/**", stop)
    for _ in range(3):
        await page.press("#password", "Enter")
    assert await page.get_attribute("form", "aria-busy") == "true"
    await page.clock.run_for(6000)
    assert await page.get_attribute("form", "data-sent") is None
    assert await page.get_attribute("form", "aria-busy") == "true", "it may be under way"
    await page.press("#password", "Enter")
    await page.wait_for_function("document.forms[0].dataset.sent")

    async def tried_again() -> bool:
        return len(tried) > 1

    await eventually(tried_again)
    assert tried == ["POST", "POST"]
    await page.context.close()


async def test_a_screen_reader_hears_what_is_shown(browser: Browser, site: Site) -> None:
    page, _ = await open_page(browser, site, "login")
    for name, text in (("Passwort anzeigen", "Anzeigen"), ("Passwort verbergen", "Verbergen")):
        button = page.get_by_role("button", name=name, exact=True)
        assert await button.inner_text() == text
        await button.click()
    await page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("error", [None, "login.error_invalid"])
async def test_a_field_stands_out_where_it_has_to(
    browser: Browser, site: Site, scheme: Any, error: str | None
) -> None:
    """WCAG 2.2: 1.4.3 for the text of a placeholder, 1.4.11 for what surrounds the focus."""
    site.shown = {"error": error}
    page, _ = await open_page(browser, site, "login", color_scheme=scheme, reduced_motion="reduce")
    await page.focus("#email")
    seen = await page.evaluate(FIELD)
    assert seen["opacity"] == "1"
    assert contrast(_hex(seen["placeholder"]), _hex(seen["field"])) >= 4.5
    for surface in ("field", "card"):
        assert contrast(_hex(seen["halo"]), _hex(seen[surface])) >= 3
    assert seen["style"] == "solid"
    await page.context.close()


def _hex(colour: str) -> str:
    """Return an opaque colour as a browser computes it, as branding takes it."""
    found = re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", colour)
    assert found, colour
    return "#" + "".join(f"{int(part):02x}" for part in found.groups())


@pytest.mark.parametrize("decision", ["approve", "deny"])
@pytest.mark.parametrize("script", [True, False])
async def test_a_decision_is_sent_with_and_without_script(
    browser: Browser, site: Site, decision: str, script: bool
) -> None:
    page, _ = await open_page(browser, site, "consent", java_script_enabled=script)
    async with page.expect_navigation():
        await page.click(f"button[value={decision}]")
    assert site.posted == [{"_csrf": ["c1"], "decision": [decision]}]
    await page.context.close()


async def test_a_response_is_posted_by_itself(browser: Browser, site: Site) -> None:
    page, complaints = await open_page(browser, site, "form_post")
    await page.wait_for_url("**/callback")
    assert site.posted == [{"code": ["k1"]}]
    assert complaints == []
    await page.context.close()


async def test_a_response_is_posted_by_hand_without_script(browser: Browser, site: Site) -> None:
    page, _ = await open_page(browser, site, "form_post", java_script_enabled=False)
    await page.click("button")
    await page.wait_for_url("**/callback")
    assert site.posted == [{"code": ["k1"]}]
    await page.context.close()


@pytest.mark.parametrize("email", ["jürgen@acme.example", "用户@acme.example", "ada@acme.example"])
@pytest.mark.parametrize("script", [True, False])
async def test_an_address_with_letters_of_any_script_is_sent(
    browser: Browser, site: Site, email: str, script: bool
) -> None:
    """RFC 6531: the part before the @ need not be ASCII."""
    page, _ = await open_page(browser, site, "login", java_script_enabled=script)
    await page.fill("#email", email)
    await page.fill("#password", "correct horse")
    async with page.expect_navigation():
        await page.press("#password", "Enter")
    assert site.posted == [{"_csrf": ["c1"], "email": [email], "password": ["correct horse"]}]
    await page.context.close()


@pytest.mark.parametrize("empty", ["#email", "#password"])
async def test_nothing_is_sent_while_a_field_is_empty(
    browser: Browser, site: Site, empty: str
) -> None:
    page, _ = await open_page(browser, site, "login")
    for field in {"#email", "#password"} - {empty}:
        await page.fill(field, "jürgen@acme.example")
    await page.press("#password", "Enter")
    assert await page.evaluate("document.activeElement.id") == empty[1:]
    assert site.posted == []
    await page.context.close()


@pytest_asyncio.fixture(scope="module")
async def large_letters() -> AsyncIterator[Browser]:
    async with chromium(["--blink-settings=defaultFontSize=32"]) as running:
        yield running


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("name", ["login", "consent", "logout", "error"])
async def test_pages_hold_letters_of_twice_the_size(
    large_letters: Browser, site: Site, name: str, width: int
) -> None:
    """WCAG 2.2, 1.4.4 and 1.4.10; the German words are the long ones."""
    site.organization, size = ACME, {"width": width, "height": 700}
    page, _ = await open_page(large_letters, site, name, viewport=size)
    assert await page.evaluate(STICKING_OUT) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    if name == "login":
        assert await page.evaluate(ROOM) >= 0.5
    await page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_name_is_read_where_the_logo_does_not_load(
    browser: Browser, site: Site, scheme: Any
) -> None:
    site.organization = factories.organization(
        id="1", name="Acme", slug="acme", branding_logo_url="/static/nothing.png"
    )
    page, _ = await open_page(
        browser, site, "login", color_scheme=scheme, java_script_enabled=False
    )
    seen = await page.evaluate(LOGO)
    ground = seen["card"] if seen["plate"] == "rgba(0, 0, 0, 0)" else seen["plate"]
    assert contrast(_hex(seen["words"]), _hex(ground)) >= 4.5
    await page.context.close()


@pytest.mark.parametrize("css", ["body{background:#222;color:#eee}", "html{color:#eee}"])
async def test_the_card_keeps_its_colours_on_a_page_with_others(
    browser: Browser, site: Site, css: str
) -> None:
    site.organization = factories.organization(
        id="1", name="Acme", slug="acme", branding_custom_css=css
    )
    page, _ = await open_page(browser, site, "login")
    for selector in ("h1", "label", ".company"):
        words = await page.evaluate(COLOR, selector)
        assert contrast(_hex(words), "#ffffff") >= 7, selector
    await page.context.close()


async def test_a_primary_colour_in_custom_css_paints_buttons_and_links(
    browser: Browser, site: Site
) -> None:
    css = ":root{--primary:#e11d48}"
    site.organization = factories.organization(
        id="1", name="Acme", slug="acme", branding_custom_css=css
    )
    page, _ = await open_page(browser, site, "login")
    style = "(name) => getComputedStyle(document.querySelector('.btn-primary'))[name]"
    assert await page.evaluate(style, "backgroundColor") == "rgb(225, 29, 72)"
    await page.context.close()


async def test_a_name_from_right_to_left_begins_where_the_page_begins(
    browser: Browser, site: Site
) -> None:
    site.organization = factories.organization(
        id="1", name="חברת הספנות של הדנובה " * 3, slug="acme"
    )
    page, _ = await open_page(browser, site, "login", viewport={"width": 320, "height": 568})
    indents = await page.evaluate(INDENTS, ".company")
    assert set(indents) == {0}
    assert len(indents) > 1
    await page.context.close()
