"""What stands on every answer, and what none of them tells."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from handlers.http.server import Server
from porta.observability.log import support_code
from porta.runtime import Runtime
from tests.handlers.flow import VERIFIER, answered, begin, hidden, parameters, submit
from tests.handlers.http.wire import exchange, request, statuses
from tests.world.house import CALLBACK, SECRET

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PATHS = [
    "/", "/live", "/robots.txt", "/favicon.ico", "/nothing", "/acme/nothing", "/acme/jwks",
    "/acme/auth", "/acme/token", "/acme/me", "/unknown/jwks", "/suspended/jwks",
    "/interaction/x", "/static/nothing.css", "/acme/branding.css",
]  # fmt: skip
STATIC = sorted((Path(__file__).parents[2] / "templates/static").iterdir())
PRODUCT = re.compile(rb"(?<![a-z])porta|tornado|python")  # "important" is a word of CSS
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_has_the_headers_of_the_house(
    http: httpx.AsyncClient, path: str
) -> None:
    headers = (await http.get(path)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "strict-origin"
    assert headers["X-XSS-Protection"] == "0"
    assert headers["Permissions-Policy"] == "camera=(), microphone=(), geolocation=(), payment=()"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert UUID.fullmatch(headers["X-Request-Id"])
    assert parsedate_to_datetime(headers["Date"])
    assert "Server" not in headers
    assert "Etag" not in headers


async def test_no_answer_names_the_product(
    http: httpx.AsyncClient, runtime: Runtime, server: Server
) -> None:
    heard: list[httpx.Response] = []

    async def hear(answer: httpx.Response) -> None:
        await answer.aread()
        heard.append(answer)

    http.event_hooks["response"].append(hear)
    await _walk(http)
    for file in STATIC:
        assert (await http.get(runtime.pages.static_url(file.name))).status_code == 200
    for path in PATHS:
        await http.get(path, headers={"Accept": "text/html"})
        await http.request("TRACE", path)
    for answer in heard:
        _check_anonymous(b"%r %s" % (answer.headers.raw, answer.content))
    _check_anonymous(await exchange(server.port, b"nonsense\r\n\r\n"))
    pages = "\n".join(answer.text for answer in heard)
    kinds = ("login", "error", "form-post", "consent", "logout", "logout-success", "root")
    assert not [name for name in kinds if f'class="page-{name}"' not in pages]


def _check_anonymous(answer: bytes) -> None:
    assert not PRODUCT.search(answer.lower()), answer


async def _walk(http: httpx.AsyncClient) -> None:
    """Sign in, try what a client may do with that, ask for nonsense, and sign out."""
    path = await begin(http)
    await submit(http, path, password="wrong")
    await http.post(f"{path}/login", data={"_csrf": "x"})
    signed_in = await http.get((await submit(http, path)).headers["Location"])
    await _use(http, answered(signed_in.headers["Location"])["code"])
    await http.get("/acme/auth", params=parameters(response_mode="form_post"))
    await http.get(await begin(http, client_id="third"))
    for wrong in ({"client_id": "nobody"}, {"redirect_uri": "https://x"}, {"scope": "nothing"}):
        await http.get("/acme/auth", params=parameters(**wrong))
    xsrf = hidden((await http.get("/acme/session/end")).text, "xsrf")
    await http.post("/acme/session/end/confirm", data={"xsrf": "x", "logout": "yes"})
    left = await http.post("/acme/session/end/confirm", data={"xsrf": xsrf, "logout": "yes"})
    assert (await http.get(left.headers["Location"])).status_code == 200


async def _use(http: httpx.AsyncClient, code: str) -> None:
    """Ask what the web client may ask, with a good code and with a bad one.

    Not what tells the `acr` of a sign-in: that value is an identifier which clients compare.
    """
    client = {"client_id": "web", "client_secret": SECRET}
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    answer = await http.post("/acme/token", data=client | form | {"code": code})
    token = answer.json()["access_token"]
    await http.post("/acme/token", data=client | form | {"code": "x"})
    for value in (token, "x"):
        await http.get("/acme/me", headers={"Authorization": f"Bearer {value}"})
        await http.post("/acme/token/revocation", data=client | {"token": value})
    await http.post("/acme/token/introspection", data=client | {"token": "x"})
    await http.post("/acme/request", data=client | parameters())


async def test_a_request_id_is_ours_and_new(http: httpx.AsyncClient) -> None:
    mine = {"X-Request-Id": "00000000-0000-0000-0000-000000000000"}
    ids = {(await http.get("/live", headers=mine)).headers["X-Request-Id"] for _ in range(3)}
    assert len(ids) == 3
    assert mine["X-Request-Id"] not in ids


@pytest.mark.parametrize("path", ["/acme/token", "/acme/me", "/acme/token/introspection", "/live"])
async def test_answers_are_not_stored(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.post(path)).headers["Cache-Control"] == "no-store"


async def test_unknown_paths_look_alike(http: httpx.AsyncClient) -> None:
    paths = ["/x", "/acme/x", "/unknown/x", "/acme/token/", "/acme/auth/a/b", "/acme", "/acme/"]
    methods = ["GET", "POST", "PUT", "OPTIONS", "TRACE", "NONSENSE"]
    answers = [await http.request(method, path) for path in paths for method in methods]
    answers.append(await http.get("/static/nothing.css"))
    told = {(a.status_code, a.text, a.headers["Content-Type"], *a.headers) for a in answers}
    assert told == {(404, "Not Found", "text/plain; charset=utf-8", *answers[0].headers)}


@pytest.mark.parametrize(
    "slug",
    ["unknown", "archived", "ACME", "Acme", "acme%20", "%61cme", "acme%00", "acme;x", "acme.",
     "..", "%2e%2e", "acme%2f", "a", "x" * 200, "ac_me", "-acme", "acme-", "%C3%A4cme", "acme~"],
)  # fmt: skip
async def test_there_is_one_spelling_of_an_organization(server: Server, slug: str) -> None:
    answer = await exchange(server.port, request("GET", f"/{slug}/jwks", "Connection: close"))
    assert statuses(answer) == [404]
    assert answer.endswith(b'{"error":"Organization not found","status":404}')


async def test_a_suspended_organization_says_so(http: httpx.AsyncClient) -> None:
    answer = await http.get("/suspended/jwks")
    assert (answer.status_code, answer.json()) == (
        403,
        {"error": "Organization is suspended", "status": 403},
    )


@pytest.mark.parametrize(
    ("slug", "status", "words"),
    [("suspended", 403, "suspend"), ("archived", 404, "address"), ("unknown", 404, "address")],
)
async def test_a_person_is_told_kindly(
    http: httpx.AsyncClient, slug: str, status: int, words: str
) -> None:
    answer = await http.get(f"/{slug}/auth", headers={"Accept": "text/html,*/*"})
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert words in answer.text
    assert support_code(answer.headers["X-Request-Id"]) in answer.text


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/acme/token", "POST, OPTIONS"),
        ("HEAD", "/acme/token", "POST, OPTIONS"),
        ("PUT", "/acme/token", "POST, OPTIONS"),
        ("TRACE", "/acme/token", "POST, OPTIONS"),
        ("POST", "/acme/jwks", "GET, HEAD, OPTIONS"),
        ("DELETE", "/acme/auth", "GET, POST"),
        ("OPTIONS", "/acme/auth", "GET, POST"),
        ("HEAD", "/acme/auth", "GET, POST"),
        ("HEAD", "/acme/session/end", "GET, POST"),
        ("PATCH", "/acme/me", "GET, HEAD, POST, OPTIONS"),
        ("POST", "/acme/session/end/success", "GET, HEAD"),
        ("TRACE", "/live", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
    ],
)
async def test_another_method_is_refused_with_those_there_are(
    http: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await http.request(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize(
    "path",
    ["/", "/live", "/robots.txt", "/acme/jwks", "/acme/branding.css", "/acme/session/end/success"],
)
async def test_head_is_get_without_a_body(http: httpx.AsyncClient, path: str) -> None:
    get, head = await http.get(path), await http.head(path)
    assert head.status_code == get.status_code == 200
    assert head.content == b""
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


async def test_a_path_is_not_decoded_into_a_route(server: Server) -> None:
    for path in ("/acme%2ftoken", "/acme/%74oken", "/acme/./token", "/acme//token", "*"):
        answer = await exchange(server.port, request("POST", path, "Connection: close"))
        assert statuses(answer) == [404]
