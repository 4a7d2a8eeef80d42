"""The authorization endpoint against requests that want more than they may have."""

from __future__ import annotations

import base64
import json
import socket
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx
import pytest

from tests.world.answers import above_the_footer, claims_of, hidden_fields, location, query_of
from tests.world.browser import (
    CHALLENGE,
    GOOD,
    Browser,
    a_browser,
    add_client,
    code_form,
    post,
    refresh_form,
    refusal,
)
from tests.world.served import CALLBACK, Served

NATIVE = {"client_id": "acme-native", "scope": "openid"}


async def _error(browser: Browser, **changes: str | None) -> str:
    """Return the error that arrives at the client, and check what belongs to every error."""
    answer = await browser.authorize(**changes)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"{CALLBACK}?")
    arrived = query_of(answer)
    assert arrived["iss"] == browser.served.issuer()
    assert arrived.get("state") == changes.get("state", GOOD["state"])
    assert "code" not in arrived
    return arrived["error"]


def _is_a_page_that_leads_nowhere(answer: httpx.Response, uri: str) -> None:
    assert answer.status_code == 400, answer.headers
    assert answer.headers["content-type"].startswith("text/html")
    assert "location" not in answer.headers
    assert "refresh" not in answer.headers
    assert not uri or uri not in above_the_footer(answer)
    assert "http-equiv" not in answer.text


@pytest.mark.parametrize(
    "uri",
    [
        f"{CALLBACK}/",
        f"{CALLBACK}?x=1",
        f"{CALLBACK}?",
        f"{CALLBACK}#",
        f"{CALLBACK}#x",
        f"{CALLBACK}%20",
        f"{CALLBACK} ",
        f" {CALLBACK}",
        f"{CALLBACK};x",
        f"{CALLBACK}/../callback",
        f"{CALLBACK}/..;/evil",
        "http://127.0.0.1:9009/./callback",
        "http://127.0.0.1:9009//callback",
        "http://127.0.0.1:9009/Callback",
        "http://127.0.0.1:9009/%63allback",
        "HTTP://127.0.0.1:9009/callback",
        "https://127.0.0.1:9009/callback",
        "http://127.0.0.1:9008/callback",
        "http://127.0.0.1/callback",
        "http://127.0.0.1.evil.test:9009/callback",
        "http://127.1:9009/callback",
        "http://2130706433:9009/callback",
        "http://[::ffff:127.0.0.1]:9009/callback",
        "http://evil.test@127.0.0.1:9009/callback",
        "http://127.0.0.1:9009@evil.test/callback",
        "http://127.0.0.1:9009\\@evil.test/callback",
        "http://evil.test/?u=http://127.0.0.1:9009/callback",
        "http://evil.test/#http://127.0.0.1:9009/callback",
        "//127.0.0.1:9009/callback",
        "/callback",
        "callback",
        "https://app.acme.test:443/callback",
        "https://APP.acme.test/callback",
        "https://app.acme.test./callback",
        "https://app.acme.test/callback\u200b",
        "https://аpp.acme.test/callback",
        "https://xn--pp-6kc.acme.test/callback",
        "https://board.acme.test/callback",
        "javascript:alert(1)//http://127.0.0.1:9009/callback",
        "data:text/html,x",
        "http://127.0.0.1:9009/callback\r\nSet-Cookie: a=b",
        "http://127.0.0.1:9009/callback\x00",
        f"{CALLBACK}\n",
        CALLBACK + "x" * 3000,
        "*",
        "",
    ],
)
async def test_a_redirect_uri_is_registered_byte_for_byte(browser: Browser, uri: str) -> None:
    _is_a_page_that_leads_nowhere(await browser.authorize(redirect_uri=uri), uri)
    quiet = await browser.authorize(redirect_uri=uri, prompt="none")
    _is_a_page_that_leads_nowhere(quiet, uri)


@pytest.mark.parametrize("missing", ["client_id", "redirect_uri"])
async def test_without_a_client_or_redirect_uri_there_is_nobody_to_answer(
    browser: Browser, missing: str
) -> None:
    _is_a_page_that_leads_nowhere(await browser.authorize(**{missing: None}), CALLBACK)


@pytest.mark.parametrize(
    "client_id",
    ["nobody", "ACME-WEB-BASIC", "acme-web-basic ", "acme-web-basic\x00", "acme-machine", "x" * 300,
     "../acme-web-basic", "acme-web%2dbasic", "' OR 1=1 --"],
)  # fmt: skip
async def test_an_unknown_client_is_a_page(browser: Browser, client_id: str) -> None:
    _is_a_page_that_leads_nowhere(await browser.authorize(client_id=client_id), CALLBACK)


@pytest.mark.parametrize(
    ("uri", "taken"),
    [
        ("http://127.0.0.1:1/callback", True),
        ("http://127.0.0.1:65535/callback", True),
        ("http://[::1]:4711/callback", True),
        ("http://127.0.0.1/callback", True),
        ("com.example.app:/callback", True),
        ("http://localhost:4711/callback", False),  # of which there is none without a port
        ("http://127.0.0.2:4711/callback", False),
        ("http://127.0.0.1:4711/callback/", False),
        ("http://127.0.0.1:4711/callback?x", False),
        ("http://127.0.0.1:123456/callback", False),
        ("http://127.0.0.1:/callback", False),
        ("http://127.0.0.1:-1/callback", False),
        ("http://127.0.0.1:80@evil.test/callback", False),
        ("https://127.0.0.1:4711/callback", False),
        ("COM.example.app:/callback", False),
        ("com.example.app://callback", False),
    ],
)
async def test_only_the_port_of_a_native_clients_loopback_may_differ(
    browser: Browser, uri: str, taken: bool
) -> None:
    answer = await browser.authorize(**NATIVE, redirect_uri=uri)
    assert answer.status_code == (303 if taken else 400)


@pytest.mark.parametrize(
    "name",
    [*GOOD, "nonce", "prompt", "max_age", "claims", "response_mode", "login_hint", "request"],
)
async def test_a_parameter_given_twice_is_refused(browser: Browser, name: str) -> None:
    once = GOOD | {"nonce": "n", "prompt": "login", "max_age": "1", "claims": "{}",
                   "response_mode": "query", "login_hint": "a@b.test", "request": "x"}  # fmt: skip
    query = urlencode(GOOD) + f"&{name}={quote(once[name])}" * (1 if name in GOOD else 2)
    answer = await browser.http.get(f"{browser.served.issuer()}/auth?{query}")
    if name in ("client_id", "redirect_uri"):
        _is_a_page_that_leads_nowhere(answer, CALLBACK)
    else:
        assert query_of(answer)["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("token", "unsupported_response_type"),
        ("id_token", "unsupported_response_type"),
        ("code token", "unsupported_response_type"),
        ("code id_token", "unsupported_response_type"),
        ("none", "unsupported_response_type"),
        ("CODE", "unsupported_response_type"),
        ("code code", "unsupported_response_type"),
        (None, "invalid_request"),
        ("", "invalid_request"),
    ],
)
async def test_only_the_code_flow(browser: Browser, value: str | None, error: str) -> None:
    assert await _error(browser, response_type=value) == error


@pytest.mark.parametrize(
    "pkce",
    [
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": "v" * 42},
        {"code_challenge": "v" * 44},
        {"code_challenge": "v" * 129},
        {"code_challenge": "=" * 43},
        {"code_challenge": "ü" * 43},
        {"code_challenge": CHALLENGE[:-1] + "+"},
    ],
)
async def test_pkce_is_s256_of_everybody(browser: Browser, pkce: dict[str, str | None]) -> None:
    assert await _error(browser, **pkce) == "invalid_request"


@pytest.mark.parametrize("scope", ["phone", "phone contacts:write", "admin", 'open"id', "a\\x"])
async def test_a_request_for_scopes_of_others_alone_is_refused(
    browser: Browser, scope: str
) -> None:
    answer = await browser.authorize(
        client_id="acme-spa", redirect_uri="http://127.0.0.1:9010/callback", scope=scope
    )
    assert query_of(answer)["error"] == "invalid_scope"


async def test_B27_the_same_text_works_everywhere(served: Served, browser: Browser) -> None:
    """A client may send scopes that it is not registered for, known here or not, wherever it
    sends any: they are granted nowhere.
    """
    client = await add_client(served, scope="openid email offline_access")
    scope = "openid admin OPENID phone crm:contacts:read * offline_access contacts:write"
    me: dict[str, Any] = {"client_id": client.client_id, "secret": client.client_id * 2}
    names = {"client_id": client.client_id, "scope": scope}
    pushed = (await post(served, "/request", GOOD | names, **me)).json()
    for asked in (names, {"client_id": client.client_id, "request_uri": pushed["request_uri"]}):
        answer = await post(served, "/token", code_form(await browser.code(**asked)), **me)
        assert set(answer.json()["scope"].split()) == {"openid", "offline_access"}
        again = refresh_form(answer.json()["refresh_token"], scope=scope)
        for tokens in (answer.json(), (await post(served, "/token", again, **me)).json()):
            assert set(tokens["scope"].split()) == {"openid", "offline_access"}
            told = set(claims_of(tokens["access_token"])["scope"].split())
            assert told == {"openid", "offline_access"}


async def test_B27_a_machine_may_ask_for_more_than_it_gets(served: Served) -> None:
    form = {"grant_type": "client_credentials", "scope": "contacts:read unheard-of"}
    answer = await post(served, "/token", form, "acme-machine")
    assert answer.json()["scope"] == "contacts:read"


@pytest.mark.parametrize("other", ["phone", "openid", "offline_access", "phone unheard-of"])
async def test_succession_A11_what_exists_and_is_not_the_machines_is_refused(
    served: Served, other: str
) -> None:
    for scope in (f"contacts:read {other}", f"{other} contacts:read"):
        form = {"grant_type": "client_credentials", "scope": scope}
        answer = await post(served, "/token", form, "acme-machine")
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
        assert other.split()[0] in answer.json()["error_description"]


@pytest.mark.parametrize("scope", ["unheard-of", "x:y OPENID", "contacts:delete"])
async def test_succession_A11_a_machine_may_send_what_nobody_knows(
    served: Served, scope: str
) -> None:
    """It is told that nothing of it was granted (RFC 6749 §5.1), and gets a token all the same."""
    form = {"grant_type": "client_credentials", "scope": scope}
    answer = await post(served, "/token", form, "acme-machine")
    assert (answer.status_code, answer.json()["scope"]) == (200, "")
    told = await post(
        served, "/token/introspection", {"token": answer.json()["access_token"]}, "acme-machine"
    )
    assert told.json()["active"] is True
    assert not told.json().get("scope")
    refused = await post(served, "/token", form | {"scope": f"{scope} phone"}, "acme-machine")
    assert refused.json()["error"] == "invalid_scope"


@pytest.mark.parametrize("prompt", ["create", "NONE", "create x", "login create"])
async def test_B32_unknown_prompts_are_ignored(
    served: Served, browser: Browser, prompt: str
) -> None:
    """Core §3.1.2.1: what is left of them counts."""
    await browser.sign_in()
    pushed = (await post(served, "/request", GOOD | {"prompt": prompt})).json()["request_uri"]
    for asked in ({"prompt": prompt}, {"request_uri": pushed}):
        leads = location(await browser.authorize(**asked))
        assert ("/interaction/" in leads) is ("login" in prompt), leads
        assert ("code=" in leads) is ("login" not in prompt), leads


@pytest.mark.parametrize(
    "changes",
    [{"scope": "nonsense"}, {"scope": "admin OPENID"}, {"scope": "contacts:read", "resource": "+"}],
)
async def test_a_request_of_which_no_scope_is_left_is_refused(
    served: Served, browser: Browser, changes: dict[str, str]
) -> None:
    """A token that says nothing of its scope has the one that was asked for (RFC 6749 §5.1)."""
    if "resource" in changes:  # userinfo knows nothing of contacts
        changes = changes | {"resource": served.issuer()}
    assert await _error(browser, **changes) == "invalid_scope"
    assert refusal(await post(served, "/request", GOOD | changes)) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "none create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1e3"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"max_age": "9" * 30}, "invalid_request"),
        ({"display": "tv"}, "invalid_request"),
        ({"response_mode": "jwt"}, "invalid_request"),
        ({"response_mode": "query.jwt"}, "invalid_request"),
        ({"response_mode": "web_message"}, "invalid_request"),
        ({"id_token_hint": "x"}, "invalid_request"),
        ({"id_token_hint": "x" * 8000}, "invalid_request"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
        ({"request_uri": "https://evil.test/request.jwt"}, "request_uri_not_supported"),
        ({"request_uri": "http://169.254.169.254/"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"claims": "["}, "invalid_request"),
        ({"claims": "[]"}, "invalid_request"),
        ({"claims": '{"id_token":[]}'}, "invalid_request"),
        ({"claims": '{"userinfo":{"email":{"essential":1}}}'}, "invalid_request"),
        ({"claims": "[" * 4000}, "invalid_request"),
        ({"claims": '{"userinfo":' * 33 + "{}" + "}" * 33}, "invalid_request"),
        ({"nonce": "n" * 1025}, "invalid_request"),
        ({"ui_locales": "x" * 257}, "invalid_request"),
        ({"acr_values": "x" * 513}, "invalid_request"),
        ({"login_hint": "x" * 321}, "invalid_request"),
        ({"login_hint": "a\x00b"}, "invalid_request"),
        ({"scope": "openid\topenid"}, "invalid_request"),
        ({"nonce": "n\r\nX: y"}, "invalid_request"),
        ({"unknown": "\x01"}, "invalid_request"),
        ({"login_hint": "x" * 9000}, "invalid_request"),
        ({str(n): "x" for n in range(100)}, "invalid_request"),
    ],
)
async def test_what_is_malformed_or_not_supported_is_told_to_the_client(
    browser: Browser, changes: dict[str, str], error: str
) -> None:
    answer = await browser.authorize(**changes)
    assert query_of(answer)["error"] == error
    assert query_of(answer)["state"] == GOOD["state"]


@pytest.mark.parametrize(
    "state",
    ["", " ", "a b+c", "%2520", "<script>", "\"'&=#?", "ü€😀", "s" * 2800, "a=b&iss=evil&code=x"],
)
async def test_the_state_comes_back_as_it_was(browser: Browser, state: str) -> None:
    answer = await browser.authorize(prompt="none", state=state)
    pairs = parse_qsl(urlsplit(answer.headers["location"]).query, strict_parsing=True)
    assert [value for name, value in pairs if name == "state"] == ([state] if state else [])
    assert [value for name, value in pairs if name == "iss"] == [browser.served.issuer()]
    assert [name for name, _ in pairs].count("code") == 0


async def test_nothing_named_in_a_request_is_fetched(browser: Browser) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.3)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/x"
        header = base64.urlsafe_b64encode(json.dumps({"alg": "ES256", "jku": url, "x5u": url,
                                                      "kid": url}).encode()).decode()  # fmt: skip
        for changes in (
            {"request_uri": url},
            {"request": f"{header}.e30.x"},
            {"id_token_hint": f"{header.rstrip('=')}.e30.eA"},
            {"registration": json.dumps({"jwks_uri": url, "logo_uri": url})},
            {"resource": url},
        ):
            await browser.authorize(**changes)
        with pytest.raises(TimeoutError):
            listening.accept()


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
async def test_an_error_travels_by_the_mode_that_was_asked_for(browser: Browser, mode: str) -> None:
    answer = await browser.authorize(prompt="none", response_mode=mode)
    if mode == "form_post":
        assert hidden_fields(answer.text)["error"] == "login_required"
        assert f'action="{CALLBACK}"' in answer.text
        return
    assert answer.status_code == 303
    url = urlsplit(answer.headers["location"])
    part = url.query if mode == "query" else url.fragment
    assert dict(parse_qsl(part))["error"] == "login_required"


async def test_no_cors_and_no_repeated_post(browser: Browser) -> None:
    headers = {"Origin": "https://board.acme.test"}
    url = f"{browser.served.issuer()}/auth"
    for answer in (
        await browser.http.get(url, params=GOOD, headers=headers),
        await browser.http.post(url, data=GOOD, headers=headers),
        await browser.http.options(url, headers=headers | {"Access-Control-Request-Method": "GET"}),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.status_code in (303, 404, 405)
    assert (await browser.submit(await browser.begin())).status_code == 303


# prompts


async def test_prompt_none_never_shows_a_page(browser: Browser) -> None:
    assert await _error(browser, prompt="none") == "login_required"
    await browser.code()
    assert "code" in query_of(await browser.authorize(prompt="none"))
    partner = {"client_id": "acme-partner", "redirect_uri": "http://127.0.0.1:9011/callback"}
    answer = await browser.authorize(**partner, prompt="none")
    assert query_of(answer)["error"] == "consent_required"
    for changes in ({"max_age": "0"}, {"claims": '{"id_token":{"sub":{"value":"x"}}}'}):
        assert await _error(browser, prompt="none", **changes) == "login_required"


@pytest.mark.parametrize(
    "changes", [{"prompt": "login"}, {"max_age": "0"}, {"prompt": "select_account"}]
)
async def test_a_new_authentication_is_a_new_authentication(
    served: Served, browser: Browser, changes: dict[str, str]
) -> None:
    await browser.code()
    url = await browser.begin(**changes)
    uid = url.rpartition("/")[2]
    skipped = await browser.http.get(f"{served.issuer()}/auth/{uid}")
    assert "/interaction/" in location(skipped), "resuming without it asks again"
    await browser.code()  # another tab signs in silently: that is not it either
    skipped = await browser.http.get(f"{served.issuer()}/auth/{uid}")
    assert "/interaction/" in location(skipped)
    arrived = await browser.follow(await browser.submit(url))
    tokens = (await post(served, "/token", code_form(arrived["code"]))).json()
    said = claims_of(tokens["id_token"])
    assert said["iat"] - said["auth_time"] <= 2


async def test_a_hint_of_another_subject_is_not_answered_for_this_one(
    served: Served, browser: Browser
) -> None:
    async with a_browser(
        served, email="bob@acme.test", password="brave-walnut-hums-under-rain"
    ) as other:
        hint = (await other.tokens())["id_token"]
    await browser.code()
    assert await _error(browser, prompt="none", id_token_hint=hint) == "login_required"
    arrived = await browser.follow(await browser.submit(await browser.begin(id_token_hint=hint)))
    assert arrived["error"] == "login_required", "somebody else signed in"


@pytest.mark.parametrize(
    "locales", ["../../etc/passwd", "xx", "xx-" * 60, "\U0001f600", "%00", "en/../de"]
)
async def test_unknown_locales_are_no_paths(served: Served, browser: Browser, locales: str) -> None:
    before = len(served.runtime.pages.locales)
    answer = await browser.authorize(ui_locales=locales, prompt="login")
    page = await browser.http.get(location(answer))
    if "/interaction/" in str(page.url):
        assert page.status_code == 200
        assert page.headers["content-language"] == "en"
    assert len(served.runtime.pages.locales) == before


# consent


async def test_consent_names_who_asks_for_what_and_covers_no_more(
    served: Served, browser: Browser
) -> None:
    partner = {"client_id": "acme-partner", "redirect_uri": "https://reports.globex.test/callback"}
    url = await browser.begin(**partner, scope="openid email")
    page = await browser.http.get(location(await browser.http.get(
        location(await browser.submit(url)))))  # fmt: skip
    for shown in ("Globex Reports", "reports.globex.test", "email address"):
        assert shown in page.text
    form = hidden_fields(page.text) | {"decision": "approve"}
    arrived = await browser.follow(await browser.http.post(f"{url}/confirm", data=form))
    assert "code" in arrived
    again = await browser.authorize(**partner, scope="openid email", prompt="none")
    assert "code" in query_of(again)
    more = await browser.authorize(**partner, scope="openid email profile", prompt="none")
    assert query_of(more)["error"] == "consent_required"
    claims = '{"userinfo":{"given_name":null}}'
    single = await browser.authorize(**partner, scope="openid email", claims=claims, prompt="none")
    assert query_of(single)["error"] == "consent_required"


async def test_a_login_page_does_not_consent(served: Served, browser: Browser) -> None:
    partner = {"client_id": "acme-partner", "redirect_uri": "http://127.0.0.1:9011/callback"}
    url = await browser.begin(**partner)
    form = hidden_fields((await browser.http.get(url)).text) | {"decision": "approve"}
    early = await browser.http.post(f"{url}/confirm", data=form)
    assert "callback" not in early.headers.get("location", "")
    resumed = await browser.http.get(location(await browser.submit(url)))
    assert "/interaction/" in location(resumed), "consent is asked for after the sign-in"


# pushed requests


@pytest.mark.parametrize("beside", ["state=a&state=b", "request=x.y.z", "state=%ff"])
async def test_what_nobody_may_send_is_refused_beside_a_pushed_request_too(
    served: Served, browser: Browser, beside: str
) -> None:
    pushed = (await post(served, "/request", dict(GOOD))).json()["request_uri"]
    url = f"{served.issuer()}/auth?client_id=acme-web-basic&request_uri={pushed}&{beside}"
    told = query_of(await browser.http.get(url))
    assert (told["error"], told["state"]) == ("invalid_request", GOOD["state"])


@pytest.mark.parametrize("client_id", ["acme-spa", "acme-partner", None, ""])
async def test_a_pushed_request_is_its_clients(
    served: Served, browser: Browser, client_id: str | None
) -> None:
    pushed = (await post(served, "/request", dict(GOOD))).json()["request_uri"]
    params = {"request_uri": pushed} | ({"client_id": client_id} if client_id is not None else {})
    answer = await browser.http.get(f"{served.issuer()}/auth", params=params)
    _is_a_page_that_leads_nowhere(answer, CALLBACK)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": "http://evil.test/"}, "invalid_request"),
        ({"redirect_uri": ""}, "invalid_request"),
        ({"scope": 'a"'}, "invalid_scope"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"request": "x"}, "request_not_supported"),
        ({"client_id": "acme-partner"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
async def test_a_push_is_checked_like_a_request(
    served: Served, changes: dict[str, str], error: str
) -> None:
    answer = await post(served, "/request", GOOD | changes)
    assert refusal(answer) == (400, error)
    assert answer.headers["cache-control"] == "no-store"


async def test_a_push_needs_its_client(served: Served) -> None:
    answer = await served.http.post(f"{served.issuer()}/request", data=GOOD)
    assert refusal(answer) == (401, "invalid_client")


async def test_a_client_that_is_not_registered_for_codes_gets_none(
    served: Served, browser: Browser
) -> None:
    client = await add_client(served, grant_types=("client_credentials",))
    assert await _error(browser, client_id=client.client_id) == "unauthorized_client"
