"""The log of who is refused, who signs in, and what is not worth a line (K8, K16)."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import httpx
import pytest

from handlers.http.server import Server
from porta.runtime import Runtime
from tests.handlers.flow import begin, parameters, sign_in, submit
from tests.world.house import CALLBACK, EMAIL, SECRET
from tests.world.log import Log

_CODE = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": "c" * 43}
_REFRESH = {"grant_type": "refresh_token", "refresh_token": "r" * 43}
_MACHINE = {"grant_type": "client_credentials"}
_WEB = {"client_id": "web", "client_secret": SECRET}
_WRONG = {"client_id": "web", "client_secret": "w" * 40}
_UNREADABLE = {"Authorization": "Basic not-base64"}


def _only(log: Log, answer: httpx.Response) -> dict[str, Any]:
    """Return the one line that tells of this refusal."""
    (line,) = log.lines("refused", requestId=answer.headers["X-Request-Id"])
    return line


@pytest.mark.parametrize(
    ("path", "form", "headers", "error", "client_id"),
    [
        ("/token", _CODE | _WRONG, {}, "invalid_client", "web"),
        ("/token", _CODE | {"client_id": "nobody"}, {}, "invalid_client", "nobody"),
        ("/token", _CODE | {"client_id": "web"}, {}, "invalid_client", "web"),
        ("/token", _CODE | {"client_id": "web"}, _UNREADABLE, "invalid_client", "web"),
        ("/token", _CODE | _WEB, _UNREADABLE, "invalid_request", "web"),
        ("/token", _CODE | _WEB, {}, "invalid_grant", "web"),
        ("/token", _REFRESH | _WEB, {}, "invalid_grant", "web"),
        ("/token", _WEB, {}, "invalid_request", "web"),
        ("/token", _WEB | {"grant_type": "x"}, {}, "unsupported_grant_type", "web"),
        ("/token", _MACHINE | _WEB | {"scope": "address"}, {}, "invalid_scope", "web"),
        ("/token/introspection", _WRONG | {"token": "t" * 40}, {}, "invalid_client", "web"),
        ("/token/revocation", _WRONG | {"token": "t" * 40}, {}, "invalid_client", "web"),
        ("/request", _WEB | {"response_type": "x"}, {}, None, "web"),
        ("/me", {}, {"Authorization": "Bearer " + "t" * 43}, "invalid_token", None),
        ("/me", {}, {}, "invalid_token", None),
    ],
)
async def test_K8_a_refusal_in_json_leaves_one_line_with_its_reason(
    http: httpx.AsyncClient,
    log: Log,
    path: str,
    form: dict[str, str],
    headers: dict[str, str],
    error: str | None,
    client_id: str | None,
) -> None:
    answer = await http.post(f"/acme{path}", data=form, headers=headers)
    line = _only(log, answer)
    assert (line["status"], line["organization"]) == (answer.status_code, "acme")
    assert line.get("client_id") == client_id
    if path != "/me":
        assert line["error"] == answer.json()["error"]
        assert line["reason"]
    assert error in (None, line["error"])
    written = log.text()
    for secret in ("w" * 40, SECRET, "c" * 43, "r" * 43, "t" * 40):
        assert secret not in written


async def test_K8_basic_names_its_client_too(http: httpx.AsyncClient, log: Log) -> None:
    credentials = b64encode(b"web:" + b"w" * 40).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    answer = await http.post("/acme/token/introspection", data={"token": "x"}, headers=headers)
    assert (answer.status_code, _only(log, answer)["client_id"]) == (401, "web")
    assert credentials not in log.text()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None, "client_id": "spa",
          "redirect_uri": "https://spa.example/callback"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "form_post", "prompt": "none"}, "login_required"),
        ({"request": "x"}, "request_not_supported"),
    ],
)  # fmt: skip
async def test_K8_a_refusal_by_redirect_leaves_its_line(
    http: httpx.AsyncClient, log: Log, changes: dict[str, Any], error: str
) -> None:
    asked = parameters(**changes)
    answer = await http.get("/acme/auth", params=asked)
    line = _only(log, answer)
    assert (line["organization"], line["client_id"]) == ("acme", asked["client_id"])
    assert line["error"] == error
    assert line["reason"]


async def test_K8_who_goes_away_is_told_of_where_the_client_is(
    http: httpx.AsyncClient, log: Log
) -> None:
    path = await begin(http)
    answer = await http.get((await http.get(f"{path}/abort")).headers["Location"])
    line = _only(log, answer)
    assert (line["error"], line["client_id"]) == ("access_denied", "web")


@pytest.mark.parametrize(
    ("changes", "client_id"),
    [
        ({"redirect_uri": "https://evil.example/"}, "web"),
        ({"client_id": "nobody"}, "nobody"),
        ({"client_id": "x\r\n\x85forged" + "y" * 500}, None),
        ({"client_id": None}, None),
    ],
)
async def test_K8_a_page_that_refuses_leaves_its_line(
    http: httpx.AsyncClient, log: Log, changes: dict[str, Any], client_id: str | None
) -> None:
    answer = await http.get("/acme/auth", params=parameters(**changes))
    line = _only(log, answer)
    assert line["organization"] == "acme"
    assert client_id in (None, line.get("client_id"))
    assert len(line.get("client_id", "")) <= 200
    assert len(line.get("received", "")) <= 200
    assert log.text().count("evil.example") == ("redirect_uri" in changes), "in its field alone"


@pytest.mark.parametrize(("slug", "error"), [("nobody", "org_not_found"),
                                             ("suspended", "org_suspended")])  # fmt: skip
@pytest.mark.parametrize("accept", ["*/*", "text/html"])
async def test_K8_an_organization_that_is_not_served_leaves_its_line(
    http: httpx.AsyncClient, log: Log, slug: str, error: str, accept: str
) -> None:
    answer = await http.get(f"/{slug}/auth", headers={"Accept": accept})
    line = _only(log, answer)
    assert line["error"] == error
    assert "organization" not in line


async def test_people_31_a_sign_in_leaves_its_line(http: httpx.AsyncClient, log: Log) -> None:
    await sign_in(http, prompt="login")
    (line,) = log.lines("user.login.password")
    assert (line["organization"], line["client_id"]) == ("acme", "web")
    assert line["requestId"]
    assert log.lines("refused") == []
    assert EMAIL not in log.text()
    assert "127.0.0.1" not in str(line)


async def test_people_31_a_failed_sign_in_leaves_its_line(
    http: httpx.AsyncClient, log: Log
) -> None:
    path = await begin(http, prompt="login")
    for email in (EMAIL, "nobody@acme.example"):
        await submit(http, path, email=email, password="wrong")
    lines = log.lines("user.login.password.failed", organization="acme", client_id="web")
    assert len(lines) == 2
    assert "acme.example" not in log.text()


async def test_people_31_each_limited_sign_in_leaves_its_line(
    http: httpx.AsyncClient, runtime: Runtime, log: Log
) -> None:
    path = await begin(http, prompt="login")
    typed = {"email": "limited@acme.example", "password": "wrong"}
    limited = 0
    for _ in range(14):
        limited += (await submit(http, path, **typed)).status_code == 429
    assert limited >= 3
    lines = log.lines("refused", error="rate_limited", organization="acme", client_id="web")
    assert len(lines) == limited
    assert len(log.lines("rate_limit.login", organization="acme")) == 1
    assert "limited@" not in log.text()


async def test_people_31_a_forged_form_leaves_its_line(http: httpx.AsyncClient, log: Log) -> None:
    answer = await submit(http, await begin(http, prompt="login"), _csrf="forged")
    line = _only(log, answer)
    assert (line["status"], line["client_id"]) == (403, "web")
    assert line["reason"] == "errors.csrf_invalid"


_ROUTINE = (
    "/live", "/ready", "/health", "/acme/jwks", "/acme/.well-known/openid-configuration",
    "/acme/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/acme",
    "/acme/branding.css", "/robots.txt", "/favicon.ico",
)  # fmt: skip


@pytest.mark.parametrize("path", _ROUTINE)
async def test_K16_what_machines_ask_for_all_day_leaves_no_line(
    http: httpx.AsyncClient, log: Log, path: str
) -> None:
    for method in ("GET", "HEAD"):
        assert (await http.request(method, path)).status_code < 400
    assert log.text() == ""


async def test_K16_a_static_file_leaves_a_line_only_where_there_is_none(
    http: httpx.AsyncClient, runtime: Runtime, log: Log
) -> None:
    path = (await http.get("/")).text.partition('href="/static/')[2].partition('"')[0]
    assert (await http.get(f"/static/{path}")).status_code == 200
    assert len(log.lines("request")) == 1  # of the page
    assert (await http.get("/static/nothing.css")).status_code == 404
    assert [line["status"] for line in log.lines("request")] == [200, 404]


async def test_K16_a_probe_that_fails_is_told_and_that_it_is_well_again(
    http: httpx.AsyncClient, server: Server, log: Log
) -> None:
    server.application.life.max_in_flight, most = 0, server.application.life.max_in_flight
    server.application.life.draining = True
    try:
        server.application.life.max_in_flight = most
        assert (await http.get("/ready")).status_code == 503
    finally:
        server.application.life.draining = False
    for _ in range(3):
        assert (await http.get("/ready")).status_code == 200
    assert [line["status"] for line in log.lines("request")] == [503, 200]


async def test_a_request_names_its_organization(http: httpx.AsyncClient, log: Log) -> None:
    await http.post("/acme/token", data=_MACHINE | _WEB)
    await http.get("/nobody/auth")
    assert [line.get("organization") for line in log.lines("request")] == ["acme", None]
    assert all("duration_ms" in line for line in log.lines("request"))


@pytest.mark.parametrize(
    ("form", "headers", "reason"),
    [
        (_WRONG, {}, "wrong_secret"),
        (_WRONG | {"client_id": "nobody"}, {}, "unknown_client"),
        ({"client_id": "nobody"}, {}, "unknown_client"),
        ({"client_id": "web"}, {}, "no_secret"),
        ({"client_id": "web", "client_secret": ""}, {}, "no_secret"),
        ({}, {}, "no_client_id"),
        ({}, _UNREADABLE, "malformed_header"),
        ({"client_assertion": "x", "client_id": "web"}, {}, "unsupported_method"),
    ],
)
async def test_K3_the_log_tells_why_a_client_was_refused(
    http: httpx.AsyncClient, log: Log, form: dict[str, str], headers: dict[str, str], reason: str
) -> None:
    answer = await http.post("/acme/token", data=_MACHINE | form, headers=headers)
    assert answer.status_code == 401
    assert _only(log, answer)["reason"] == reason
    assert reason not in answer.text


async def test_security_4_a_proxy_that_is_not_believed_is_told_once(
    http: httpx.AsyncClient, log: Log
) -> None:
    for address in ("203.0.113.1", "203.0.113.2", "nonsense"):
        await http.post("/acme/token", data=_MACHINE, headers={"X-Forwarded-For": address})
    (line,) = log.lines("proxy.untrusted")
    assert (line["peer"], line["setting"]) == ("127.0.0.1", "TRUSTED_PROXIES")
