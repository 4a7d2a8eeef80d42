"""Sign-in and consent, as a browser meets them (security requirements F.1 to F.4, I.1)."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest

from tests.handlers.flow import answered, begin, csrf, hidden, sign_in, submit
from tests.world.house import EMAIL, PASSWORD

AGAIN = "Please sign in again"


async def test_the_login_page_asks_for_address_and_password(http: httpx.AsyncClient) -> None:
    path = await begin(http, login_hint=" bob@acme.example ")
    page = await http.get(path)
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-store"
    assert f'action="{path}/login"' in page.text
    assert 'value="bob@acme.example"' in page.text
    assert "Acme Ltd." in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "form-action" not in policy
    assert "unsafe-inline" not in policy


@pytest.mark.parametrize(
    ("changes", "header", "language"),
    [
        ({}, "", "en"),
        ({}, "de-CH,de;q=0.9", "de"),
        ({"ui_locales": "de"}, "en", "de"),
        ({"ui_locales": "xx de"}, "en", "de"),
        ({"ui_locales": "xx"}, "xx", "en"),
    ],
)
async def test_it_is_in_the_language_of_the_person(
    http: httpx.AsyncClient, changes: dict[str, str], header: str, language: str
) -> None:
    path = await begin(http, **changes)
    page = await http.get(path, headers={"Accept-Language": header})
    assert page.headers["Content-Language"] == language
    assert f'lang="{language}"' in page.text


async def test_a_right_password_goes_on(http: httpx.AsyncClient) -> None:
    path = await begin(http)
    posted = await submit(http, path)
    assert posted.status_code == 303
    assert posted.content == b""
    uid = path.removeprefix("/interaction/")
    assert urlsplit(posted.headers["Location"]).path == f"/acme/auth/{uid}"
    assert "session_acme=" in posted.headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (EMAIL, "not-this-one"), (EMAIL, ""), ("", ""), ("nobody@acme.example", PASSWORD),
        ("no address", PASSWORD), (EMAIL, "x" * 2000),
    ],
)  # fmt: skip
async def test_a_wrong_one_says_so_and_no_more(
    http: httpx.AsyncClient, email: str, password: str
) -> None:
    posted = await submit(http, await begin(http), email=email, password=password)
    assert posted.status_code == 200
    assert "Set-Cookie" not in posted.headers
    assert 'role="alert"' in posted.text
    assert "password" in posted.text
    assert not password or password not in posted.text


async def test_markup_in_what_was_typed_is_text(http: httpx.AsyncClient) -> None:
    posted = await submit(http, await begin(http), email='"><script>alert(1)</script>')
    assert "<script>alert" not in posted.text
    assert "&lt;script&gt;alert" in posted.text


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "ü"])
async def test_a_form_of_another_interaction_is_refused(
    http: httpx.AsyncClient, token: str
) -> None:
    posted = await submit(http, await begin(http), _csrf=token)
    assert posted.status_code == 403
    assert "Set-Cookie" not in posted.headers
    assert "no longer valid" in posted.text
    assert hidden(posted.text, "_csrf")


@pytest.mark.parametrize(
    ("method", "step"),
    [("GET", ""), ("POST", "/login"), ("GET", "/consent"), ("POST", "/confirm"), ("GET", "/abort")],
)
@pytest.mark.parametrize("cookie", [None, "x", "a" * 43, "a" * 86])
async def test_no_other_browser_gets_in(
    http: httpx.AsyncClient, method: str, step: str, cookie: str | None
) -> None:
    path = await begin(http)
    form = {"_csrf": await csrf(http, path), "email": EMAIL, "password": PASSWORD}
    http.cookies.clear()
    headers = {"Cookie": f"browser_acme={cookie}"} if cookie else {}
    data = form if method == "POST" else None
    answer = await http.request(method, path + step, data=data, headers=headers)
    assert answer.status_code == 400
    assert "Cookies are needed" in answer.text
    assert form["_csrf"] not in answer.text
    assert "Location" not in answer.headers
    assert "Set-Cookie" not in answer.headers


async def test_going_away_is_told_to_the_client(http: httpx.AsyncClient) -> None:
    path = await begin(http)
    left = await http.get(f"{path}/abort")
    assert left.status_code == 303
    answer = await http.get(left.headers["Location"])
    assert answered(answer.headers["Location"])["error"] == "access_denied"


async def test_json_is_no_form(http: httpx.AsyncClient) -> None:
    path = await begin(http)
    posted = await http.post(f"{path}/login", json={"email": EMAIL, "password": PASSWORD})
    assert posted.status_code == 400
    assert posted.headers["Content-Type"] == "text/html; charset=utf-8"


async def test_consent_is_asked_for_a_third_party(http: httpx.AsyncClient) -> None:
    resumed = await sign_in(http, client_id="third", scope="openid email")
    path = resumed.headers["Location"]
    assert path.startswith("/interaction/")
    page = await http.get(path)
    assert "Third" in page.text
    assert "app.example" in page.text
    assert "form-action" not in page.headers["Content-Security-Policy"]
    assert (await http.get(f"{path}/consent")).text == page.text
    form = {"decision": "approve", "_csrf": hidden(page.text, "_csrf")}
    agreed = await http.post(f"{path}/confirm", data=form)
    assert agreed.status_code == 303
    answer = await http.get(agreed.headers["Location"])
    assert "code" in answered(answer.headers["Location"])


@pytest.mark.parametrize("decision", ["deny", "", "Approve", "yes"])
async def test_anything_but_approval_is_refusal(http: httpx.AsyncClient, decision: str) -> None:
    path = (await sign_in(http, client_id="third")).headers["Location"]
    form = {"decision": decision, "_csrf": await csrf(http, path)}
    refused = await http.post(f"{path}/confirm", data=form)
    answer = await http.get(refused.headers["Location"])
    assert answered(answer.headers["Location"])["error"] == "access_denied"


async def test_consent_needs_the_form_of_its_page(http: httpx.AsyncClient) -> None:
    path = (await sign_in(http, client_id="third")).headers["Location"]
    posted = await http.post(f"{path}/confirm", data={"decision": "approve", "_csrf": "x"})
    assert posted.status_code == 403
    assert "no longer valid" in posted.text


async def test_there_is_nothing_to_consent_to_before_a_sign_in(http: httpx.AsyncClient) -> None:
    path = await begin(http, client_id="third")
    asked = await http.get(f"{path}/consent")
    assert (asked.status_code, asked.headers["Location"]) == (303, path)
    form = {"decision": "approve", "_csrf": await csrf(http, path)}
    posted = await http.post(f"{path}/confirm", data=form)
    assert (posted.status_code, posted.headers["Location"]) == (303, path)


async def test_guessing_is_slowed_down(http: httpx.AsyncClient) -> None:
    path = await begin(http)
    for _ in range(10):
        await submit(http, path, email="guessed@acme.example", password="wrong")
    posted = await submit(http, path, email="guessed@acme.example", password="wrong")
    assert posted.status_code == 429
    assert int(posted.headers["Retry-After"]) > 0
    assert 'role="alert"' in posted.text


async def _again(http: httpx.AsyncClient, **changes: str) -> str:
    """Return the login page that somebody who is signed in is asked by."""
    return (await http.get(await begin(http, **changes))).text


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}])
async def test_who_is_signed_in_is_told_why_to_sign_in_again(
    http: httpx.AsyncClient, changes: dict[str, str]
) -> None:
    first = await _again(http, **changes)
    assert AGAIN not in first
    assert f'value="{EMAIL}"' not in first
    await sign_in(http)
    page = await _again(http, **changes)
    assert AGAIN in page
    assert f'value="{EMAIL}"' in page
    hinted = await _again(http, login_hint="bob@acme.example", **changes)
    assert AGAIN in hinted
    assert 'value="bob@acme.example"' in hinted
    assert EMAIL not in hinted


async def test_who_is_to_choose_an_account_is_not_asked_for_the_same(
    http: httpx.AsyncClient,
) -> None:
    await sign_in(http)
    page = await _again(http, prompt="login select_account")
    assert AGAIN not in page
    assert EMAIL not in page


async def test_who_is_to_choose_an_account_may_go_on_as_they_are_or_as_somebody_else(
    http: httpx.AsyncClient,
) -> None:
    await sign_in(http)
    page = await _again(http, prompt="select_account")
    assert AGAIN not in page
    assert EMAIL in page
    assert "account=other" in page
    assert 'name="password"' not in page


async def test_an_error_stands_in_place_of_the_reason(http: httpx.AsyncClient) -> None:
    await sign_in(http)
    posted = await submit(http, await begin(http, prompt="login"), password="wrong")
    assert AGAIN not in posted.text
    assert 'role="alert"' in posted.text


@pytest.mark.parametrize("step", ["login", "confirm"])
async def test_a_form_that_is_asked_for_by_its_address_is_the_page_it_came_from(
    http: httpx.AsyncClient, step: str
) -> None:
    path = await begin(http)
    reloaded = await http.get(f"{path}/{step}")
    assert (reloaded.status_code, reloaded.headers["Location"]) == (303, path)
    path = (await sign_in(http, client_id="third")).headers["Location"]
    reloaded = await http.get(f"{path}/{step}")
    assert (reloaded.status_code, reloaded.headers["Location"]) == (303, path)
    http.cookies.clear()
    assert (await http.get(f"{path}/{step}")).status_code == 400
