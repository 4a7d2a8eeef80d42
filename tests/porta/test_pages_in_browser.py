"""Pages in Chromium, under the policy they are served with: what style and script make of them."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route

from handlers.headers import page_policy
from porta import branding
from porta.branding import contrast
from porta.page_values import PAGES
from porta.rendering import Pages
from storage.models.organizations import Organization
from tests.flows.chromium import chromium, needs_chromium
from tests.porta.page_documents import VALUES

# The worst that the sanitiser lets through: everything white on white, and as small as it gets.
COVERING = "*{color:#fff!important;background:#fff!important;font-size:12px!important}"
ACME = Organization(
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

pytestmark = needs_chromium


class Site(ThreadingHTTPServer):
    """Serves every page at /{name}, and remembers what was posted."""

    pages = Pages.load()
    organization: Organization | None = None
    shown: Mapping[str, Any] = MappingProxyType({})
    posted: list[dict[str, list[str]]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, path: str) -> tuple[bytes, str]:
        name = path.rpartition("/")[2]
        if path.startswith("/static/"):
            found = self.pages.static(name)
            return (found.content, found.content_type) if found else (b"", "text/plain")
        if self.organization and name == "branding.css":
            return branding.stylesheet(self.organization).encode(), "text/css"
        values: dict[str, Any] = {**VALUES[name], **self.shown} if name in PAGES else {}
        if name == "form_post":
            values = values | {"redirect_uri": f"{self.url}/callback"}
        page = name if name in PAGES else "root"
        html = self.pages.render(page, organization=self.organization, locale="de", **values)
        return html.encode(), "text/html; charset=utf-8"


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        content, content_type = self.server.answer(self.path.partition("?")[0])
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Security-Policy", page_policy())
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.posted.append(parse_qs(body))
        self.do_GET()


@pytest.fixture
def site() -> Iterator[Site]:
    with Site(("127.0.0.1", 0), _Handler) as server:
        server.posted = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


async def open_page(
    browser: Browser, site: Site, name: str, **options: Any
) -> tuple[Page, list[str]]:
    context = await browser.new_context(**options)
    page, complaints = await context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(f"{site.url}/{name}")
    return page, complaints


@pytest.mark.parametrize("name", sorted(set(PAGES) - {"form_post"}))
async def test_pages_fit_a_small_phone_and_their_policy(
    browser: Browser, site: Site, name: str
) -> None:
    site.organization = ACME
    page, complaints = await open_page(browser, site, name, viewport={"width": 320, "height": 568})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    small = "[...document.querySelectorAll('button, .btn-link, input:not([type=hidden])')]"
    heights = f"{small}.map((element) => element.getBoundingClientRect().height)"
    assert all(height >= 44 for height in await page.evaluate(heights))
    assert complaints == []
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
    assert await page.get_attribute("form", "aria-busy") is None
    await page.press("#password", "Enter")
    await page.wait_for_function("document.forms[0].dataset.sent")
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
