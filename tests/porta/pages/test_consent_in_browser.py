"""The consent page in Chromium: no custom CSS covers, moves or hides what is consented to."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from porta.pages.consent_lines import Line
from porta.pages.css_values import ALLOWED, Bounds
from porta.pages.custom_css import sanitize
from tests import factories
from tests.flows.chromium import needs_chromium
from tests.porta.pages.page_site import Site, open_page

pytestmark = needs_chromium

PHONE = {"width": 390, "height": 2600}
SHOWN = {
    "account": "ada@acme.example",
    "resources": ("https://api.acme.example",),
    "tos_url": "https://client.example/terms",
    "policy_url": "https://client.example/privacy",
}
INK = "#161a22"
Read = dict[tuple[bytes, str], list[dict[str, Any]]]
"""What was read of a picture with texts at these places."""
KEYWORDS = (
    *("transparent", "inherit", "none", "hidden", "dotted", "uppercase", "full-width", "justify"),
    *("right", "italic", "space", "Wingdings", "larger", "smaller", "xxx-large"),
)
# Each text that has to be seen: where it stands, what a finger meets there, how large it is.
# Where the decision stands on a screen that the page does not fit on, wherever it is scrolled to.
VIEW = """() => {
  const inside = (button) => {
    const { top, bottom, left, right } = button.getBoundingClientRect();
    const met = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    return top >= 0 && bottom <= innerHeight && button.contains(met);
  };
  const buttons = [...document.querySelectorAll(".decision button")];
  return [0, 120, document.documentElement.scrollHeight].map((to) => {
    scrollTo(0, to);
    return buttons.filter(inside).length;
  });
}"""
MANY = tuple(
    Line("consent.api", {"api": f"API {number}", "items": "Read this, change that"})
    for number in range(8)
)
SEEN = """(custom) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(custom);
  document.adoptedStyleSheets = [sheet];
  document.querySelectorAll("details").forEach((each) => each.open = true);
  const texts = ".consent :is(h1, h2, p, li > span, details span), .decision button, .links a";
  return [...document.querySelectorAll(texts)].map((element) => {
    const range = document.createRange();
    range.selectNodeContents(element.matches("a") ? element.firstChild : element);
    const { x, y, width, height } = range.getBoundingClientRect();
    const met = document.elementFromPoint(x + width / 2, y + height / 2);
    return {
      name: element.textContent.trim(), x, y, width, height,
      met: element.contains(met) || met.contains(element) && met.matches("li, summary"),
      size: parseFloat(getComputedStyle(element).fontSize),
      wide: document.documentElement.scrollWidth,
    };
  });
}"""
# Whether a browser makes anything of a rule.
MEANS = """(rule) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(rule);
  return sheet.cssRules[0].style.length > 0;
}"""
# How many points of each text stand out from what is behind it (WCAG 2.2, 1.4.3), and how well.
READ = """async ([picture, texts]) => {
  const image = await createImageBitmap(await (await fetch(picture)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const linear = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  return texts.map(({ x, y, width, height }) => {
    if (width < 1 || height < 1) return { ink: 0, contrast: 1 };
    const { data } = context.getImageData(x, y, width, height);
    const found = new Map();
    for (let at = 0; at < data.length; at += 4) {
      const [red, green, blue] = [0, 1, 2].map((part) => linear(data[at + part]));
      const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
      found.set(light, (found.get(light) ?? 0) + 1);
    }
    const ground = [...found].reduce((one, other) => other[1] > one[1] ? other : one)[0];
    const ratio = (light) =>
      (Math.max(light, ground) + 0.05) / (Math.min(light, ground) + 0.05);
    const ink = [...found].filter(([light]) => ratio(light) >= 3);
    return {
      ink: ink.reduce((sum, [, count]) => sum + count, 0),
      contrast: Math.max(...[...found.keys()].map(ratio)),
    };
  });
}"""


def extremes(bounds: Bounds) -> Iterator[str]:
    """Return values at every end of what the sanitiser lets through, for whatever property."""
    for color in ("#fff", INK, "linear-gradient(#161a22,#161a22)"):
        yield color
    for length in (bounds.low, bounds.high):
        yield f"{length:g}px"
        yield f"0 {length:g}px 0 {bounds.high:g}px #fff"
        yield f"0 {length:g}px 0 {bounds.high:g}px {INK}"
    for color in ("#fff", INK):
        yield f"{bounds.high:g}px solid {color}"
        yield f"line-through {bounds.high:g}px {color}"
    yield from (f"{percent:g}%" for percent in bounds.percent)
    yield from (f"{plain:g}" for plain in bounds.plain)
    yield from KEYWORDS


async def read(page: Page, custom: str, known: Read) -> list[dict[str, Any]]:
    """Return what can be seen of each text with this style sheet behind all others."""
    texts = await page.evaluate(SEEN, custom)
    picture = await page.screenshot()
    shown = picture, repr(texts)
    if shown not in known:  # most rules change nothing: the same picture says the same
        address = f"data:image/png;base64,{b64encode(picture).decode()}"
        known[shown] = await page.context.pages[1].evaluate(READ, [address, texts])
    return [text | told for text, told in zip(texts, known[shown], strict=True)]


def check(before: list[dict[str, Any]], after: list[dict[str, Any]], custom: str) -> None:
    """Fail unless every text can be read, and reached, as it can without `custom`."""
    assert len(before) == len(after) >= 12
    for plain, text in zip(before, after, strict=True):
        told = f"{custom}\n{plain}\n{text}"
        assert text["x"] >= 0, told
        assert text["x"] + text["width"] <= PHONE["width"] >= text["wide"], told
        assert text["y"] + text["height"] <= PHONE["height"], told
        assert text["size"] == plain["size"] >= 14, told
        assert text["met"], told
        assert text["contrast"] >= 4.5, told
        assert 0.8 < text["ink"] / plain["ink"] < 1.25, told


async def open_consent(browser: Browser, site: Site, scheme: Any, custom: str = "") -> Page:
    """Open the page with a footer behind it, and a blank one to read its pictures in."""
    site.shown = SHOWN
    site.organization = factories.organization(
        id="1",
        name="Acme",
        slug="acme",
        branding_logo_url="/static/favicon.svg",
        branding_custom_css=custom or None,
    )
    page, _ = await open_page(browser, site, "consent", viewport=PHONE, color_scheme=scheme)
    await page.context.new_page()
    await page.bring_to_front()
    return page


SHEETS = (
    ".scope-list li{box-shadow:0 -32px 0 64px C}",
    ".decision .btn-primary,.links a{box-shadow:0 -32px 0 64px C}",
    ".header *,.footer,.footer *{box-shadow:0 -32px 0 64px C,0 64px 0 64px C}",
    ".consent,.consent *{padding-left:96px;margin-left:96px}",
    "*{padding-inline:96px!important;margin-inline:96px!important}",
    "*{margin:96px;padding:96px;border:16px solid C;gap:96px;line-height:64px}",
    "body,.container,.consent,form{text-decoration:line-through 16px C}",
    ".decision button{color:C;background:C;border-color:C;letter-spacing:4px}",
    ".decision button:hover{color:C;background:C}",
    "body,.container{background:C}.consent *{border-radius:999px}",
    ".consent *{font-family:Wingdings;font-size:12px;max-width:280px;border:16px solid C}",
)


@pytest.mark.parametrize("part", range(8))
async def test_no_property_hides_what_is_consented_to(
    browser: Browser, site: Site, part: int
) -> None:
    page, known = await open_consent(browser, site, "light"), Read()
    before = await read(page, "", known)
    for name, bounds in sorted(ALLOWED.items())[part::8]:
        rules = {sanitize(f"*{{{name}:{value}!important}}") for value in extremes(bounds)} - {""}
        assert rules, f"{name}: nothing of it is tried"
        for rule in sorted(rules):
            if await page.evaluate(MEANS, rule):
                check(before, await read(page, rule, known), rule)
    await page.context.close()


@pytest.mark.parametrize("color", ["#fff", INK])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_style_sheet_hides_what_is_consented_to(
    browser: Browser, site: Site, scheme: Any, color: str
) -> None:
    page, known = await open_consent(browser, site, scheme), Read()
    before = await read(page, "", known)
    await page.hover(".decision .btn-primary")
    for sheet in SHEETS:
        custom = sanitize(sheet.replace("C", color))
        assert custom, sheet
        check(before, await read(page, custom, known), custom)
    await page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_sheet_of_an_organization_does(browser: Browser, site: Site, scheme: Any) -> None:
    """The same, as it is served; one that knows a dark scheme is shown in it."""
    page = await open_consent(browser, site, scheme)
    before = await read(page, "", {})
    await page.context.close()
    aware = "@media (prefers-color-scheme:dark){hr{gap:0}}"
    custom = aware + "".join(SHEETS).replace("C", "#fff")
    page = await open_consent(browser, site, scheme, custom)
    check(before, await read(page, "", {}), custom)
    assert await page.evaluate("getComputedStyle(document.body).marginTop") == "0px"
    margin = "getComputedStyle(document.querySelector('.monogram, .logo')).marginTop"
    assert await page.evaluate(margin) == "96px"
    await page.context.close()


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("size", [(360, 740), (1280, 800), (740, 360)])
async def test_people_20_the_decision_is_always_in_view(
    browser: Browser, site: Site, size: tuple[int, int], script: bool
) -> None:
    site.shown, site.organization = SHOWN | {"lines": MANY}, None
    view: Any = {"width": size[0], "height": size[1]}
    page, _ = await open_page(browser, site, "consent", viewport=view, java_script_enabled=script)
    assert await page.evaluate(VIEW) == [2, 2, 2]
    assert await page.evaluate("document.documentElement.scrollHeight > innerHeight")
    await page.context.close()


async def test_people_20_details_open_without_a_script(browser: Browser, site: Site) -> None:
    site.shown, site.organization = {}, None
    page, _ = await open_page(browser, site, "consent", java_script_enabled=False)
    assert not await page.locator("details li").first.is_visible()
    await page.click("summary")
    assert await page.locator("details li").first.is_visible()
    await page.context.close()
