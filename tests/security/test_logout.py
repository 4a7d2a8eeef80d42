"""Logout: nobody is signed out by somebody else, and whoever is signed out is, everywhere."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest

from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.world.answers import above_the_footer, hidden_fields, location, query_of
from tests.world.browser import (
    Browser,
    a_browser,
    add_client,
    add_user,
    code_form,
    configured,
    is_active,
    post,
    refresh_form,
    refusal,
    userinfo,
)
from tests.world.served import Served, post_across_sites
from tests.world.waiting import eventually

AFTER = "http://127.0.0.1:9009/"


def _is_success(answer: httpx.Response) -> bool:
    return urlsplit(location(answer)).path.endswith("/session/end/success")


async def _end(browser: Browser, **params: str) -> httpx.Response:
    return await browser.http.get(f"{browser.served.issuer()}/session/end", params=params)


async def _confirm(browser: Browser, **form: str) -> httpx.Response:
    return await browser.http.post(f"{browser.served.issuer()}/session/end/confirm", data=form)


async def _is_signed_in(browser: Browser) -> bool:
    return "code" in query_of(await browser.authorize(prompt="none"))


async def test_the_hint_of_this_session_needs_no_question(served: Served, browser: Browser) -> None:
    tokens = await browser.tokens()
    copied, secret = browser.session, browser.secret
    answer = await _end(browser, id_token_hint=tokens["id_token"], post_logout_redirect_uri=AFTER,
                        state="x y")  # fmt: skip
    assert location(answer) == f"{AFTER}?state=x%20y"
    assert browser.session is None
    async with a_browser(served) as thief:
        thief.wears(copied, secret)
        assert not await _is_signed_in(thief), "a copied cookie is dead"
    assert (await userinfo(served, tokens["access_token"])).status_code == 401
    assert not await is_active(served, tokens["refresh_token"])
    refreshed = await post(served, "/token", refresh_form(tokens["refresh_token"]))
    assert refusal(refreshed) == (400, "invalid_grant")


async def test_the_hint_may_be_posted_from_the_site_of_the_client(
    served: Served, browser: Browser
) -> None:
    tokens = await browser.tokens()
    asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": AFTER}
    posted = await post_across_sites(browser.http, f"{served.issuer()}/session/end", data=asked)
    assert tokens["id_token"] not in location(posted), "no URL holds it: logs and histories do"
    answer = await browser.http.get(location(posted))
    assert location(answer) == AFTER
    assert browser.session is None
    assert not await is_active(served, tokens["access_token"])


@pytest.mark.parametrize("state", ["", "s" * 2500])
async def test_a_long_hint_may_be_posted(served: Served, browser: Browser, state: str) -> None:
    tokens = await browser.tokens()
    hint = tokens["id_token"]
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": AFTER, "state": state}
    posted = await post_across_sites(browser.http, f"{served.issuer()}/session/end", data=asked)
    assert len(posted.headers["location"]) <= 3072
    assert location(await browser.http.get(location(posted))).startswith(AFTER)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_applications_F4_a_server_ends_the_session_that_its_hint_names(
    served: Served, browser: Browser, method: str
) -> None:
    """It has no cookie, and follows nothing."""
    tokens = await browser.tokens()
    asked = {"id_token_hint": tokens["id_token"]}
    url = f"{served.issuer()}/session/end"
    async with a_browser(served) as server:
        if method == "GET":
            answer = await server.http.get(url, params=asked)
        else:
            answer = await server.http.post(url, data=asked)
    assert answer.status_code == 303
    assert (await userinfo(served, tokens["access_token"])).status_code == 401
    assert not await is_active(served, tokens["refresh_token"])
    assert not await _is_signed_in(browser)


async def test_applications_F4_the_cookie_of_another_session_leads_to_the_question(
    served: Served, browser: Browser
) -> None:
    tokens = await browser.tokens()
    async with a_browser(served) as other:
        theirs = await other.tokens()
        page = await _end(other, id_token_hint=tokens["id_token"], client_id="acme-web-basic",
                          post_logout_redirect_uri=AFTER)  # fmt: skip
        assert page.status_code == 200, "nobody is signed out without being asked"
        assert await is_active(served, tokens["access_token"])
        assert await _is_signed_in(other)
        form = hidden_fields(page.text)
        refused = await _confirm(other, **(form | {"logout": "no"}))
        assert refused.status_code == 200
        assert await is_active(served, tokens["access_token"])
        agreed = await _confirm(other, **form)
        assert location(agreed) == AFTER
        assert not await _is_signed_in(other)
    for each in (tokens, theirs):
        assert not await is_active(served, each["access_token"]), "it is said of both"
    assert not await _is_signed_in(browser)


@pytest.mark.parametrize("wrong", ["of another organization", "changed", "an access token"])
async def test_applications_F4_nothing_but_a_hint_of_ours_ends_anything(
    served: Served, browser: Browser, wrong: str
) -> None:
    tokens = await browser.tokens()
    hint, slug = tokens["id_token"], "acme"
    if wrong == "changed":
        hint = f"{hint[:-20]}{'A' * 20}"
    if wrong == "an access token":
        hint = tokens["access_token"]
    if wrong == "of another organization":
        slug = "globex"
    async with a_browser(served) as server:
        url = f"{served.base_url}/{slug}/session/end"
        await server.http.get(url, params={"id_token_hint": hint})
        await server.http.post(url, data={"id_token_hint": hint})
    assert await is_active(served, tokens["access_token"])
    assert await _is_signed_in(browser)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("hinted", [False, True])
async def test_applications_F6_who_cannot_be_led_back_may_sign_out_all_the_same(
    served: Served, browser: Browser, method: str, hinted: bool
) -> None:
    tokens = await browser.tokens()
    asked = {"client_id": "acme-web-basic", "post_logout_redirect_uri": "https://evil.test/x"}
    if hinted:
        asked = asked | {"id_token_hint": tokens["id_token"]}
    url = f"{served.issuer()}/session/end"
    if method == "GET":
        page = await browser.http.get(url, params=asked)
    else:
        posted = await post_across_sites(browser.http, url, data=asked)
        assert tokens["id_token"] not in location(posted)
        page = await browser.http.get(location(posted))
    assert page.status_code == 400
    assert "is not registered" in page.text
    assert "evil.test" not in above_the_footer(page)
    assert await _is_signed_in(browser), "asked first"
    agreed = await _confirm(browser, **hidden_fields(page.text))
    assert _is_success(agreed)
    assert not await _is_signed_in(browser)
    assert not await is_active(served, tokens["access_token"])


async def test_applications_F6_without_a_session_it_is_an_error(
    served: Served, browser: Browser
) -> None:
    answer = await _end(browser, client_id="acme-web-basic",
                        post_logout_redirect_uri="https://evil.test/x")  # fmt: skip
    assert answer.status_code == 400
    assert "xsrf" not in answer.text


async def test_security_14_a_sealed_hint_is_good_for_minutes(
    served: Served, browser: Browser
) -> None:
    tokens = await browser.tokens()
    asked = {"id_token_hint": tokens["id_token"], "client_id": "acme-web-basic",
             "post_logout_redirect_uri": "https://evil.test/x"}  # fmt: skip
    async with a_browser(served) as server:
        page = await _end(server, **asked)
        form = hidden_fields(page.text)
        clock = served.runtime.clock
        served.runtime.clock = lambda: clock() + 601
        try:
            late = await _confirm(server, **form)
        finally:
            served.runtime.clock = clock
        assert late.status_code == 303
        assert await is_active(served, tokens["access_token"])
        for broken in ("", form["hint_seal"][:-1], "x"):
            await _confirm(server, **(form | {"hint_seal": broken}))
            assert await is_active(served, tokens["access_token"])
        await _confirm(server, **form)
    assert not await is_active(served, tokens["access_token"])
    assert not await _is_signed_in(browser)


async def test_tokens_of_every_client_in_the_session_end_with_it(
    served: Served, browser: Browser
) -> None:
    tokens = await browser.tokens()
    redirect_uri = "http://127.0.0.1:9010/callback"
    code = await browser.code(client_id="acme-spa", redirect_uri=redirect_uri)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri,
            "code_verifier": "v" * 43, "client_id": "acme-spa"}  # fmt: skip
    spa = (await served.http.post(f"{served.issuer()}/token", data=form)).json()
    assert (await userinfo(served, spa["access_token"])).status_code == 200
    await _end(browser, id_token_hint=tokens["id_token"])
    assert (await userinfo(served, spa["access_token"])).status_code == 401


async def test_tabs_that_both_began_signed_out_end_up_in_one_session(
    served: Served, browser: Browser
) -> None:
    first, second = await browser.begin(), await browser.begin()
    tokens = []
    form = hidden_fields((await browser.http.get(second)).text)
    form |= {"email": browser.email, "password": browser.password}
    for answer in [
        await browser.submit(first),
        await browser.http.post(f"{second}/login", data=form),
    ]:
        code = (await browser.follow(answer))["code"]
        tokens.append((await post(served, "/token", code_form(code))).json())
    await _end(browser, id_token_hint=tokens[1]["id_token"])
    for each in tokens:
        assert not await is_active(served, each["access_token"])
        assert not await is_active(served, each["refresh_token"])


@pytest.mark.parametrize("asked", [True, False])
async def test_a_logout_is_written_down_once(served: Served, pg: Postgres, asked: bool) -> None:
    user = await add_user(served)
    async with a_browser(served, email=user.email) as theirs:
        tokens = await theirs.tokens()
        hint = {} if asked else {"id_token_hint": tokens["id_token"]}
        answer = await _end(theirs, **hint)
        if asked:
            assert await _logouts(pg, user) == [], "a question is none"
            await _confirm(theirs, **hidden_fields(answer.text))
        await _end(theirs)  # nobody is signed in any more
    assert await _logouts(pg, user) == [(user.organization_id, "127.0.0.1")]


async def _logouts(pg: Postgres, user: User) -> list[tuple[object, ...]]:
    rows = await pg.fetch(
        "SELECT organization_id::text, host(ip_address::inet) FROM audit_log"
        " WHERE event_type = 'user.logout' AND user_id = %(id)s",
        {"id": user.id},
    )
    return [tuple(row) for row in rows]


async def test_somebody_who_was_deleted_is_signed_out(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    user = await add_user(served)
    async with a_browser(served, email=user.email) as theirs:
        tokens = await theirs.tokens()
        await pg.execute("DELETE FROM users WHERE id = %(id)s", {"id": user.id})
        answer = await _end(theirs, id_token_hint=tokens["id_token"])
        assert answer.status_code == 303, answer.text
        assert not await _is_signed_in(theirs)


async def test_other_sessions_of_the_same_person_go_on(served: Served, browser: Browser) -> None:
    tokens = await browser.tokens()
    async with a_browser(served) as elsewhere:
        theirs = await elsewhere.tokens()
        await _end(browser, id_token_hint=tokens["id_token"])
        assert await _is_signed_in(elsewhere)
        assert await is_active(served, theirs["access_token"])
        assert await is_active(served, theirs["refresh_token"])


@pytest.mark.parametrize("hint", ["none", "junk", "another session", "another person", "unsigned"])
async def test_any_other_hint_asks_first(served: Served, browser: Browser, hint: str) -> None:
    own = (await browser.tokens())["id_token"]
    async with a_browser(served) as elsewhere:
        same_person = (await elsewhere.tokens())["id_token"]
        elsewhere.email, elsewhere.password = "bob@acme.test", "brave-walnut-hums-under-rain"
        other_person = (await elsewhere.tokens(prompt="login"))["id_token"]
    head, payload, signature = own.split(".")
    value = {
        "none": None,
        "junk": "junk",
        "another session": same_person,
        "another person": other_person,
        "unsigned": f"{head}.{payload}.{signature[::-1]}",
    }[hint]
    answer = await _end(browser, **({"id_token_hint": value} if value else {}))
    assert answer.status_code == 200
    assert hidden_fields(answer.text)["xsrf"]
    assert await _is_signed_in(browser), "nothing happened yet"


async def test_whoever_agrees_is_signed_out(served: Served, browser: Browser) -> None:
    tokens = await browser.tokens()
    copied, secret = browser.session, browser.secret
    page = await _end(browser, client_id="acme-web-basic", post_logout_redirect_uri=AFTER)
    assert f'href="{AFTER}"' in page.text, "the way back of whoever does not"
    answer = await _confirm(browser, **hidden_fields(page.text))
    assert location(answer) == AFTER
    assert browser.session is None
    assert not await is_active(served, tokens["access_token"])
    async with a_browser(served) as thief:
        thief.wears(copied, secret)
        assert not await _is_signed_in(thief)


async def test_a_form_from_elsewhere_signs_nobody_out(served: Served, browser: Browser) -> None:
    await browser.code()
    async with a_browser(served) as attacker:
        await attacker.code()
        theirs = hidden_fields((await _end(attacker)).text)["xsrf"]
    for xsrf in ("", "x", "A" * 43, theirs, browser.session or ""):
        answer = await _confirm(browser, logout="yes", xsrf=xsrf)
        assert answer.status_code == 403
        assert await _is_signed_in(browser)


async def test_an_older_form_is_of_an_older_session(served: Served, browser: Browser) -> None:
    await browser.code()
    old = hidden_fields((await _end(browser)).text)
    await browser.code(prompt="login")
    assert (await _confirm(browser, **old)).status_code == 403
    assert await _is_signed_in(browser)


@pytest.mark.parametrize("word", ["no", "", "YES", "y"])
async def test_whoever_does_not_agree_stays(served: Served, browser: Browser, word: str) -> None:
    await browser.code()
    form = hidden_fields((await _end(browser)).text) | {"logout": word}
    answer = await _confirm(browser, **form)
    assert answer.status_code < 500
    assert browser.session is not None, "the page does not pretend"
    assert await _is_signed_in(browser)


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.test/",
        "http://127.0.0.1:9009",
        "http://127.0.0.1:9009/x",
        "http://127.0.0.1:9009/?x",
        "HTTP://127.0.0.1:9009/",
        "http://127.0.0.1:9009/\r\nX: y",
        "javascript:alert(1)",
        "//127.0.0.1:9009/",
        "https://board.acme.test/",
    ],
)
async def test_the_way_back_is_registered_byte_for_byte(
    served: Served, browser: Browser, uri: str
) -> None:
    for _ in range(2):  # without a session, then with one
        answer = await _end(browser, client_id="acme-web-basic", post_logout_redirect_uri=uri)
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert uri not in above_the_footer(answer)
        await browser.code()
        page = await _end(browser, client_id="acme-web-basic")
        form = hidden_fields(page.text) | {"post_logout_redirect_uri": uri}
        assert (await _confirm(browser, **form)).status_code == 400
        assert await _is_signed_in(browser)


@pytest.mark.parametrize("client_id", ["nobody", "acme-machine", "inactive"])
async def test_without_a_known_client_there_is_no_way_back(
    served: Served, browser: Browser, client_id: str
) -> None:
    if client_id == "inactive":
        client_id = (await add_client(served, status="inactive")).client_id
    answer = await _end(browser, post_logout_redirect_uri=AFTER, client_id=client_id)
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize("hint", ["", "junk"])
async def test_who_names_no_client_is_signed_out_and_led_nowhere(
    served: Served, browser: Browser, hint: str
) -> None:
    tokens = await browser.tokens()
    page = await _end(browser, post_logout_redirect_uri=AFTER, id_token_hint=hint)
    assert await _is_signed_in(browser), "the person is asked"
    answer = await _confirm(browser, **hidden_fields(page.text))
    assert _is_success(answer)
    assert not await is_active(served, tokens["access_token"])


async def test_the_hint_of_a_client_that_left_leads_nowhere(
    served: Served, browser: Browser
) -> None:
    client = await add_client(served)
    form = code_form(await browser.code(client_id=client.client_id))
    secret = client.client_id * 2
    tokens = (await post(served, "/token", form, client.client_id, secret=secret)).json()
    await served.runtime.storage.everywhere.clients.set_status(
        client.id, client.organization_id, "inactive"
    )
    named = {"client_id": client.client_id, "post_logout_redirect_uri": AFTER}

    async def has_left() -> bool:
        return (await _end(browser, **named)).status_code == 400

    await eventually(has_left)
    answer = await _end(browser, id_token_hint=tokens["id_token"], post_logout_redirect_uri=AFTER)
    assert _is_success(answer)


async def test_client_and_hint_have_to_agree(served: Served, browser: Browser) -> None:
    tokens = await browser.tokens()
    answer = await _end(browser, id_token_hint=tokens["id_token"], client_id="acme-spa")
    assert answer.status_code == 400
    assert await _is_signed_in(browser)


async def test_an_expired_hint_is_a_hint(served: Served, browser: Browser) -> None:
    """RP-Initiated Logout §4: the ID token may be long expired by then."""
    async with configured(served, id_token_ttl=1):
        tokens = await browser.tokens()
    clock = served.runtime.clock
    served.runtime.clock = lambda: clock() + 90
    try:
        answer = await _end(browser, id_token_hint=tokens["id_token"])
    finally:
        served.runtime.clock = clock
    assert _is_success(answer)
    assert not await _is_signed_in(browser)
