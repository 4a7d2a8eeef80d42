"""Set-Login: a browser is told of its own sign-in and sign-out (FedCM, Login Status API)."""

from __future__ import annotations

import httpx

from tests.handlers.flow import begin, hidden, parameters, submit


def _told(answer: httpx.Response) -> list[str]:
    return answer.headers.get_list("Set-Login")


async def _sign_out(http: httpx.AsyncClient, **changes: str) -> httpx.Response:
    page = await http.get("/acme/session/end")
    form = {"xsrf": hidden(page.text, "xsrf"), "logout": "yes"}
    return await http.post("/acme/session/end/confirm", data=form | changes)


async def test_the_answer_that_opens_a_session_says_so_and_no_other(
    http: httpx.AsyncClient,
) -> None:
    path = await begin(http)
    assert _told(await http.get(path)) == []
    assert _told(await submit(http, path, password="wrong horse battery")) == []
    signed_in = await submit(http, path)
    assert (signed_in.status_code, _told(signed_in)) == (303, ["logged-in"])
    assert _told(await http.get(signed_in.headers["Location"])) == []
    assert _told(await http.get("/acme/auth", params=parameters(prompt="none"))) == []


async def test_the_answer_that_ends_it_says_so_and_no_other(http: httpx.AsyncClient) -> None:
    await submit(http, await begin(http))
    asked = await http.get("/acme/session/end")
    assert _told(asked) == [], "asked, and signed in"
    assert _told(await _sign_out(http, xsrf="x" * 43)) == []
    assert _told(await _sign_out(http)) == ["logged-out"]
    assert _told(await http.get("/acme/session/end/success")) == []
    nobody = await http.get("/acme/session/end")
    assert (nobody.status_code, _told(nobody)) == (303, []), "there was no session to end"


async def test_who_ends_the_sessions_of_other_browsers_stays_signed_in(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient
) -> None:
    for browser in (elsewhere, http):
        await submit(browser, await begin(browser))
    page = await http.get("/acme/account/sessions")
    csrf = hidden(
        (page if page.status_code == 200 else await http.get("/acme/account")).text, "_csrf"
    )
    done = await http.post("/acme/account/sessions", data={"_csrf": csrf, "others": "1"})
    assert (done.status_code, _told(done)) == (303, [])
    quiet = await elsewhere.get("/acme/auth", params=parameters(prompt="none"))
    assert "login_required" in quiet.headers["Location"]
    assert _told(quiet) == [], "it is not what this request did"
