"""Sign-out, as a browser meets it (security requirement H)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.handlers.flow import hidden, parameters, redeem, sign_in
from tests.world.answers import above_the_footer
from tests.world.served import post_across_sites

BYE = "https://app.example/bye"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def _asked(http: httpx.AsyncClient, **parameters: str) -> httpx.Response:
    await sign_in(http)
    return await http.get("/acme/session/end", params=parameters)


async def test_a_person_is_asked_first(http: httpx.AsyncClient) -> None:
    page = await _asked(http, client_id="web", post_logout_redirect_uri=BYE, state="s")
    assert page.status_code == 200
    assert 'action="/acme/session/end/confirm"' in page.text
    assert "form-action" not in page.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in page.headers
    still = await http.get("/acme/auth", params=parameters(prompt="none"))
    assert "code=" in still.headers["Location"]


async def test_head_signs_nobody_out(http: httpx.AsyncClient) -> None:
    hint = (await redeem(http))["id_token"]
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": BYE}
    head = await http.head("/acme/session/end", params=asked)
    assert (head.status_code, head.headers["Allow"]) == (405, "GET, POST")
    assert "Set-Cookie" not in head.headers
    still = await http.get("/acme/auth", params=parameters(prompt="none"))
    assert "code=" in still.headers["Location"]


async def test_who_agrees_is_signed_out_and_sent_to_the_client(http: httpx.AsyncClient) -> None:
    page = await _asked(http, client_id="web", post_logout_redirect_uri=BYE, state="s")
    form = {
        name: hidden(page.text, name)
        for name in ("xsrf", "logout", "client_id", "post_logout_redirect_uri", "state")
    }
    kept = httpx.Cookies(http.cookies)
    answer = await http.post("/acme/session/end/confirm", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{BYE}?state=s")
    taken = answer.headers.get_list("Set-Cookie")
    assert [cookie.partition(" Max-Age=0;")[0] for cookie in taken] == [
        "session_acme=; Path=/acme;",
        "session_acme=; Path=/interaction;",
    ]
    http.cookies = kept  # a copied cookie is dead as well
    after = await http.get("/acme/auth", params=parameters(prompt="none"))
    assert "error=login_required" in after.headers["Location"]


async def test_who_stays_signed_in_may_go_back_to_the_client(http: httpx.AsyncClient) -> None:
    page = await _asked(http, client_id="web", post_logout_redirect_uri=BYE, state="s")
    back = f'href="{BYE}"'
    assert back in page.text, "without the state, which tells of a finished logout"
    form = {name: hidden(page.text, name) for name in ("xsrf", "post_logout_redirect_uri", "state")}
    again = await http.post("/acme/session/end/confirm", data=form | {"client_id": "web"})
    assert back in again.text, "asked again, whoever did not say yes"
    page = await http.get("/acme/session/end")
    assert 'class="btn-secondary" href="/acme"' in page.text, "of no client: the organization's"


async def test_without_a_client_there_is_a_page(http: httpx.AsyncClient) -> None:
    page = await _asked(http)
    form = {"xsrf": hidden(page.text, "xsrf"), "logout": "yes"}
    answer = await http.post("/acme/session/end/confirm", data=form)
    assert answer.headers["Location"] == "/acme/session/end/success"
    assert (await http.get(answer.headers["Location"])).status_code == 200


@pytest.mark.parametrize("xsrf", ["", "x", "a" * 43])
async def test_a_form_from_elsewhere_signs_nobody_out(http: httpx.AsyncClient, xsrf: str) -> None:
    await _asked(http)
    answer = await http.post("/acme/session/end/confirm", data={"xsrf": xsrf, "logout": "yes"})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers
    still = await http.get("/acme/auth", params=parameters(prompt="none"))
    assert "code=" in still.headers["Location"]


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "web", "post_logout_redirect_uri": "https://evil.example/"},
        {"client_id": "web", "post_logout_redirect_uri": BYE + "/"},
    ],
)
async def test_a_bad_request_is_a_page_that_leads_nowhere(
    http: httpx.AsyncClient, changes: dict[str, str]
) -> None:
    answer = await _asked(http, **changes)
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert "evil.example" not in above_the_footer(answer)


async def test_nothing_may_be_asked_twice(http: httpx.AsyncClient) -> None:
    twice = "resource=https://a&resource=https://b"
    assert (await http.get(f"/acme/session/end?{twice}")).status_code == 400
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for path in ("/acme/session/end", "/acme/session/end/confirm"):
        assert (await http.post(path, content=twice, headers=headers)).status_code == 400


async def test_it_may_be_posted(http: httpx.AsyncClient) -> None:
    await sign_in(http)
    page = await http.post(
        "/acme/session/end", params={"client_id": "web"}, data={"post_logout_redirect_uri": BYE}
    )
    assert page.status_code == 200
    assert hidden(page.text, "post_logout_redirect_uri") == BYE


@pytest.mark.parametrize("path", ["/acme/session/end", "/acme/session/end/confirm"])
async def test_another_website_cannot_take_the_cookie_away(
    http: httpx.AsyncClient, path: str
) -> None:
    """Such a POST brings no cookie of SameSite=Lax, the GET that follows it does."""
    await sign_in(http)
    form = {"client_id": "web", "post_logout_redirect_uri": BYE, "state": "a b", "logout": "yes"}
    answer = await post_across_sites(http, path, data=form | {"xsrf": "x", "ui_locales": "de"})
    assert answer.status_code == 303
    assert "Set-Cookie" not in answer.headers
    asked = httpx.URL(answer.headers["Location"])
    assert asked.path == "/acme/session/end"
    assert dict(asked.params) == {
        "client_id": "web", "post_logout_redirect_uri": BYE, "state": "a b", "ui_locales": "de"
    }  # fmt: skip
    page = await http.get(str(asked))
    assert (page.status_code, hidden(page.text, "state")) == (200, "a b")
    still = await http.get("/acme/auth", params=parameters(prompt="none"))
    assert "code=" in still.headers["Location"]


@pytest.mark.parametrize("path", ["/acme/session/end", "/acme/session/end/confirm"])
async def test_nobody_signed_in_is_led_on_in_two_steps(http: httpx.AsyncClient, path: str) -> None:
    form = {"client_id": "web", "post_logout_redirect_uri": BYE, "state": "s"}
    posted = await http.post(path, data=form)
    left = await http.get(posted.headers["Location"])
    assert (left.status_code, left.headers["Location"]) == (303, f"{BYE}?state=s")
    plain = await http.get((await http.post(path, data={"logout": "yes"})).headers["Location"])
    assert plain.headers["Location"] == "/acme/session/end/success"
    assert not [a for a in (posted, left, plain) if "Set-Cookie" in a.headers]


async def test_query_and_body_stay_one_request(http: httpx.AsyncClient) -> None:
    query, body = {"client_id": "web"}, {"state": "s"}
    answer = await http.post("/acme/session/end", params=query, data=body)
    assert dict(httpx.URL(answer.headers["Location"]).params) == query | body
    twice = await http.post("/acme/session/end", params=query, data=body | query)
    assert twice.status_code == 400


@pytest.mark.parametrize("path", ["/acme/session/end", "/acme/session/end/confirm"])
@pytest.mark.parametrize(
    "sent",
    [
        {"data": {"state": "x" * 4097}},
        {"content": "state=1&state=2", "headers": FORM},
        {"json": {"state": "s"}},
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_not_passed_on(
    http: httpx.AsyncClient, path: str, sent: dict[str, Any]
) -> None:
    answer = await http.post(path, **sent)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


async def test_a_form_of_an_older_session_asks_again(http: httpx.AsyncClient) -> None:
    page = await _asked(http, client_id="web", post_logout_redirect_uri=BYE, state="s")
    form = {
        name: hidden(page.text, name)
        for name in ("xsrf", "logout", "client_id", "post_logout_redirect_uri", "state")
    }
    await sign_in(http, prompt="login")
    again = await http.post("/acme/session/end/confirm", data=form)
    assert (again.status_code, "Set-Cookie" in again.headers) == (403, False)
    assert "This form was no longer valid" in again.text
    assert "form-action" not in again.headers["Content-Security-Policy"]
    fresh = form | {"xsrf": hidden(again.text, "xsrf")}
    assert fresh != form
    answer = await http.post("/acme/session/end/confirm", data=fresh)
    assert answer.headers["Location"] == f"{BYE}?state=s"


async def test_it_speaks_the_language_that_was_asked_for(http: httpx.AsyncClient) -> None:
    page = await _asked(http, ui_locales="xx de", post_logout_redirect_uri="https://x.example/")
    assert page.headers["Content-Language"] == "de"
    form = {name: hidden(page.text, name) for name in ("xsrf", "logout", "ui_locales")}
    stale = await http.post("/acme/session/end/confirm", data=form | {"xsrf": "x"})
    assert stale.headers["Content-Language"] == "de"
    answer = await http.post("/acme/session/end/confirm", data=form)
    assert answer.headers["Location"] == "/acme/session/end/success?ui_locales=xx%20de"
    done = await http.get(answer.headers["Location"])
    assert (done.headers["Content-Language"], "Sie sind abgemeldet" in done.text) == ("de", True)


@pytest.mark.parametrize(
    ("query", "language"),
    [
        ("ui_locales=de&client_id=web&post_logout_redirect_uri=https://evil.example/", "de"),
        ("ui_locales=de&state=1&state=2", "de"),
        ("ui_locales=de&ui_locales=de", "en"),
        ("ui_locales=de&state=%", "de"),
        ("ui_locales=%FF", "en"),
        ("ui_locales=" + "de%20" * 300, "de"),
    ],
)
async def test_an_error_does_too_however_malformed_the_request(
    http: httpx.AsyncClient, query: str, language: str
) -> None:
    for answer in (
        await http.get(f"/acme/session/end?{query}"),
        await http.post("/acme/session/end", content=query, headers=FORM),
        await http.post(f"/acme/session/end?{query}", content="%", headers=FORM),
    ):
        while answer.is_redirect:  # who posts may have cookies that only a GET shows
            answer = await http.get(answer.headers["Location"])
        assert (answer.status_code, answer.headers["Content-Language"]) == (400, language)


async def test_a_way_back_that_nobody_vouches_for_is_dropped(http: httpx.AsyncClient) -> None:
    """RP-Initiated Logout §3: then there is no redirect. The person may sign out all the same."""
    evil = {"post_logout_redirect_uri": "https://evil.example/", "state": "s"}
    nobody = await http.get("/acme/session/end", params=evil)
    assert nobody.headers["Location"] == "/acme/session/end/success"
    page = await _asked(http, **evil, id_token_hint="cannot.be.read")
    assert page.status_code == 200
    assert "evil.example" not in above_the_footer(page)
    assert "form-action" not in page.headers["Content-Security-Policy"]
    form = {"xsrf": hidden(page.text, "xsrf"), "logout": "yes"}
    answer = await http.post("/acme/session/end/confirm", data=form | evil)
    assert answer.headers["Location"] == "/acme/session/end/success"
    assert "Max-Age=0" in answer.headers["Set-Cookie"]


async def test_a_reload_of_the_forms_address_begins_anew(http: httpx.AsyncClient) -> None:
    answer = await http.get("/acme/session/end/confirm")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/acme/session/end")


async def test_a_dead_cookie_is_taken_away(http: httpx.AsyncClient) -> None:
    dead = {"Cookie": "session_acme=" + "a" * 43}
    for answer in (
        await http.get("/acme/session/end", headers=dead),
        await http.post("/acme/session/end", data={"state": "s"}, headers=dead),
        await http.post("/acme/session/end/confirm", data={"xsrf": "x"}, headers=dead),
    ):
        assert answer.headers["Location"] == "/acme/session/end/success"
        assert "Max-Age=0" in answer.headers["Set-Cookie"]
