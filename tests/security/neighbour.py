"""A second organization at the server inside the test: its client, and an Alice of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from porta.services.provisioning import provision
from porta.services.provisioning.file import load_document
from tests.world.answers import hidden_fields, location, query_of
from tests.world.browser import GOOD, Browser, code_form
from tests.world.served import Served

SLUG = "globex"
CLIENT = ("globex-web", "globex-web-secret-for-tests-only-0001")
PASSWORD = "another-password-of-another-alice"
_SEED = Path(__file__).parent.parent / "flows" / "globex.yaml"


async def move_in(served: Served) -> None:
    """Provision the organization; when it is there already, nothing changes."""
    runtime = served.runtime
    await provision(
        runtime.storage.everywhere,
        load_document(_SEED),
        passwords=runtime.passwords,
        now=runtime.clock(),
    )


async def authorize(browser: Browser, **changes: str) -> httpx.Response:
    """Send an authorization request of the neighbour's client."""
    params = GOOD | {"client_id": CLIENT[0]} | changes
    return await browser.http.get(f"{browser.served.issuer(SLUG)}/auth", params=params)


async def sign_in(browser: Browser) -> str:
    """Sign the neighbour's Alice in, and return a code of hers."""
    url = location(await authorize(browser))
    form = hidden_fields((await browser.http.get(url)).text)
    form |= {"email": browser.email, "password": PASSWORD}
    answer = await browser.http.post(f"{url}/login", data=form)
    return query_of(await browser.http.get(location(answer)))["code"]


async def post(served: Served, path: str, form: dict[str, str]) -> httpx.Response:
    """Post a form to an endpoint of the neighbour as its client."""
    return await served.http.post(served.issuer(SLUG) + path, data=form, auth=CLIENT)


async def tokens(browser: Browser) -> dict[str, Any]:
    """Return the token response for a sign-in at the neighbour."""
    answer = await post(browser.served, "/token", code_form(await sign_in(browser)))
    assert answer.status_code == 200, answer.text
    response: dict[str, Any] = answer.json()
    return response
