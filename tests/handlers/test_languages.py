"""The language menu: what a person chooses there comes before all else, and lasts (people 22)."""

from __future__ import annotations

import html
import re
from urllib.parse import urlencode

import httpx
import pytest

from tests.handlers.flow import begin, csrf, parameters, submit

ENGLISH = {"Accept-Language": "en"}
HTML = {"Accept": "text/html"}


def language(answer: httpx.Response) -> str:
    """Return the language of a page, which its header and its document agree on."""
    told = answer.headers["Content-Language"]
    assert f'<html lang="{told}"' in answer.text
    return str(told)


def choice(answer: httpx.Response, wanted: str = "de") -> str:
    """Return where the menu of a page leads for another language: a form, sent by GET."""
    menu = re.findall(r'<details class="languages">.*?</details>', answer.text, re.DOTALL)
    assert len(menu) == 1, answer.text
    assert f'<button class="btn-inline" name="lang" value="{wanted}" lang="{wanted}">' in menu[0]
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', menu[0])
    sent = [(html.unescape(name), html.unescape(value)) for name, value in fields]
    return str(answer.url.copy_with(query=urlencode([*sent, ("lang", wanted)]).encode()))


async def test_people_22_a_choice_survives_the_interaction(http: httpx.AsyncClient) -> None:
    path = await begin(http, ui_locales="en", client_id="third")
    page = await http.get(path, headers=ENGLISH)
    assert language(page) == "en"
    german = await http.get(choice(page), headers=ENGLISH)
    assert language(german) == "de"
    assert german.headers.get_list("Set-Cookie") == [
        "language=de; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
    ]
    assert language(await http.get(path, headers=ENGLISH)) == "de"
    wrong = await submit(http, path, password="wrong")
    assert language(wrong) == "de"
    resumed = await http.get((await submit(http, path)).headers["Location"])
    consent = await http.get(resumed.headers["Location"], headers=ENGLISH)
    assert language(consent) == "de"
    assert language(await http.get("/acme/session/end", headers=ENGLISH)) == "de"
    assert language(await http.get("/", headers=ENGLISH)) == "de"
    back = await http.get(choice(consent, "en"), headers=ENGLISH)
    assert language(back) == "en"
    assert language(await http.get(path, headers=ENGLISH)) == "en"


async def test_a_choice_after_a_wrong_password_leads_to_the_page_again(
    http: httpx.AsyncClient,
) -> None:
    path = await begin(http)
    wrong = await submit(http, path, password="wrong")
    answer = await http.get(choice(wrong))
    assert answer.status_code == 303
    assert answer.headers["Location"] == path
    assert language(await http.get(path)) == "de"


@pytest.mark.parametrize(
    "path",
    [
        "/acme/auth?" + str(httpx.QueryParams(parameters(redirect_uri="https://evil.example/"))),
        "/acme/auth?client_id=%3Cscript%3E&x='\"&lang=en",
        "/nobody/auth?a=1&lang=xx&b=2",
        "/suspended/auth",
        "/interaction/gone",
        "/acme/session/end/success",
        "/",
    ],
)
async def test_every_page_that_can_be_asked_for_again_has_the_menu(
    http: httpx.AsyncClient, path: str
) -> None:
    page = await http.get(path, headers=ENGLISH | HTML)
    assert language(page) == "en"
    where = choice(page)
    assert where.count("lang=") == 1
    asked = httpx.URL(path).params.remove("lang")
    assert dict(httpx.URL(where).params) == {**dict(asked), "lang": "de"}
    german = await http.get(where, headers=ENGLISH | HTML)
    assert (language(german), german.status_code) == ("de", page.status_code)
    assert "<script>" not in german.text


async def test_a_long_query_stands_in_a_page_once(http: httpx.AsyncClient) -> None:
    long = "x" * 2900
    page = await http.get(f"/?state={long}", headers=ENGLISH | HTML)
    assert page.text.count(long) == 1
    assert len(page.content) < 30_000
    assert httpx.URL(choice(page)).params["state"] == long
    many = await http.get("/?" + "a=&" * 41, headers=ENGLISH | HTML)
    assert 'class="languages"' not in many.text


async def test_what_cannot_be_asked_for_again_has_no_menu(http: httpx.AsyncClient) -> None:
    page = await http.post("/acme/auth", data={"client_id": "nobody"}, headers=HTML)
    assert page.status_code == 400
    assert 'class="languages"' not in page.text


async def test_a_response_that_is_posted_has_no_menu(http: httpx.AsyncClient) -> None:
    path = await begin(http, response_mode="form_post")
    page = await http.get((await submit(http, path)).headers["Location"])
    assert 'id="form-post"' in page.text
    assert 'class="languages"' not in page.text
    assert 'class="footer"' in page.text


@pytest.mark.parametrize(
    "chosen", ["xx", "de%0d%0aX:y", "de&lang=de", "", "DE", "d" * 5000, "%ff", "de;Path=/x"]
)
async def test_nothing_but_a_language_of_the_pages_is_remembered(
    http: httpx.AsyncClient, chosen: str
) -> None:
    answer = await http.get(f"/?lang={chosen}", headers=ENGLISH)
    assert language(answer) == "en"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("value", ["xx", "<script>", "de; language=en", "d" * 600])
async def test_a_cookie_that_is_none_of_ours_counts_for_nothing(
    http: httpx.AsyncClient, value: str
) -> None:
    answer = await http.get("/", headers=ENGLISH | {"Cookie": f"language={value}"})
    assert language(answer) == "en"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_another_site_chooses_no_language_for_later(
    http: httpx.AsyncClient, site: str
) -> None:
    answer = await http.get("/?lang=de", headers=ENGLISH | {"Sec-Fetch-Site": site})
    assert language(answer) == "de"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("site", ["same-origin", "none"])
async def test_a_person_chooses_for_later(http: httpx.AsyncClient, site: str) -> None:
    answer = await http.get("/?lang=de", headers=ENGLISH | {"Sec-Fetch-Site": site})
    assert answer.headers["Set-Cookie"].startswith("language=de; ")


async def test_ui_locales_of_a_client_is_not_remembered(http: httpx.AsyncClient) -> None:
    path = await begin(http, ui_locales="de")
    page = await http.get(path, headers=ENGLISH)
    assert language(page) == "de"
    assert "Set-Cookie" not in page.headers
    assert language(await http.get("/", headers=ENGLISH)) == "en"


async def test_a_form_is_good_after_another_language_was_chosen(http: httpx.AsyncClient) -> None:
    path = await begin(http)
    token = await csrf(http, path)
    german = await http.get(f"{path}?lang=de")
    assert f'value="{token}"' in german.text
