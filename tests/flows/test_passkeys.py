"""Passkeys in Chromium, whose virtual authenticator makes and shows them (WebAuthn Level 3)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Browser, CDPSession

from tests.flows.chromium import Window, needs_chromium, window
from tests.handlers.flow import parameters
from tests.world.house import PASSWORD
from tests.world.passkeys import Home, furnish
from tests.world.ports import free_port
from tests.world.served import CALLBACK, Served, serve

pytestmark = needs_chromium
BUTTON = "#passkey button"
_OFFERS_NOTHING = "PublicKeyCredential.isConditionalMediationAvailable = async () => false"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(database_url: str, redis_url: str) -> AsyncIterator[Served]:
    """A server whose issuer has a name: no browser knows passkeys of an address."""
    port = free_port()
    issuer = f"http://localhost:{port}"
    async with serve(database_url, redis_url, port=port, issuer_base_url=issuer) as running:
        yield running


class Device:
    """A device with a virtual authenticator in it, that knows its owner."""

    def __init__(self, opened: Window, cdp: CDPSession, id: str, served: Served) -> None:
        self.opened, self.page = opened, opened.page
        self._cdp, self._id, self._base = cdp, id, served.runtime.settings.issuer_base_url

    async def begin(self, home: Home, **more: str) -> None:
        asked = urlencode(parameters(client_id=home.client_id, redirect_uri=CALLBACK, **more))
        await self.page.goto(f"{self._base}/{home.slug}/auth?{asked}")

    async def show_password(self, home: Home) -> None:
        await self.page.fill("#email", home.user.email)
        await self.page.fill("#password", PASSWORD)
        async with self.page.expect_navigation():
            await self.page.press("#password", "Enter")

    async def arrive(self) -> None:
        await self.page.wait_for_url(re.compile("^" + re.escape(CALLBACK)))
        assert "code" in self.opened.answer

    async def be_there(self, present: bool) -> None:
        """Whether somebody touches it whenever it asks."""
        await self._send("WebAuthn.setAutomaticPresenceSimulation", enabled=present)

    async def know_owner(self, verified: bool) -> None:
        await self._send("WebAuthn.setUserVerified", isUserVerified=verified)

    async def credentials(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self._send("WebAuthn.getCredentials"))["credentials"]
        return found

    async def put(self, credential: dict[str, Any]) -> None:
        await self._send("WebAuthn.addCredential", credential=credential)

    async def _send(self, method: str, **told: Any) -> Any:
        return await self._cdp.send(method, {"authenticatorId": self._id, **told})


@asynccontextmanager
async def device(browser: Browser, served: Served, **options: Any) -> AsyncIterator[Device]:
    async with window(browser, **options) as opened:
        cdp = await opened.page.context.new_cdp_session(opened.page)
        await cdp.send("WebAuthn.enable", {"enableUI": False})
        made = await cdp.send(
            "WebAuthn.addVirtualAuthenticator",
            {
                "options": {
                    "protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal",
                    "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True,
                    "automaticPresenceSimulation": True,
                }
            },
        )  # fmt: skip
        yield Device(opened, cdp, made["authenticatorId"], served)
        assert not opened.complaints, opened.complaints


async def _enrol(held: Device, home: Home) -> None:
    """Set up a passkey within the sign-in, and sign in."""
    await held.begin(home)
    await held.show_password(home)
    assert await held.opened.text("h1") == "Set up a second step"
    async with held.page.expect_navigation():
        await held.page.click(BUTTON)
    assert await held.page.locator("li code").count() == 10
    await held.page.click("a.btn-primary")
    await held.arrive()
    await held.page.context.clear_cookies()


async def test_one_is_set_up_then_shown_beside_a_password(browser: Browser, served: Served) -> None:
    home = await furnish(served.runtime, "password", policy="required_passkey")
    async with device(browser, served) as held:
        await _enrol(held, home)
        (made,) = await held.credentials()
        assert (made["rpId"], made["userName"]) == ("localhost", home.user.email)
        await held.begin(home)
        await held.show_password(home)
        await held.page.click(BUTTON)
        await held.arrive()
        (used,) = await held.credentials()
        assert used["signCount"] > made["signCount"]


async def test_the_browser_offers_it_where_the_address_is_typed(
    browser: Browser, served: Served
) -> None:
    """Conditional mediation: the virtual authenticator is as one that was chosen there."""
    home = await furnish(served.runtime, "password", "passkey", policy="required_passkey")
    async with device(browser, served) as held:
        await _enrol(held, home)
        await held.be_there(False)
        await held.begin(home)
        assert await held.page.get_attribute("#email", "autocomplete") == "username webauthn"
        assert await held.page.is_visible("#password")
        await held.be_there(True)
        await held.begin(home)
        await held.arrive()


async def test_the_button_asks_for_it(browser: Browser, served: Served) -> None:
    """In a browser that offers nothing by itself."""
    home = await furnish(served.runtime, "password", "passkey", policy="required_passkey")
    async with device(browser, served) as held:
        await held.page.add_init_script(_OFFERS_NOTHING)
        await _enrol(held, home)
        await held.begin(home)
        await held.page.click(BUTTON)
        await held.arrive()


async def test_who_is_not_known_to_the_device_is_told_so_and_goes_on(
    browser: Browser, served: Served
) -> None:
    home = await furnish(served.runtime, "passkey")
    async with device(browser, served) as held:
        await held.know_owner(False)
        await held.begin(home)
        await held.page.click(BUTTON)
        status = held.page.locator("#passkey [role=status]")
        await status.filter(has_text="did not work").wait_for()
        assert await held.page.is_visible("a.btn-link")


async def test_one_that_was_copied_is_refused(browser: Browser, served: Served) -> None:
    home = await furnish(served.runtime, "password", "passkey", policy="required_passkey")
    async with device(browser, served) as held, device(browser, served) as copy:
        await _enrol(held, home)
        (made,) = await held.credentials()
        await held.begin(home)
        await held.arrive()
        await copy.page.add_init_script(_OFFERS_NOTHING)
        await copy.put(made)
        await copy.begin(home)
        await copy.page.click(BUTTON)
        await copy.page.locator("[role=alert]").filter(has_text="may have copied").wait_for()


ABLE = """
  const told = (name) => async (values) => {
    const so_far = JSON.parse(localStorage.getItem("told") || "{}");
    localStorage.setItem("told", JSON.stringify({ ...so_far, [name]: values }));
  };
  const names = ["AllAcceptedCredentials", "CurrentUserDetails", "UnknownCredential"];
  for (const each of names) PublicKeyCredential["signal" + each] = told("signal" + each);
  PublicKeyCredential.getClientCapabilities = async () =>
    ({ conditionalCreate: true, signalAllAcceptedCredentials: true });
  PublicKeyCredential.isConditionalMediationAvailable = async () => false;
  AbortSignal.timeout = () => new AbortController().signal;
  const create = navigator.credentials.create.bind(navigator.credentials);
  navigator.credentials.create = ({ mediation, ...wanted }) => {
    localStorage.setItem("mediation", mediation);
    return create(wanted);
  };
"""
"""A browser of Level 3, as far as the virtual authenticator is none; it takes its time."""


async def test_a_browser_of_level_3_makes_one_by_the_way_and_is_told_of_all(
    browser: Browser, served: Served
) -> None:
    home = await furnish(served.runtime, "password", "passkey")
    async with device(browser, served) as held:
        await held.page.add_init_script(ABLE)
        await held.begin(home)
        await held.show_password(home)
        await held.arrive()
        (made,) = await held.credentials()
        assert made["userName"] == home.user.email
        await held.page.context.clear_cookies()
        await held.begin(home)
        assert await held.page.evaluate("localStorage.getItem('mediation')") == "conditional"
        await held.page.click(BUTTON)
        await held.arrive()
        await held.page.context.clear_cookies()
        await held.begin(home)
        told = await held.page.evaluate("JSON.parse(localStorage.getItem('told'))")
        assert told["signalCurrentUserDetails"]["name"] == home.user.email
        (passkey,) = await served.runtime.storage.passkeys.list(home.user.id, home.id)
        accepted = told["signalAllAcceptedCredentials"]["allAcceptedCredentialIds"]
        assert accepted == [passkey.credential_id]
        await served.runtime.storage.passkeys.remove(passkey.id, home.id)
        await held.page.click(BUTTON)
        await held.page.locator("[role=alert]").filter(has_text="not known here").wait_for()
        told = await held.page.evaluate("JSON.parse(localStorage.getItem('told'))")
        assert told["signalUnknownCredential"]["credentialId"] == passkey.credential_id


async def test_one_is_made_and_removed_at_ones_own_account(
    browser: Browser, served: Served
) -> None:
    home = await furnish(served.runtime, "password")
    async with device(browser, served) as held:
        account = f"{served.runtime.settings.issuer_base_url}/{home.slug}/account/security"
        await held.page.goto(account)
        await held.show_password(home)
        await held.page.wait_for_url(account)
        await held.page.click("a[href$='/security/passkey']")
        async with held.page.expect_navigation():
            await held.page.click(BUTTON)
        assert "told=passkey_added" in held.page.url
        (made,) = await held.credentials()
        assert (made["rpId"], made["userName"]) == ("localhost", home.user.email)
        await held.page.goto(account)
        await held.page.click("section summary")
        await held.page.click("button[name=remove]")
        await held.page.wait_for_url(f"{account}?told=passkey_removed")
        assert await held.page.locator("section details").count() == 0


@pytest.mark.parametrize("methods", [("passkey",), ("password", "passkey")])
async def test_without_javascript_the_page_says_so_and_leads_on(
    browser: Browser, served: Served, methods: tuple[str, ...]
) -> None:
    home = await furnish(served.runtime, *methods)
    async with window(browser, java_script_enabled=False) as opened:
        asked = urlencode(parameters(client_id=home.client_id, redirect_uri=CALLBACK))
        base = served.runtime.settings.issuer_base_url
        await opened.open(f"{base}/{home.slug}/auth?{asked}")
        assert await opened.page.locator("a.btn-link", has_text="Cancel").is_visible()
        if "password" in methods:
            assert not await opened.page.is_visible(BUTTON)
            await opened.submit(home.user.email, PASSWORD)
            assert "code" in opened.answer
        else:
            assert "JavaScript" in await opened.text("main")
