"""What is suspended, archived or disabled stops at once, on every instance within a second."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from porta.runtime import Runtime
from storage.postgres.driver import Postgres
from tests.world.administered import set_organization_status
from tests.world.answers import hidden_fields, location
from tests.world.browser import (
    GOOD,
    Browser,
    a_browser,
    add_client,
    code_form,
    is_active,
    organization_id,
    post,
    refresh_form,
    refusal,
    userinfo,
)
from tests.world.runtime import until_listening
from tests.world.served import CALLBACK, Served
from tests.world.waiting import eventually, stopwatch

DOCUMENTS = (
    "/.well-known/openid-configuration",
    "/jwks",
    "/.well-known/oauth-authorization-server",
)


@pytest_asyncio.fixture
async def other_instance(served: Served) -> AsyncIterator[Runtime]:
    """Return the runtime of another process's, on the same databases."""
    runtime = await Runtime.open(served.runtime.settings)
    await until_listening(runtime)
    yield runtime
    await runtime.close()


@pytest.fixture
def set_status(served: Served, pg: Postgres) -> object:
    """Return a function that changes the status of acme as an administrator would, and back."""

    async def change(status: str) -> None:
        storage = served.runtime.storage.everywhere
        acme = await storage.organizations.find_by_slug("acme")
        assert acme is not None
        if acme.status != status:
            await set_organization_status(storage, acme.id, status)

        async def arrived() -> bool:
            found = await served.runtime.organization("acme")
            return found is not None and found.status == status

        await eventually(arrived)

    return change


@pytest.mark.parametrize(("status", "expected"), [("suspended", 403), ("archived", 404)])
async def test_everything_of_an_organization_stops(
    served: Served, browser: Browser, set_status: object, status: str, expected: int
) -> None:
    assert callable(set_status)
    tokens, code = await browser.tokens(), await browser.code()
    url = await browser.begin(prompt="login")
    form = hidden_fields((await browser.http.get(url)).text)
    form |= {"email": browser.email, "password": browser.password}
    issuer, uid = served.issuer(), url.rpartition("/")[2]
    await set_status(status)
    try:
        answers = [
            await browser.authorize(),
            await browser.authorize(prompt="none"),
            await browser.http.post(f"{issuer}/auth", data=GOOD),
            await browser.http.get(f"{issuer}/auth/{uid}"),
            await browser.http.get(url),
            await browser.http.post(f"{url}/login", data=form),
            await browser.http.get(f"{url}/abort"),
            await post(served, "/token", code_form(code)),
            await post(served, "/token", refresh_form(tokens["refresh_token"])),
            await post(served, "/token", {"grant_type": "client_credentials"}, "acme-machine"),
            await post(served, "/token/introspection", {"token": tokens["access_token"]}),
            await post(served, "/token/revocation", {"token": tokens["access_token"]}),
            await post(served, "/request", dict(GOOD)),
            await userinfo(served, tokens["access_token"]),
            await browser.http.get(f"{issuer}/session/end"),
            *[await browser.http.get(issuer + path) for path in DOCUMENTS],
        ]
        for answer in answers:
            wanted = (expected, 400) if "/interaction/" in str(answer.url) else (expected,)
            assert answer.status_code in wanted, answer.url
            assert "location" not in answer.headers
            assert "set-cookie" not in answer.headers
    finally:
        await set_status("active")
    assert not await is_active(served, tokens["access_token"]), "what was ended stays so"
    assert (await browser.tokens()).keys() == tokens.keys()


async def test_an_archived_organization_looks_like_none(
    served: Served, browser: Browser, set_status: object
) -> None:
    assert callable(set_status)
    await set_status("archived")
    try:
        for path in ("/auth", "/jwks", "/me", "/session/end"):
            gone = await browser.http.get(f"{served.base_url}/acme{path}")
            never = await browser.http.get(f"{served.base_url}/never{path}")
            assert (gone.status_code, gone.content) == (never.status_code, never.content)
    finally:
        await set_status("active")


async def test_another_instance_hears_of_it_within_a_second(
    served: Served, other_instance: Runtime, set_status: object
) -> None:
    """Requirement J.7."""
    assert callable(set_status)
    storage, acme = served.runtime.storage.everywhere, await organization_id(served)

    async def has(status: str) -> bool:
        found = await other_instance.organization("acme")
        return found is not None and found.status == status

    assert await has("active"), "it stands in its cache"
    try:
        for status in ("suspended", "active"):
            await set_organization_status(storage, acme, status)
            async with stopwatch() as seconds:
                await eventually(lambda status=status: has(status))  # type: ignore[misc]
                assert seconds() < 1.0
    finally:
        await set_status("active")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE clients SET status = 'inactive' WHERE id = %(id)s",
        "UPDATE clients SET status = 'revoked' WHERE id = %(id)s",
        "UPDATE client_secrets SET status = 'revoked' WHERE client_id = %(id)s",
        "DELETE FROM client_secrets WHERE client_id = %(id)s",
        "DELETE FROM clients WHERE id = %(id)s",
    ],
)
async def test_another_instance_hears_of_a_client(
    served: Served, other_instance: Runtime, pg: Postgres, change: str
) -> None:
    client = await add_client(served)

    async def found() -> bool:
        known = await other_instance.client(client.client_id, client.organization_id)
        return known is not None and known.status == "active" and bool(known.secrets)

    async def is_gone() -> bool:
        return not await found()

    assert await found()
    await pg.execute(change, {"id": client.id})
    await eventually(is_gone)


async def test_clients_of_an_application_that_is_not_active_stop(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    tokens = await browser.tokens()
    url = await browser.begin(prompt="login")
    sql = "UPDATE applications SET status = %(status)s WHERE slug = 'crm'"
    await pg.execute(sql, {"status": "inactive"})
    try:

        async def stopped() -> bool:
            return (await userinfo(served, tokens["access_token"])).status_code == 401

        await eventually(stopped)
        assert (await browser.authorize()).status_code == 400
        assert (await browser.http.get(url)).status_code == 400
        answer = await post(served, "/token", refresh_form(tokens["refresh_token"]))
        assert refusal(answer) == (401, "invalid_client")
    finally:
        await pg.execute(sql, {"status": "active"})

    async def back() -> bool:
        return (await browser.authorize()).status_code == 303

    await eventually(back)
    assert (await userinfo(served, tokens["access_token"])).status_code == 401
    fresh = await browser.tokens()
    assert (await userinfo(served, fresh["access_token"])).status_code == 200


async def test_a_redirect_uri_that_was_taken_away_while_somebody_signs_in(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    client = await add_client(served)
    answer = await browser.submit(await browser.begin(client_id=client.client_id))
    await pg.execute(
        "UPDATE clients SET redirect_uris = '{https://elsewhere.acme.test/}' WHERE id = %(id)s",
        {"id": client.id},
    )

    async def heard() -> bool:
        known = await served.runtime.client(client.client_id, client.organization_id)
        return known is not None and CALLBACK not in known.redirect_uris

    await eventually(heard)
    resumed = await browser.http.get(location(answer))
    assert resumed.status_code == 400
    assert "location" not in resumed.headers


@pytest.mark.parametrize(
    "slug",
    ["ACME", "Acme", "acme%20", "%61cme", "acme;x", "acme%00", "acm", ".", "acme.", "a" * 101],
)
async def test_an_organization_has_one_spelling(served: Served, slug: str) -> None:
    url = httpx.URL(f"{served.base_url}/{slug}/jwks")
    answer = await served.http.get(url)
    assert answer.status_code == 404
    never = await served.http.get(f"{served.base_url}/never/jwks")
    assert never.status_code == 404
    assert "keys" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.test"},
        {"X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "https"},
        {"Forwarded": "host=evil.test;proto=https"},
        {"Referer": "https://evil.test/"},
    ],
)
async def test_names_come_from_the_settings_alone(served: Served, headers: dict[str, str]) -> None:
    async with a_browser(served) as browser:
        browser.http.headers.update(headers)
        document = await browser.http.get(served.issuer() + DOCUMENTS[0])
        assert document.json()["issuer"] == served.issuer()
        begun = await browser.authorize()
        page = await browser.http.get(location(begun))
        for answer in (document, begun, page):
            assert "evil.test" not in answer.text
            assert "evil.test" not in str(answer.headers)
