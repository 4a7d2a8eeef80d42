"""Sign-out, as a browser meets it (security requirement H)."""

from __future__ import annotations

import httpx
import pytest

from tests.handlers.flow import hidden, parameters, sign_in

BYE = "https://app.example/bye"


async def _asked(http: httpx.AsyncClient, **parameters: str) -> httpx.Response:
    await sign_in(http)
    return await http.get("/acme/session/end", params=parameters)


async def test_a_person_is_asked_first(http: httpx.AsyncClient) -> None:
    page = await _asked(http, client_id="web", post_logout_redirect_uri=BYE, state="s")
    assert page.status_code == 200
    assert 'action="/acme/session/end/confirm"' in page.text
    assert "form-action 'self' https:;" in page.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in page.headers
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
        "porta_session_acme=; Path=/acme;",
        "porta_session_acme=; Path=/interaction;",
    ]
    http.cookies = kept  # a copied cookie is dead as well
    after = await http.get("/acme/auth", params=parameters(prompt="none"))
    assert "error=login_required" in after.headers["Location"]


async def test_who_stays_signed_in_may_go_back_to_the_client(http: httpx.AsyncClient) -> None:
    page = await _asked(http, client_id="web", post_logout_redirect_uri=BYE, state="s")
    back = f'href="{BYE}?state=s"'
    assert back in page.text
    form = {name: hidden(page.text, name) for name in ("xsrf", "post_logout_redirect_uri", "state")}
    again = await http.post("/acme/session/end/confirm", data=form | {"client_id": "web"})
    assert back in again.text, "asked again, whoever did not say yes"
    assert "btn-secondary" not in (await http.get("/acme/session/end")).text, "nowhere to go"


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
    assert "evil.example" not in answer.text


async def test_it_may_be_posted(http: httpx.AsyncClient) -> None:
    answer = await http.post("/acme/session/end", data={"client_id": "web"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/acme/session/end/success")
