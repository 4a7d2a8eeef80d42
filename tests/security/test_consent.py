"""A third party gets what a person was shown, and no client what it lost (A.9, A.10)."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from storage.models.claims import ClaimDefinition
from storage.models.clients import Client
from storage.postgres.driver import Postgres
from tests import factories
from tests.world.answers import claims_of, hidden_fields, location, query_of
from tests.world.browser import (
    Browser,
    add_client,
    code_form,
    organization_id,
    post,
    refresh_form,
    refusal,
    userinfo,
)
from tests.world.served import Served
from tests.world.waiting import eventually

API = "https://api.acme.test"
CALLBACK = "http://127.0.0.1:9011/callback"
PARTNER = {"client_id": "acme-partner", "redirect_uri": CALLBACK}


async def _page(browser: Browser, **changes: str) -> httpx.Response:
    """Return the consent page, through the login page where it is shown."""
    answer = await browser.authorize(**PARTNER | changes)
    page = await browser.http.get(location(answer))
    if "/login" in page.text:
        answer = await browser.http.get(location(await browser.submit(str(page.url))))
        page = await browser.http.get(location(answer))
    assert "/confirm" in page.text, page.text
    return page


async def _approve(browser: Browser, page: httpx.Response) -> dict[str, str]:
    form = hidden_fields(page.text) | {"decision": "approve"}
    return await browser.follow(await browser.http.post(f"{page.url}/confirm", data=form))


async def _agree(browser: Browser, **changes: str) -> str:
    """Approve what the partner asks for; return the code."""
    return (await _approve(browser, await _page(browser, **changes)))["code"]


async def _silently(browser: Browser, **changes: str) -> dict[str, str]:
    return query_of(await browser.authorize(**PARTNER | changes, prompt="none"))


async def _redeem(
    served: Served, code: str, client: Client | None = None, **changes: str
) -> httpx.Response:
    form = code_form(code, redirect_uri=CALLBACK, **changes)
    return await _post(served, form, client)


async def _refresh(
    served: Served, token: str, client: Client | None = None, **changes: str
) -> httpx.Response:
    return await _post(served, refresh_form(token, **changes), client)


async def _post(served: Served, form: dict[str, Any], client: Client | None) -> httpx.Response:
    if client is None:
        return await post(served, "/token", form, "acme-partner")
    name = client.client_id
    return await post(served, "/token", form, name, secret=name * 2)


async def _add_api(served: Served, *scopes: str) -> str:
    """Add an API resource to acme; return its identifier."""
    acme = await served.runtime.storage.everywhere.organizations.find_by_slug("acme")
    assert acme is not None
    identifier = f"https://{secrets.token_hex(6)}.acme.test"
    api = factories.api(
        id=str(uuid4()), organization_id=acme.id, identifier=identifier, name="x", scopes=scopes
    )
    await served.runtime.storage.everywhere.api_resources.insert(api)

    async def known() -> bool:
        found = await served.runtime.api_resources(acme.id)
        return any(each.identifier == identifier for each in found)

    await eventually(known)
    return identifier


@asynccontextmanager
async def _a_new_claim(served: Served, pg: Postgres) -> AsyncIterator[str]:
    """Let the application of acme's clients define one more claim, which everybody has."""
    client = await served.runtime.storage.everywhere.clients.find(
        "acme-partner", await organization_id(served)
    )
    assert client is not None
    name = f"c{secrets.token_hex(6)}"
    definition = ClaimDefinition(
        id=str(uuid4()),
        application_id=client.application_id,
        claim_name=name,
        include_in_id_token=True,
    )
    await served.runtime.storage.everywhere.claims.insert_definition(definition)
    await pg.execute(
        "INSERT INTO custom_claim_values (user_id, claim_id, value)"
        " SELECT id, %(id)s, '\"new\"' FROM users",
        {"id": definition.id},
    )

    async def known() -> bool:
        found = await served.runtime.client("acme-partner", client.organization_id)
        return found is not None and any(c.claim_name == name for c in found.claim_definitions)

    await eventually(known)
    try:
        yield name
    finally:
        await pg.execute(
            "DELETE FROM custom_claim_definitions WHERE id = %(id)s", {"id": definition.id}
        )


# resources


async def test_a_token_request_names_no_resource_that_was_not_shown(
    served: Served, browser: Browser
) -> None:
    code = await _agree(browser, scope="openid profile")
    assert refusal(await _redeem(served, code, resource=API)) == (400, "invalid_target")
    code = (await _silently(browser, scope="openid profile"))["code"]
    tokens = (await _redeem(served, code, resource=served.issuer())).json()
    assert claims_of(tokens["access_token"])["aud"] == served.issuer(), "userinfo goes with openid"
    refused = await _refresh(served, tokens["refresh_token"], resource=API)
    assert refusal(refused) == (400, "invalid_target")
    again = await _refresh(served, tokens["refresh_token"])
    assert claims_of(again.json()["access_token"])["aud"] == served.issuer()


async def test_a_stored_consent_covers_no_resource_that_was_not_shown(
    served: Served, browser: Browser
) -> None:
    await _agree(browser, scope="openid profile")
    refused = await _silently(browser, scope="openid profile", resource=API)
    assert refused["error"] == "consent_required"
    page = await _page(browser, scope="openid profile", resource=API)
    assert API in page.text
    tokens = (await _redeem(served, (await _approve(browser, page))["code"])).json()
    assert claims_of(tokens["access_token"])["aud"] == API
    for resource in ({}, {"resource": API}):
        assert "code" in await _silently(browser, scope="openid profile", **resource)


async def test_a_consent_for_one_resource_is_none_for_everywhere(
    served: Served, browser: Browser
) -> None:
    await _agree(browser, scope="openid contacts:read", resource=API)
    assert "code" in await _silently(browser, scope="openid contacts:read", resource=API)
    refused = await _silently(browser, scope="openid contacts:read")
    assert refused["error"] == "consent_required"


async def test_scopes_shown_for_one_resource_are_not_shown_for_another(
    served: Served, browser: Browser
) -> None:
    scope = f"s{secrets.token_hex(6)}"
    first, second = await _add_api(served, scope), await _add_api(served, scope)
    client = await add_client(served, "acme-partner", scope=f"openid {scope}")
    asked = {"client_id": client.client_id}
    await _agree(browser, **asked, scope=f"openid {scope}", resource=first)
    await _agree(browser, **asked, scope="openid", resource=second)
    for resource in (first, second):
        assert "code" in await _silently(browser, **asked, scope="openid", resource=resource)
    refused = await _silently(browser, **asked, scope=f"openid {scope}", resource=second)
    assert refused["error"] == "consent_required"


async def test_a_scope_that_two_resources_own_needs_one_of_them_named(
    served: Served, browser: Browser
) -> None:
    """RFC 9068 §3: neither could tell whether it was meant."""
    scope = f"s{secrets.token_hex(6)}"
    first, _ = await _add_api(served, scope), await _add_api(served, scope)
    client = await add_client(served, "acme-partner", is_first_party=True, scope=f"openid {scope}")
    codes = await _two_codes(browser, client, f"openid {scope}")
    refused = await _redeem(served, codes.pop(), client)
    assert refusal(refused) == (400, "invalid_scope")
    tokens = (await _redeem(served, codes.pop(), client, resource=first)).json()
    told = claims_of(tokens["access_token"])
    assert (told["aud"], told["scope"]) == (first, f"openid {scope}")


async def test_an_api_scope_that_was_shown_implies_its_api(
    served: Served, browser: Browser
) -> None:
    elsewhere = await _add_api(served)
    tokens = (await _redeem(served, await _agree(browser, scope="openid contacts:read"))).json()
    assert claims_of(tokens["access_token"])["aud"] == [API, served.issuer()]
    for resource in (API, served.issuer()):
        answer = await _refresh(served, tokens["refresh_token"], resource=resource)
        assert claims_of(answer.json()["access_token"])["aud"] == resource
    refused = await _refresh(served, tokens["refresh_token"], resource=elsewhere)
    assert refusal(refused) == (400, "invalid_target")


async def test_a_first_party_client_names_its_resources_when_it_likes(
    served: Served, browser: Browser
) -> None:
    code = await browser.code(scope="openid")
    tokens = (await post(served, "/token", code_form(code, resource=API))).json()
    assert claims_of(tokens["access_token"])["aud"] == API


async def test_what_a_first_party_client_had_without_asking_is_no_consent(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    client = await add_client(served, "acme-partner", is_first_party=True)
    asked = PARTNER | {"client_id": client.client_id}
    code = (await browser.sign_in(**asked))["code"]
    tokens = (await _redeem(served, code, client)).json()
    assert claims_of(tokens["id_token"])["department"] == "Engineering"
    await pg.execute(
        "UPDATE clients SET is_first_party = false WHERE id = %(id)s", {"id": client.id}
    )

    async def heard() -> bool:
        known = await served.runtime.client(client.client_id, client.organization_id)
        return known is not None and not known.is_first_party

    await eventually(heard)
    assert (await _silently(browser, **asked))["error"] == "consent_required"
    refused = await _refresh(served, tokens["refresh_token"], client, resource=API)
    assert refusal(refused) == (400, "invalid_target")
    refreshed = (await _refresh(served, tokens["refresh_token"], client)).json()
    assert "department" not in claims_of(refreshed["id_token"])


# roles, permissions, custom claims


async def test_consent_tells_of_roles_and_custom_claims(served: Served, browser: Browser) -> None:
    page = await _page(browser, scope="openid email")
    assert "roles and permissions" in page.text
    for name in ("Department", "Cost centre"):
        assert name in page.text
    tokens = (await _redeem(served, (await _approve(browser, page))["code"])).json()
    told = claims_of(tokens["access_token"])
    assert (told["roles"], told["department"], told["cost_center"]) == (
        ["admin"],
        "Engineering",
        4711,
    )


async def test_consent_tells_of_nothing_that_will_not_come(
    served: Served, browser: Browser
) -> None:
    page = await _page(browser, scope="contacts:read")
    assert "Read your contacts" in page.text
    for words in ("roles and permissions", "Department", "Cost centre"):
        assert words not in page.text
    tokens = (await _redeem(served, (await _approve(browser, page))["code"])).json()
    assert not {"roles", "permissions", "department"} & claims_of(tokens["access_token"]).keys()


async def test_a_claim_that_is_defined_later_needs_a_new_consent(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    tokens = (await _redeem(served, await _agree(browser))).json()
    code = (await _silently(browser))["code"]
    async with _a_new_claim(served, pg) as name:
        assert (await _silently(browser))["error"] == "consent_required"
        old = (await _redeem(served, code)).json()
        refreshed = (await _refresh(served, tokens["refresh_token"])).json()
        for issued in (old, refreshed):
            assert claims_of(issued["id_token"])["department"] == "Engineering"
            for token in (issued["id_token"], issued["access_token"]):
                assert name not in claims_of(token)
        for issued in (tokens, old, refreshed):
            known = (await userinfo(served, issued["access_token"])).json()
            assert known["department"] == "Engineering"
            assert name not in known
        page = await _page(browser)
        assert name in page.text
        new = (await _redeem(served, (await _approve(browser, page))["code"])).json()
        assert claims_of(new["id_token"])[name] == "new"
        assert (await userinfo(served, new["access_token"])).json()[name] == "new"


async def test_introspection_tells_of_a_third_partys_token_what_was_shown(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    client = await add_client(served, "acme-partner", access_token_format="opaque")
    code = await _agree(browser, client_id=client.client_id)
    token = (await _redeem(served, code, client)).json()["access_token"]
    async with _a_new_claim(served, pg) as name:
        own, form = client.client_id, {"token": token}
        told = await post(served, "/token/introspection", form, own, secret=own * 2)
        answer = told.json()
        assert (answer["roles"], answer["department"]) == (["admin"], "Engineering")
        assert name not in answer


async def test_a_claim_that_is_defined_while_the_page_is_open_was_not_shown(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    page = await _page(browser)
    async with _a_new_claim(served, pg) as name:
        form = hidden_fields(page.text) | {"decision": "approve"}
        answer = await browser.http.post(f"{page.url}/confirm", data=form)
        resumed = await browser.http.get(location(answer))
        assert "/interaction/" in location(resumed)
        asked = await browser.http.get(location(resumed))
        assert name in asked.text, "the person is asked about it"
        assert "code" in await _approve(browser, asked)


async def test_a_first_party_client_gets_a_new_claim_at_once(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    tokens = await browser.tokens()
    async with _a_new_claim(served, pg) as name:
        assert (await userinfo(served, tokens["access_token"])).json()[name] == "new"
        refreshed = (await post(served, "/token", refresh_form(tokens["refresh_token"]))).json()
        assert claims_of(refreshed["id_token"])[name] == "new"


# scopes that a client loses


@pytest.mark.parametrize("is_first_party", [True, False])
async def test_a_scope_that_is_taken_away_is_granted_no_more(
    served: Served, browser: Browser, pg: Postgres, is_first_party: bool
) -> None:
    client = await add_client(served, "acme-partner", is_first_party=is_first_party)
    codes = await _two_codes(browser, client, "openid email profile offline_access")
    tokens = (await _redeem(served, codes.pop(), client)).json()
    await _register(served, pg, client, "openid email offline_access")
    for answer in (
        await _refresh(served, tokens["refresh_token"], client),
        await _redeem(served, codes.pop(), client),
    ):
        assert set(answer.json()["scope"].split()) == {"openid", "email", "offline_access"}
        known = (await userinfo(served, answer.json()["access_token"])).json()
        assert "email" in known
        assert "given_name" not in known
    again = await _refresh(served, answer.json()["refresh_token"], client, scope="openid profile")
    assert again.json()["scope"] == "openid"
    lost = await _refresh(served, again.json()["refresh_token"], client, scope="profile")
    assert refusal(lost) == (400, "invalid_scope")
    await _register(served, pg, client, "openid email profile offline_access")
    later = await _refresh(served, answer.json()["refresh_token"], client)
    assert "profile" not in later.json()["scope"].split(), "what was lost does not come back"


async def test_a_grant_of_which_nothing_is_left_is_none(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    client = await add_client(served, "acme-partner", is_first_party=True)
    codes = await _two_codes(browser, client, "openid email")
    tokens = (await _redeem(served, codes.pop(), client)).json()
    await _register(served, pg, client, "phone")
    refreshed = await _refresh(served, tokens["refresh_token"], client)
    assert refusal(refreshed) == (400, "invalid_grant")
    assert refusal(await _redeem(served, codes.pop(), client)) == (400, "invalid_grant")


async def test_offline_access_that_is_taken_away_ends_what_lives_by_it(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    client = await add_client(served, "acme-partner", is_first_party=True)
    codes = await _two_codes(browser, client, "openid offline_access")
    tokens = (await _redeem(served, codes.pop(), client)).json()
    await _register(served, pg, client, "openid")
    refreshed = await _refresh(served, tokens["refresh_token"], client)
    assert refusal(refreshed) == (400, "invalid_grant")
    bound = (await _redeem(served, codes.pop(), client)).json()
    assert bound["scope"] == "openid"
    assert (await _refresh(served, bound["refresh_token"], client)).status_code == 200


async def test_a_single_claim_that_was_not_shown_does_not_come_with_a_later_scope(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    client = await add_client(served, "acme-partner", scope="openid email")
    asked = {"client_id": client.client_id, "scope": "openid"}
    claims = '{"userinfo":{"phone_number":null,"email":null},"id_token":{"phone_number":null}}'
    page = await _page(browser, **asked, claims=claims)
    assert "phone" not in page.text
    code = (await _approve(browser, page))["code"]
    tokens = (await _redeem(served, code, client)).json()
    await _register(served, pg, client, "openid email phone")
    refreshed = (await _refresh(served, tokens["refresh_token"], client)).json()
    assert "phone_number" not in claims_of(refreshed["id_token"])
    for issued in (tokens, refreshed):
        known = (await userinfo(served, issued["access_token"])).json()
        assert known["email"] == browser.email
        assert "phone_number" not in known


async def _two_codes(browser: Browser, client: Client, scope: str) -> list[str]:
    asked = {"client_id": client.client_id, "scope": scope}
    if client.is_first_party:
        return [(await browser.sign_in(**PARTNER | asked))["code"] for _ in range(2)]
    return [await _agree(browser, **asked), (await _silently(browser, **asked))["code"]]


async def _register(served: Served, pg: Postgres, client: Client, scope: str) -> None:
    """Register another scope for a client, and wait until it is known."""
    await pg.execute(
        "UPDATE clients SET scope = %(scope)s WHERE id = %(id)s", {"id": client.id, "scope": scope}
    )

    async def heard() -> bool:
        known = await served.runtime.client(client.client_id, client.organization_id)
        return known is not None and known.scope == scope

    await eventually(heard)
