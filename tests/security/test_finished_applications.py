"""What finished applications look for in tokens, over the wire: theirs, and nobody else's."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import uuid4

import pytest

from porta.security.keys import ALGORITHMS
from porta.services.provisioning import build_document, provision
from storage.models.clients import ApiResource, Client
from storage.postgres.driver import Postgres
from tests import factories
from tests.world.administered import make_application
from tests.world.answers import claims_of, header_of, hidden_fields, query_of
from tests.world.browser import (
    Browser,
    a_browser,
    add_client,
    add_user,
    code_form,
    is_active,
    post,
    refresh_form,
    refusal,
    userinfo,
)
from tests.world.served import CALLBACK, Served
from tests.world.waiting import eventually

IDENTITY = {"email", "email_verified", "name", "given_name", "family_name", "preferred_username"}


async def _tokens(served: Served, browser: Browser, client: Client, **asked: str) -> dict[str, Any]:
    code = await browser.code(client_id=client.client_id, **asked)
    secret = client.client_id * 2
    answer = await post(served, "/token", code_form(code), client.client_id, secret=secret)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


async def _refreshed(served: Served, client: Client, tokens: dict[str, Any]) -> dict[str, Any]:
    form, secret = refresh_form(tokens["refresh_token"]), client.client_id * 2
    answer = await post(served, "/token", form, client.client_id, secret=secret)
    refreshed: dict[str, Any] = answer.json()
    return refreshed


async def _of_an_application_without_roles(served: Served, **fields: Any) -> Client:
    slug = f"a{secrets.token_hex(6)}"
    bare = await make_application(served.runtime.storage.everywhere, slug)
    return await add_client(served, application_id=bare.id, **fields)


@pytest.mark.parametrize("form", ["jwt", "opaque"])
async def test_W1_no_token_tells_of_what_the_application_does_not_define(
    served: Served, browser: Browser, form: str
) -> None:
    client = await _of_an_application_without_roles(served, access_token_format=form)
    tokens = await _tokens(served, browser, client)
    for issued in (tokens, await _refreshed(served, client, tokens)):
        own = (client.client_id, client.client_id * 2)
        asked = {"token": issued["access_token"]}
        told = await post(served, "/token/introspection", asked, own[0], secret=own[1])
        documents = [
            claims_of(issued["id_token"]),
            (await userinfo(served, issued["access_token"])).json(),
            told.json(),
        ]
        if form == "jwt":
            documents.append(claims_of(issued["access_token"]))
        for document in documents:
            assert "sub" in document
            assert not {"roles", "permissions"} & document.keys()


async def test_W1_somebody_without_a_role_has_none_where_there_are_some(
    served: Served, browser: Browser
) -> None:
    browser.email = (await add_user(served)).email
    assert claims_of((await browser.tokens())["id_token"])["roles"] == []


async def _organization_says(pg: Postgres, column: str, value: object) -> None:
    await pg.execute(
        f"UPDATE organizations SET {column} = %(value)s WHERE slug = 'acme'", {"value": value}
    )


async def test_applications_F1_the_id_token_holds_the_identity_where_the_client_wants_it(
    served: Served, browser: Browser
) -> None:
    plain, filled = await add_client(served), await add_client(served, id_token_claims=True)
    tokens = await _tokens(served, browser, plain)
    assert not IDENTITY & claims_of(tokens["id_token"]).keys()
    tokens = await _tokens(served, browser, filled)
    for issued in (tokens, await _refreshed(served, filled, tokens)):
        said = claims_of(issued["id_token"])
        assert said.keys() >= IDENTITY
        known = (await userinfo(served, issued["access_token"])).json()
        assert known.items() <= said.items()
        assert not IDENTITY & claims_of(issued["access_token"]).keys()
    narrow = await _tokens(served, browser, filled, scope="openid email")
    assert IDENTITY & claims_of(narrow["id_token"]).keys() == {"email", "email_verified"}


async def test_B37_an_organization_may_want_it_of_all_its_clients(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    silent, unwilling = await add_client(served), await add_client(served, id_token_claims=False)
    await _organization_says(pg, "id_token_claims", True)
    try:

        async def heard() -> bool:
            tokens = await _tokens(served, browser, silent)
            return "email" in claims_of(tokens["id_token"])

        await eventually(heard)
        tokens = await _tokens(served, browser, unwilling)
        assert "email" not in claims_of(tokens["id_token"])
    finally:
        await _organization_says(pg, "id_token_claims", False)


async def test_B37_a_third_partys_id_token_holds_what_was_shown(
    served: Served, browser: Browser
) -> None:
    client = await add_client(
        served, "acme-partner", id_token_claims=True, redirect_uris=("http://127.0.0.1:9009/callback",)
    )  # fmt: skip
    asked = {"client_id": client.client_id, "scope": "openid email"}
    answer = await browser.submit(await browser.begin(**asked))
    page = await browser.http.get(_next(answer))
    while "/confirm" not in page.text:
        page = await browser.http.get(_next(page))
    form = hidden_fields(page.text) | {"decision": "approve"}
    code = (await browser.follow(await browser.http.post(f"{page.url}/confirm", data=form)))["code"]
    issued = await post(
        served, "/token", code_form(code), client.client_id, secret=client.client_id * 2
    )
    said = claims_of(issued.json()["id_token"])
    assert said["email"] == browser.email
    assert said["department"] == "Engineering"
    assert IDENTITY & said.keys() == {"email", "email_verified"}
    refused = await browser.authorize(**asked | {"scope": "openid profile"}, prompt="none")
    assert query_of(refused)["error"] == "consent_required"


async def test_applications_F5_a_person_without_a_user_name_has_one(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    user = await add_user(served, given_name="Bob", family_name="Baker")
    browser.email = user.email
    access = (await browser.tokens(scope="openid profile"))["access_token"]
    known = (await userinfo(served, access)).json()
    assert (known["preferred_username"], known["name"]) == (user.email, "Bob Baker")
    assert "email" not in known
    await _organization_says(pg, "email_as_username", False)
    try:

        async def heard() -> bool:
            return "preferred_username" not in (await userinfo(served, access)).json()

        await eventually(heard)
    finally:
        await _organization_says(pg, "email_as_username", True)


async def test_applications_F9_roles_reach_an_application_as_groups(
    served: Served, browser: Browser
) -> None:
    client = await add_client(served, roles_claim="groups")
    tokens = await _tokens(served, browser, client)
    for document in (
        claims_of(tokens["id_token"]),
        claims_of(tokens["access_token"]),
        (await userinfo(served, tokens["access_token"])).json(),
    ):
        assert document["groups"] == ["admin"]
        assert "roles" not in document

    async def told() -> bool:
        url = f"{served.issuer()}/.well-known/openid-configuration"
        supported = (await served.http.get(url)).json()["claims_supported"]
        return {"groups", "department"} <= set(supported) and "cost_center" not in supported

    await eventually(told)


# a client as a file makes it


_HABITS = {
    "Miniflux": ("basic", True),
    "JupyterHub": ("post", True),
    "oauth2-proxy": ("basic", False),
    "pgAdmin 4": ("basic", True),
    "Matrix Synapse": ("basic", True),
    "django-allauth": ("post", False),
    "Keycloak as broker": ("post", False),
    "Node-RED with passport": ("post", False),
}
"""How each authenticates, and whether it does PKCE, as its documentation sets it up."""


@pytest.mark.parametrize("application", sorted(_HABITS))
async def test_applications_F7_F8_sign_in_with_a_client_that_a_file_hardly_describes(
    served: Served, browser: Browser, application: str
) -> None:
    method, pkce = _HABITS[application]
    name, secret = await _client_of_a_file(served)
    browser.email = (await add_user(served, given_name="Bob", family_name="Baker")).email
    asked: dict[str, str | None] = {"client_id": name, "scope": "openid profile email groups"}
    form = code_form(await browser.code(**asked | ({} if pkce else _NO_CHALLENGE)))
    if not pkce:
        del form["code_verifier"]
    url = f"{served.issuer()}/token"
    if method == "basic":
        answer = await served.http.post(url, data=form, auth=(name, secret))
    else:
        credentials = {"client_id": name, "client_secret": secret}
        answer = await served.http.post(url, data=form | credentials)
    assert answer.status_code == 200, answer.text
    known = (await userinfo(served, answer.json()["access_token"])).json()
    assert known["preferred_username"] == known["email"] == browser.email
    assert (known["name"], known["email_verified"]) == ("Bob Baker", False)


_NO_CHALLENGE: dict[str, str | None] = {"code_challenge": None, "code_challenge_method": None}


async def _client_of_a_file(served: Served) -> tuple[str, str]:
    """Return id and secret of a client of which the file says as little as it may."""
    name = f"app-{secrets.token_hex(6)}"
    client = {
        "client_id": name,
        "client_name": name,
        "client_type": "confidential",
        "redirect_uris": [CALLBACK],
        "secret": {"value": name * 3},
    }
    crm = {"name": "Customer Relations", "slug": "crm", "clients": [client]}
    acme = {"name": "Acme Corporation", "slug": "acme", "applications": [crm]}
    document = build_document("app.yaml", {"version": "1.0", "organizations": [acme]})
    runtime = served.runtime
    report = await provision(
        runtime.storage.everywhere, document, passwords=runtime.passwords, now=runtime.clock()
    )
    assert report.errors == []
    return name, name * 3


# the form of access tokens


async def _api(served: Served, organization_id: str, **fields: Any) -> ApiResource:
    scope = f"s{secrets.token_hex(6)}"
    api = factories.api(
        id=str(uuid4()), organization_id=organization_id, identifier=f"https://{scope}.test",
        name="API", scopes=(scope,), **fields,
    )  # fmt: skip
    await served.runtime.storage.everywhere.api_resources.insert(api)

    async def heard() -> bool:
        return api.id in [each.id for each in await served.runtime.api_resources(organization_id)]

    await eventually(heard)
    return api


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_applications_F2_an_access_token_of_any_form_is_one_of_ours(
    served: Served, browser: Browser, algorithm: str
) -> None:
    client = await add_client(
        served, access_token_type="JWT", access_token_signing_alg=algorithm
    )  # fmt: skip
    tokens = await _tokens(served, browser, client)
    access = tokens["access_token"]
    assert {name: header_of(access)[name] for name in ("typ", "alg")} == {
        "typ": "JWT",
        "alg": algorithm,
    }
    keys = (await served.http.get(f"{served.issuer()}/jwks")).json()["keys"]
    assert header_of(access)["kid"] in {key["kid"] for key in keys if key["alg"] == algorithm}
    assert (await userinfo(served, access)).status_code == 200
    assert await is_active(served, access, client.client_id, client.client_id * 2)
    assert header_of(tokens["id_token"])["alg"] == "ES256"


async def test_applications_F2_an_api_resource_decides_for_its_tokens(
    served: Served, browser: Browser
) -> None:
    spring = {"access_token_type": "JWT", "access_token_signing_alg": "RS256"}
    client = await add_client(served)
    api = await _api(served, client.organization_id, **spring)
    other = await _api(served, client.organization_id, access_token_type="at+jwt")
    scopes = f"openid {api.scopes[0]} {other.scopes[0]}"
    wide = await add_client(
        served, scope=scopes, grant_types=("authorization_code", "client_credentials")
    )
    header = header_of((await _tokens(served, browser, client))["access_token"])
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    asked = {"scope": f"openid {api.scopes[0]}"}
    header = header_of((await _tokens(served, browser, wide, **asked))["access_token"])
    assert (header["typ"], header["alg"]) == ("JWT", "RS256")
    form = {"grant_type": "client_credentials", "scope": api.scopes[0]}
    answer = await post(served, "/token", form, wide.client_id, secret=wide.client_id * 2)
    header = header_of(answer.json()["access_token"])
    assert (header["typ"], header["alg"]) == ("JWT", "RS256")
    form["scope"] = f"{api.scopes[0]} {other.scopes[0]}"
    answer = await post(served, "/token", form, wide.client_id, secret=wide.client_id * 2)
    assert refusal(answer) == (400, "invalid_target"), "none would suit both"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_applications_F2_no_access_token_passes_for_an_id_token(
    served: Served, browser: Browser, algorithm: str
) -> None:
    """RFC 8725 §3.11: of one type, one key and one issuer, and told apart all the same."""
    client = await add_client(
        served,
        scope="openid profile email offline_access contacts:read",
        access_token_type="JWT",
        access_token_signing_alg=algorithm,
        id_token_signed_response_alg=algorithm,
        id_token_claims=True,
        grant_types=("authorization_code", "refresh_token", "client_credentials"),
    )
    name, secret = client.client_id, client.client_id * 2
    tokens = await _tokens(served, browser, client)
    api = await _tokens(served, browser, client, scope="openid contacts:read")
    form = {"grant_type": "client_credentials"}
    machine = (await post(served, "/token", form, name, secret=secret)).json()
    assert header_of(tokens["id_token"]) == header_of(tokens["access_token"])
    asked = {"client_id": name, "prompt": "none"}
    for access in (tokens["access_token"], api["access_token"], machine["access_token"]):
        answer = await browser.authorize(**asked, id_token_hint=access)
        assert query_of(answer)["error"] == "invalid_request"
        await _asks_before_signing_out(served, browser, access)
    answer = await browser.authorize(**asked, id_token_hint=tokens["id_token"])
    assert "code" in query_of(answer)
    hint = tokens["id_token"]
    assert refusal(await userinfo(served, hint)) == (401, "invalid_token")
    assert not await is_active(served, hint, name, secret)
    revoked = await post(served, "/token/revocation", {"token": hint}, name, secret=secret)
    assert revoked.status_code == 200
    assert (await userinfo(served, tokens["access_token"])).status_code == 200


async def _asks_before_signing_out(served: Served, browser: Browser, hint: str) -> None:
    url, params = f"{served.issuer()}/session/end", {"id_token_hint": hint}
    async with a_browser(served) as stranger:
        for each in (browser, stranger):
            answer = await each.http.get(url, params=params)
            while answer.is_redirect:
                answer = await each.http.get(_next(answer))
            assert "code" in query_of(await browser.authorize(prompt="none"))


def _next(answer: Any) -> str:
    return str(answer.url.join(answer.headers["location"]))
