"""Each credential of organization A at each endpoint of organization B: refused, and unharmed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.security import neighbour
from tests.world.answers import hidden_fields, location, query_of
from tests.world.browser import (
    GOOD,
    SECRET,
    SESSION,
    Browser,
    a_browser,
    add_client,
    code_form,
    is_active,
    post,
    refresh_form,
    refusal,
    userinfo,
)
from tests.world.served import Served

AFTER = "http://127.0.0.1:9009/"
THEIR_SESSION = "session_globex"
KINDS = ("access_token", "opaque", "client_credentials", "refresh_token", "id_token", "code")


@pytest_asyncio.fixture(autouse=True)
async def _two_organizations(served: Served) -> None:
    await neighbour.move_in(served)


@pytest_asyncio.fixture
async def stranger(served: Served) -> AsyncIterator[Browser]:
    """Return a browser of the neighbour's Alice, signed in there."""
    async with a_browser(served) as opened:
        await neighbour.sign_in(opened)
        yield opened


async def _at_b(served: Served, path: str, **params: str) -> httpx.Response:
    return await served.http.get(served.issuer(neighbour.SLUG) + path, params=params)


# tokens, codes


async def _issued(served: Served, browser: Browser, kind: str) -> tuple[str, dict[str, Any]]:
    """Return a credential of acme's, with the token response it came in."""
    if kind == "client_credentials":
        form = {"grant_type": "client_credentials"}
        tokens = (await post(served, "/token", form, "acme-machine")).json()
        return tokens["access_token"], tokens
    if kind == "opaque":
        client = await add_client(served, access_token_format="opaque")
        name = client.client_id
        form = code_form(await browser.code(client_id=name))
        tokens = (await post(served, "/token", form, name, secret=name * 2)).json()
        return tokens["access_token"], tokens
    if kind == "code":
        return await browser.code(), {}
    tokens = await browser.tokens()
    return tokens[kind], tokens


@pytest.mark.parametrize("kind", KINDS)
async def test_a_token_is_unknown_everywhere(
    served: Served, browser: Browser, stranger: Browser, kind: str
) -> None:
    value, tokens = await _issued(served, browser, kind)
    me = f"{served.issuer(neighbour.SLUG)}/me"
    bearer = {"Authorization": f"Bearer {value}"}
    for answer in (
        await served.http.get(me, headers=bearer),
        await served.http.post(me, headers=bearer),
        await served.http.post(me, data={"access_token": value}),
    ):
        assert refusal(answer) == (401, "invalid_token")
    for hint in ({}, {"token_type_hint": "refresh_token"}, {"token_type_hint": "access_token"}):
        form = {"token": value, **hint}
        answer = await neighbour.post(served, "/token/introspection", form)
        assert (answer.status_code, answer.json()) == (200, {"active": False})
        answer = await neighbour.post(served, "/token/revocation", form)
        assert (answer.status_code, answer.text) == (200, "")
    for form in (refresh_form(value), code_form(value)):
        answer = await neighbour.post(served, "/token", form)
        assert refusal(answer) == (400, "invalid_grant")
    reference = f"urn:ietf:params:oauth:request_uri:{value}"
    asked = await _at_b(served, "/auth", client_id=neighbour.CLIENT[0], request_uri=reference)
    assert asked.status_code == 400
    hinted = await neighbour.authorize(stranger, id_token_hint=value, prompt="none")
    assert query_of(hinted)["error"] == "invalid_request"
    end = f"{served.issuer(neighbour.SLUG)}/session/end"
    asked = await stranger.http.get(end, params={"id_token_hint": value})
    assert (asked.status_code, "xsrf" in hidden_fields(asked.text)) == (200, True)
    form = {"id_token_hint": value, "xsrf": value, "logout": "yes"}
    assert (await stranger.http.post(f"{end}/confirm", data=form)).status_code == 403
    assert await _is_signed_in_at_b(stranger)
    await _is_unharmed(served, browser, kind, value, tokens)


async def _is_unharmed(
    served: Served, browser: Browser, kind: str, value: str, tokens: dict[str, Any]
) -> None:
    if kind == "code":
        assert (await post(served, "/token", code_form(value))).status_code == 200
    elif kind == "refresh_token":
        assert (await post(served, "/token", refresh_form(value))).status_code == 200
    elif kind == "client_credentials":
        assert await is_active(served, value, "acme-machine")
    elif kind == "id_token":
        assert await is_active(served, tokens["refresh_token"])
        answer = await browser.authorize(prompt="none", id_token_hint=value)
        assert "code" in query_of(answer)
    else:
        assert (await userinfo(served, value)).status_code == 200


# clients


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_a_client_is_unknown_with_what_is_its_own(
    served: Served, browser: Browser, method: str
) -> None:
    """It brings its secret, and credentials that would do at home."""
    grants = ("authorization_code", "refresh_token", "client_credentials")
    client = await add_client(served, token_endpoint_auth_method=method, grant_types=grants)
    name = client.client_id
    proof = {"client_id": name, "client_secret": name * 2}

    async def send(slug: str, path: str, form: dict[str, str]) -> httpx.Response:
        url = served.issuer(slug) + path
        if method == "client_secret_post":
            return await served.http.post(url, data=form | proof)
        return await served.http.post(url, data=form, auth=(name, name * 2))

    code = code_form(await browser.code(client_id=name))
    tokens = (await send("acme", "/token", code_form(await browser.code(client_id=name)))).json()
    pushed = GOOD | {"client_id": name}
    for path, form in (
        ("/token", code),
        ("/token", refresh_form(tokens["refresh_token"])),
        ("/token", {"grant_type": "client_credentials"}),
        ("/token/introspection", {"token": tokens["access_token"]}),
        ("/token/revocation", {"token": tokens["access_token"]}),
        ("/token/revocation", {"token": tokens["refresh_token"]}),
        ("/request", pushed),
    ):
        assert refusal(await send(neighbour.SLUG, path, form)) == (401, "invalid_client"), path
    assert (await userinfo(served, tokens["access_token"])).status_code == 200
    assert (await send("acme", "/request", pushed)).status_code == 201
    for form in (code, refresh_form(tokens["refresh_token"]), {"grant_type": grants[2]}):
        answer = await send("acme", "/token", form)
        assert answer.status_code == 200, answer.text


async def test_a_client_is_unknown_to_the_pages(served: Served, stranger: Browser) -> None:
    named = {"client_id": "acme-web-basic", "post_logout_redirect_uri": AFTER}
    xsrf = hidden_fields((await _logout_page(stranger)).text)["xsrf"]
    end = f"{served.issuer(neighbour.SLUG)}/session/end"
    for answer in (
        await neighbour.authorize(stranger, client_id="acme-web-basic"),
        await stranger.http.get(end, params=named),
        await stranger.http.post(
            f"{end}/confirm", data=named | {"xsrf": xsrf, "logout": "yes"}
        ),
    ):  # fmt: skip
        assert answer.status_code == 400, answer.text
        assert "location" not in answer.headers
    assert await _is_signed_in_at_b(stranger)


# what a browser holds


async def test_a_session_is_no_session_on_any_page(served: Served, browser: Browser) -> None:
    await browser.code()
    end = f"{served.issuer(neighbour.SLUG)}/session/end"
    xsrf = hidden_fields((await browser.http.get(f"{served.issuer()}/session/end")).text)["xsrf"]
    for name in (SESSION, THEIR_SESSION):
        async with a_browser(served) as thief:
            thief.http.cookies.set(name, browser.session or "")
            assert not await _is_signed_in_at_b(thief)
            url = location(await neighbour.authorize(thief))
            resumed = await thief.http.get(url.replace("/interaction/", f"/{neighbour.SLUG}/auth/"))
            assert "/interaction/" in location(resumed), "nobody has signed in"
            for answer in (
                await thief.http.get(end),
                await thief.http.post(f"{end}/confirm", data={"xsrf": xsrf, "logout": "yes"}),
            ):
                assert location(answer).startswith(end), "there is nobody to sign out"
    assert "code" in query_of(await browser.authorize(prompt="none"))


async def test_the_form_of_a_logout_is_of_no_use(
    served: Served, browser: Browser, stranger: Browser
) -> None:
    await browser.code()
    form = hidden_fields((await browser.http.get(f"{served.issuer()}/session/end")).text)
    url = f"{served.issuer(neighbour.SLUG)}/session/end/confirm"
    answer = await stranger.http.post(url, data=form | {"logout": "yes"})
    assert answer.status_code == 403
    assert await _is_signed_in_at_b(stranger)
    assert "code" in query_of(await browser.authorize(prompt="none"))


@pytest.mark.parametrize("who", ["the browser itself", "somebody signed in there"])
async def test_an_interaction_is_not_resumed_and_goes_on_at_home(
    served: Served, browser: Browser, stranger: Browser, who: str
) -> None:
    url = await browser.begin()
    uid = url.rpartition("/")[2]
    visitor = stranger if who == "somebody signed in there" else browser
    answer = await visitor.http.get(
        f"{served.issuer(neighbour.SLUG)}/auth/{uid}",
        headers={"Cookie": f"{SECRET}={browser.secret}; {THEIR_SESSION}={_theirs(stranger)}"},
    )
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "code" in await browser.follow(await browser.submit(url))


async def test_a_pushed_request_is_unknown_and_unharmed(
    served: Served, browser: Browser, stranger: Browser
) -> None:
    pushed = (await post(served, "/request", GOOD)).json()["request_uri"]
    for client_id in (neighbour.CLIENT[0], GOOD["client_id"]):
        params = {"client_id": client_id, "request_uri": pushed}
        url = f"{served.issuer(neighbour.SLUG)}/auth"
        assert (await stranger.http.get(url, params=params)).status_code == 400
    params = {"client_id": GOOD["client_id"], "request_uri": pushed}
    answer = await browser.http.get(f"{served.issuer()}/auth", params=params)
    assert "code" in await browser.follow(await browser.submit(location(answer)))


async def _logout_page(stranger: Browser) -> httpx.Response:
    return await stranger.http.get(f"{stranger.served.issuer(neighbour.SLUG)}/session/end")


async def _is_signed_in_at_b(stranger: Browser) -> bool:
    return "code" in query_of(await neighbour.authorize(stranger, prompt="none"))


def _theirs(stranger: Browser) -> str:
    return stranger.http.cookies.get(THEIR_SESSION, path=f"/{neighbour.SLUG}") or ""
