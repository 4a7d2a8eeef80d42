"""A consent that is withdrawn takes all that stands on it along, everywhere (A.9, J.7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from porta.audit.actors import SYSTEM
from porta.errors import NotFound
from porta.services import consents
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.world.answers import hidden_fields, location, query_of
from tests.world.browser import (
    PASSWORD,
    Browser,
    a_browser,
    add_user,
    code_form,
    post,
    refresh_form,
    refusal,
    userinfo,
)
from tests.world.served import Served, beside

INVALID_GRANT = (400, "invalid_grant")
CALLBACK = "http://127.0.0.1:9011/callback"
PARTNER = {"client_id": "acme-partner", "redirect_uri": CALLBACK}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def other(served: Served) -> AsyncIterator[Served]:
    """Return another instance of the same installation."""
    async with beside(served) as running:
        yield running


class Person:
    """Somebody with a browser, who lets the partner in."""

    def __init__(self, user: User, browser: Browser) -> None:
        self.user, self.browser = user, browser
        browser.email, browser.password = user.email, PASSWORD

    async def asked(self) -> httpx.Response:
        """Return the consent page, through the login page where it is shown."""
        page = await self.browser.http.get(location(await self.browser.authorize(**PARTNER)))
        if "/login" in page.text:
            signed_in = await self.browser.submit(str(page.url))
            resumed = await self.browser.http.get(location(signed_in))
            page = await self.browser.http.get(location(resumed))
        assert "/confirm" in page.text, page.text
        return page

    async def agree(self) -> str:
        """Approve what the partner asks for; return the code."""
        page = await self.asked()
        form = hidden_fields(page.text) | {"decision": "approve"}
        return (
            await self.browser.follow(
                await self.browser.http.post(f"{page.url}/confirm", data=form)
            )
        )["code"]

    async def silently(self) -> dict[str, str]:
        return query_of(await self.browser.authorize(**PARTNER, prompt="none"))

    async def withdraw(self, one: Served) -> None:
        async with one.runtime.storage.everywhere.transaction() as tx:
            await consents.withdraw(tx, SYSTEM, self.user.id, "acme-partner")


@pytest_asyncio.fixture
async def person(served: Served) -> AsyncIterator[Person]:
    async with a_browser(served) as browser:
        yield Person(await add_user(served), browser)


async def _redeem(one: Served, code: str) -> httpx.Response:
    return await post(one, "/token", code_form(code, redirect_uri=CALLBACK), "acme-partner")


async def _refresh(one: Served, tokens: dict[str, Any]) -> httpx.Response:
    return await post(one, "/token", refresh_form(tokens["refresh_token"]), "acme-partner")


async def _tokens(one: Served, person: Person) -> dict[str, Any]:
    answer = await _redeem(one, await person.agree())
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


async def test_J7_its_tokens_are_dead_at_every_instance(
    served: Served, other: Served, person: Person
) -> None:
    tokens = await _tokens(served, person)
    assert (await userinfo(other, tokens["access_token"])).status_code == 200
    await person.withdraw(served)
    for one in (other, served):
        assert refusal(await userinfo(one, tokens["access_token"])) == (401, "invalid_token")
        assert refusal(await _refresh(one, tokens)) == INVALID_GRANT


async def test_A9_a_code_on_its_way_founds_nothing(
    served: Served, other: Served, person: Person
) -> None:
    await _tokens(served, person)
    code = (await person.silently())["code"]
    await person.withdraw(served)
    assert refusal(await _redeem(other, code)) == INVALID_GRANT


async def test_A9_a_code_that_is_redeemed_meanwhile_waits_and_founds_nothing(
    served: Served, other: Served, person: Person
) -> None:
    code = await person.agree()
    async with served.runtime.storage.everywhere.transaction() as tx:
        await consents.withdraw(tx, SYSTEM, person.user.id, "acme-partner")
        redeeming = asyncio.create_task(_redeem(other, code))
        done, _ = await asyncio.wait({redeeming}, timeout=0.5)
        assert not done, "nothing held it"
    assert refusal(await redeeming) == INVALID_GRANT


async def test_A9_the_person_is_asked_again_and_what_they_then_allow_stands(
    served: Served, other: Served, person: Person
) -> None:
    await _tokens(served, person)
    await person.withdraw(other)
    assert (await person.silently())["error"] == "consent_required"
    tokens = await _tokens(other, person)
    assert (await userinfo(served, tokens["access_token"])).status_code == 200
    assert (await _refresh(served, tokens)).status_code == 200
    assert "code" in await person.silently()


async def test_A9_a_grant_that_grows_meanwhile_does_not_come_back(
    served: Served, person: Person
) -> None:
    """What was read before the withdrawal, and is written after it."""
    await _tokens(served, person)
    storage, user = served.runtime.storage, person.user
    (grant,) = await storage.personal_data.grants(user.id, user.organization_id)
    await person.withdraw(served)
    assert not await storage.consents.grow(grant, 600, 0)
    assert await storage.personal_data.grants(user.id, user.organization_id) == ()
    assert (await person.silently())["error"] == "consent_required"


async def test_A9_what_outlived_its_grant_is_withdrawn_too(
    served: Served, person: Person, pg: Postgres
) -> None:
    """Refresh tokens live for months, a grant for two weeks."""
    tokens = await _tokens(served, person)
    await pg.execute(
        "DELETE FROM artifacts WHERE kind = 'Grant' AND account_id = %(id)s", {"id": person.user.id}
    )
    async with served.runtime.storage.everywhere.transaction() as tx:
        assert await consents.withdraw_all(tx, SYSTEM, person.user.id) == ("acme-partner",)
    assert refusal(await _refresh(served, tokens)) == INVALID_GRANT


async def test_A9_other_clients_other_people_and_other_organizations_notice_nothing(
    served: Served, other: Served, person: Person, pg: Postgres
) -> None:
    own = await person.browser.tokens()
    await _tokens(served, person)
    async with a_browser(served) as browser:
        neighbour = Person(await add_user(served), browser)
        theirs = await _tokens(served, neighbour)
        async with served.runtime.storage.everywhere.transaction() as tx:
            assert await consents.withdraw_all(tx, SYSTEM, person.user.id) == ("acme-partner",)
        assert (await userinfo(other, theirs["access_token"])).status_code == 200
        assert (await _refresh(other, theirs)).status_code == 200
    assert (await userinfo(other, own["access_token"])).status_code == 200
    assert (await post(other, "/token", refresh_form(own["refresh_token"]))).status_code == 200
    assert "code" in query_of(await person.browser.authorize(prompt="none"))
    with pytest.raises(NotFound):
        await person.withdraw(served)  # nothing is left to withdraw
    told = await pg.fetch(
        "SELECT metadata ->> 'client_id' FROM audit_log"
        " WHERE event_type = 'user.consent.withdrawn' AND user_id = %(id)s",
        {"id": person.user.id},
    )
    assert told == [("acme-partner",)]


async def test_A9_rolled_back_it_has_withdrawn_nothing(served: Served, person: Person) -> None:
    tokens = await _tokens(served, person)

    async def in_vain() -> None:
        async with served.runtime.storage.everywhere.transaction() as tx:
            await consents.withdraw(tx, SYSTEM, person.user.id, "acme-partner")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await in_vain()
    assert (await userinfo(served, tokens["access_token"])).status_code == 200
    assert "code" in await person.silently()


async def test_A9_the_person_themselves_sees_their_organization_alone(
    served: Served, person: Person
) -> None:
    """Without an administrator's rights: by row-level security, over the storage of a request."""
    tokens = await _tokens(served, person)
    async with served.runtime.storage.transaction() as tx:
        assert await consents.take_back(tx, SYSTEM, person.user, "acme-partner")
    assert refusal(await userinfo(served, tokens["access_token"])) == (401, "invalid_token")
