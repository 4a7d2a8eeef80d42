"""An https issuer with a path of its own, behind a proxy (security requirements E.4, F.3, F.8)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from ipaddress import ip_network

import httpx
import pytest
import pytest_asyncio

from handlers import app
from porta.config.settings import Settings
from porta.limits.proxies import NEAR
from porta.observability.log import request_log
from porta.runtime import Runtime
from storage.postgres.driver import Postgres
from tests.handlers.flow import hidden, parameters
from tests.world.house import EMAIL, PASSWORD
from tests.world.log import logged

ISSUER = "https://id.example/sso"
_BROWSER = r"__Host-browser_acme=[\w-]{86}; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax; Secure"


@pytest_asyncio.fixture(loop_scope="session")
async def proxied(runtime: Runtime, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that trusts the loopback as its proxy, which takes `/sso` away."""
    assert runtime
    behind = settings.model_copy(
        update={
            "issuer_base_url": ISSUER,
            "trusted_proxies": (ip_network("127.0.0.0/8"),),
            "port": 0,
        }
    )
    opened = await Runtime.open(behind)
    server = await app.start(opened, behind)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as http:
        yield http
    await server.stop()
    await opened.close()


async def test_every_address_is_the_issuers(proxied: httpx.AsyncClient) -> None:
    document = (await proxied.get("/acme/.well-known/openid-configuration")).json()
    assert document["issuer"] == f"{ISSUER}/acme"
    answer = await proxied.get("/acme/auth", params=parameters())
    assert answer.headers["Location"].startswith("/sso/interaction/")


async def test_metadata_stands_before_the_whole_path_of_the_issuer(
    proxied: httpx.AsyncClient,
) -> None:
    """RFC 8414 §3.1; a proxy that takes the issuer's path away may do so there, or not."""
    direct = await proxied.get("/acme/.well-known/oauth-authorization-server")
    for path in ("/sso/acme", "/acme"):
        answer = await proxied.get(f"/.well-known/oauth-authorization-server{path}")
        assert (answer.status_code, answer.text) == (200, direct.text)
    for path in ("/other/acme", "/sso/sso/acme", "/sso", "/sso/", "/sso/acme/", "/ssoacme", "/a/b"):
        answer = await proxied.get(f"/.well-known/oauth-authorization-server{path}")
        assert (path, answer.status_code) == (path, 404)


async def test_cookies_are_for_https_and_for_their_path(proxied: httpx.AsyncClient) -> None:
    answer = await proxied.get("/acme/auth", params=parameters())
    (line,) = answer.headers.get_list("Set-Cookie")
    assert re.fullmatch(_BROWSER, line)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_a_sign_in_sets_a_secure_cookie_and_goes_on(proxied: httpx.AsyncClient) -> None:
    answer = await proxied.get("/acme/auth", params=parameters())
    path = answer.headers["Location"].removeprefix("/sso")
    browser = answer.headers["Set-Cookie"].partition(";")[0]
    page = await proxied.get(path, headers={"Cookie": browser})
    assert 'action="/sso/interaction/' in page.text
    assert 'href="/sso/static/' in page.text
    form = {"email": EMAIL, "password": PASSWORD, "_csrf": hidden(page.text, "_csrf")}
    posted = await proxied.post(f"{path}/login", data=form, headers={"Cookie": browser})
    assert posted.headers["Location"].startswith(f"{ISSUER}/acme/auth/")
    cookies = posted.headers.get_list("Set-Cookie")
    assert re.fullmatch(_BROWSER, cookies[0])
    for cookie, path in zip(cookies[1:3], ("/sso/acme", "/sso/interaction"), strict=True):
        assert re.fullmatch(
            rf"__Secure-session_acme=[\w-]{{43}}; Path={path}; Max-Age=\d+;"
            r" HttpOnly; SameSite=Lax; Secure",
            cookie,
        )


async def test_a_plain_cookie_name_means_nothing_under_https(proxied: httpx.AsyncClient) -> None:
    answer = await proxied.get("/acme/auth", params=parameters())
    path = answer.headers["Location"].removeprefix("/sso")
    value = answer.headers["Set-Cookie"].partition(";")[0].partition("=")[2]
    page = await proxied.get(path, headers={"Cookie": f"browser_acme={value}"})
    assert page.status_code == 400


async def test_the_forwarded_address_is_the_one_that_is_counted(
    proxied: httpx.AsyncClient, pg: Postgres
) -> None:
    spoofed = {"X-Forwarded-For": "1.2.3.4, 203.0.113.9", "X-Real-Ip": "1.2.3.4"}
    answer = await proxied.get("/acme/auth", params=parameters())
    path = answer.headers["Location"].removeprefix("/sso")
    headers = spoofed | {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
    page = await proxied.get(path, headers=headers)
    form = {"email": EMAIL, "password": "wrong", "_csrf": hidden(page.text, "_csrf")}
    await proxied.post(f"{path}/login", data=form, headers=headers)
    rows = await pg.fetch("SELECT DISTINCT host(ip_address::inet) FROM audit_log")
    assert "203.0.113.9" in {row[0] for row in rows}
    assert "1.2.3.4" not in {row[0] for row in rows}


@pytest.mark.parametrize("header", ["nonsense", "1.2.3.4, nonsense", ""])
async def test_a_malformed_header_is_no_error(proxied: httpx.AsyncClient, header: str) -> None:
    assert (await proxied.get("/acme/auth", headers={"X-Forwarded-For": header})).status_code == 400


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, True),
        ({"porta_skip_prod_safety": True}, False),
        ({"environment": "test"}, False),
        ({"trusted_proxies": NEAR}, False),
    ],
)
async def test_succession_A2_a_proxy_that_is_not_named_is_unsafe_in_production(
    runtime: Runtime, settings: Settings, changes: dict[str, object], refused: bool
) -> None:
    """Everybody behind it would be one address, and share its limits."""
    assert runtime
    bare = settings.model_copy(update={"environment": "production", "port": 0, **changes})
    opened = await Runtime.open(bare)
    server = await app.start(opened, bare)
    named = {"X-Forwarded-For": "203.0.113.9"}
    with logged() as log:
        server.application.log = request_log()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as http:
            for _ in range(2):
                answer = await http.get("/acme/auth", params=parameters(), headers=named)
                assert answer.status_code == (503 if refused else 303)
                answer = await http.post("/acme/token", data={}, headers=named)
                assert answer.status_code == (503 if refused else 401)
            assert (await http.get("/acme/auth", params=parameters())).status_code == 303
            assert (await http.get("/health", headers=named)).status_code == 200
    await server.stop()
    await opened.close()
    assert len(log.lines("proxy.untrusted")) == ("trusted_proxies" not in changes)
