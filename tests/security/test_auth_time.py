"""When a person signed in, as clients are told (OpenID Connect Core §2, §3.1.2.1)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from porta.browser import sessions
from porta.tenants import resolve
from tests.world.answers import claims_of
from tests.world.browser import Browser
from tests.world.runtime import clock_ahead
from tests.world.served import Served

LATER = 100


@pytest.fixture
def later(served: Served) -> Iterator[list[float]]:
    """Seconds that have passed meanwhile."""
    with clock_ahead(served.runtime) as ahead:
        yield ahead


async def _authenticated_at(browser: Browser) -> int:
    tenant = await resolve.resolve(browser.served.runtime, "acme")
    session = await sessions.find(browser.served.runtime, tenant, browser.presented)
    assert session is not None
    return session.authenticated_at


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}])
async def test_whoever_signs_in_again_has_signed_in_now(
    browser: Browser, later: list[float], changes: dict[str, str]
) -> None:
    first, authenticated_at = await browser.tokens(), await _authenticated_at(browser)
    later.append(LATER)
    silent = await browser.tokens()
    again = await browser.tokens(**changes)
    before, same, after = (claims_of(t["id_token"]) for t in (first, silent, again))
    assert before["sid"] == same["sid"] == after["sid"], "the session lives on"
    assert before["auth_time"] == same["auth_time"] == authenticated_at
    assert after["auth_time"] >= before["auth_time"] + LATER
    assert after["auth_time"] == await _authenticated_at(browser)
    assert claims_of(again["access_token"])["auth_time"] == after["auth_time"]
