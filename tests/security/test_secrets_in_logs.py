"""Whole conversations, with everything that goes wrong: no secret of them is in log or audit."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest

from porta.observability.log import support_code
from storage.postgres.driver import Postgres
from storage.redis.lane import Redis
from tests.world.answers import hidden_fields, location
from tests.world.browser import GOOD, Browser, a_browser, code_form, post, refresh_form, userinfo
from tests.world.log import Log, logged
from tests.world.relay import relay
from tests.world.served import SECRETS, VERIFIER, Served, serve

WRONG = "a-wrong-password-that-was-typed"


@pytest.fixture(params=[True, False], ids=["json", "text"])
def log(request: pytest.FixtureRequest) -> Iterator[Log]:
    """Return the log of this test, at its most talkative."""
    with logged(level="debug", json=request.param) as written:
        yield written


async def test_no_secret_is_written(fresh_database_url: str, redis_url: str, log: Log) -> None:
    pg = await Postgres.open(fresh_database_url, 1)
    async with (
        relay(redis_url) as (redis, cache),
        serve(fresh_database_url, cache, log_level="debug") as served,
        a_browser(served) as browser,
    ):
        secrets = await _converse(served, browser)
        secrets |= await _fail(served, browser)
        redis.silence()
        await browser.authorize(prompt="login")
        redis.restore()
        await pg.execute("ALTER TABLE audit_log RENAME TO elsewhere")
        url = await _begin_again(browser)
        broken = await browser.submit(url)
        assert broken.status_code == 500
        assert "Traceback" in log.text(), "what nobody expected is written with its traceback"
        settings = served.runtime.settings
        secrets |= {
            "cookie key": settings.cookie_keys[0],
            "signing key": settings.signing_key_encryption_key,
            "postgres": urlsplit(settings.database_url).password or "p" * 40,
            "redis": urlsplit(settings.redis_url or "").password or "r" * 40,
        }
    audit = str(await pg.fetch("SELECT elsewhere::text FROM elsewhere"))
    traces = await _traces(redis_url)
    assert "user.login.password.failed" in traces
    await pg.close()
    written = log.text()
    assert len(written.splitlines()) > 30
    assert "user.login.password.failed" in audit
    kept = (("log", written), ("audit", audit), ("traces", traces), ("page", broken.text))
    for place, text in kept:
        for name, value in secrets.items():
            for spelled in {value, quote(value, safe=""), _base64(value)}:
                assert len(spelled) >= 12, name
                if not (place == "page" and name == "broken uid"):
                    assert spelled not in text, f"{name} is in the {place}"
    assert not re.search(r"eyJ[A-Za-z0-9_-]{10,}", written + audit), "a token of any kind"
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", written.replace("\x1b", ""))


async def _traces(redis_url: str) -> str:
    """Return every trace, and every step of an interaction, with their keys."""
    redis = await Redis.open(redis_url)
    keys = await redis.command("KEYS", "porta:trace:*")
    found = [key + await redis.command("GET", key) for key in keys]
    for key in await redis.command("KEYS", "porta:steps:*"):
        found += [key, *await redis.command("LRANGE", key, 0, -1)]
    await redis.close()
    return b"\n".join(found).decode()


async def test_the_reference_of_a_page_finds_its_reason(
    fresh_database_url: str, redis_url: str, log: Log
) -> None:
    forged = 'x\r\n\x85\u2028{"level":60}'
    async with (
        serve(fresh_database_url, redis_url, log_level="info") as served,
        a_browser(served) as browser,
    ):
        answers = {
            "redirect_uri is not registered": await browser.authorize(
                redirect_uri="https://evil.test/"
            ),
            "control characters in parameter: client_id": await browser.authorize(client_id=forged),
            "malformed parameter name": await browser.authorize(client_id="", **{forged: "x"}),
            "interaction_expired": await browser.http.get(f"{served.base_url}/interaction/x"),
            "method_not_allowed": await browser.http.delete(f"{served.issuer()}/auth"),
            "org_not_found": await browser.http.get(
                f"{served.base_url}/nobody/auth", headers={"Accept": "text/html"}
            ),
        }
    lines = log.text().splitlines()
    for reason, answer in answers.items():
        reference = answer.headers["X-Request-Id"]
        assert support_code(reference) in answer.text
        found = [line for line in lines if "refused" in line and reference in line]
        assert len(found) == 1, reason
        assert reason in found[0]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028]", log.text().replace("\x1b", ""))
    assert log.text().count("evil.test") == 1, "what came instead of a registered address"


async def _converse(served: Served, browser: Browser) -> dict[str, str]:
    """Sign in and use everything once; return every secret that was in it."""
    url = await browser.begin(state="state-" * 5, nonce="nonce-" * 5)
    page = await browser.http.get(url)
    binding = browser.secret
    answer = await browser.submit(url)
    code = (await browser.follow(answer))["code"]
    tokens = (await post(served, "/token", code_form(code))).json()
    newer = (await post(served, "/token", refresh_form(tokens["refresh_token"]))).json()
    await userinfo(served, tokens["access_token"])
    await post(served, "/token/introspection", {"token": newer["refresh_token"]})
    pushed = (await post(served, "/request", dict(GOOD))).json()["request_uri"]
    reference = {"client_id": "acme-web-basic", "request_uri": pushed}
    await browser.http.get(f"{served.issuer()}/auth", params=reference)
    first = browser.session or ""
    await browser.code(prompt="login")
    second = browser.session or ""
    asked = await browser.http.get(f"{served.issuer()}/session/end")
    return {
        "password": browser.password,
        "uid": url.rpartition("/")[2],
        "csrf": hidden_fields(page.text)["_csrf"],
        "binding": binding,
        "code": code,
        "access token": tokens["access_token"],
        "refresh token": tokens["refresh_token"],
        "newer access token": newer["access_token"],
        "newer refresh token": newer["refresh_token"],
        "id token": tokens["id_token"],
        "request_uri": pushed.rpartition(":")[2],
        "session": first,
        "second session": second,
        "xsrf": hidden_fields(asked.text)["xsrf"],
        "client secret": SECRETS["acme-web-basic"],
        "verifier": VERIFIER,
        "state": "state-" * 5,
        "nonce": "nonce-" * 5,
    }


async def _fail(served: Served, browser: Browser) -> dict[str, str]:
    """Do wrong what can be done wrong; return what was presented."""
    url = await browser.begin(prompt="login")
    await browser.submit(url, password=WRONG)
    await browser.submit(url, _csrf="a-forged-csrf-value")
    await browser.submit(url, password="\u202e" + WRONG + "\u2028")
    wrong = {"client secret": "a-wrong-client-secret-0123", "code": "a-wrong-code-" * 4}
    await post(served, "/token", code_form(wrong["code"]), secret=wrong["client secret"])
    await post(served, "/token", code_form(wrong["code"]))
    await post(served, "/token", refresh_form("w" * 43))
    await userinfo(served, "a-wrong-access-token-that-is-long")
    params = {"access_token": "an-access-token-in-a-query", "client_secret": "a-secret-in-a-query"}
    await served.http.get(f"{served.issuer()}/me", params=params)
    await post(served, "/token", {}, params=params)
    await browser.http.get(f"{served.base_url}/interaction/an-interaction-of-nobody-at-all")
    await browser.http.get(f"{served.base_url}/a/path/with-a-token-that-nobody-asked-for/x")
    await browser.authorize(id_token_hint="a-hint-that-is-no-token-of-ours")
    await browser.http.get(f"{served.issuer()}/session/end?id_token_hint=a-hint-of-another-house")
    return {
        "wrong password": WRONG,
        "forged csrf": "a-forged-csrf-value",
        "wrong client secret": wrong["client secret"],
        "wrong code": wrong["code"],
        "wrong refresh token": "w" * 43,
        "wrong access token": "a-wrong-access-token-that-is-long",
        **params,
        "uid of nobody": "an-interaction-of-nobody-at-all",
        "path": "with-a-token-that-nobody-asked-for",
        "hint": "a-hint-that-is-no-token-of-ours",
        "other hint": "a-hint-of-another-house",
        "uid": url.rpartition("/")[2],
    }


async def _begin_again(browser: Browser) -> str:
    for _ in range(50):
        answer = await browser.authorize(prompt="login")
        if answer.status_code == 303:
            return location(answer)
    raise AssertionError("it does not come back")


def _base64(value: str) -> str:
    return base64.b64encode(value.encode()).decode().rstrip("=")
