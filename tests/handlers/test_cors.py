"""Cross-origin requests (security requirement I.6)."""

from __future__ import annotations

import httpx
import pytest

from tests.handlers.flow import redeem
from tests.world.house import SECRET, SPA_ORIGIN

CLIENT_ENDPOINTS = {
    "/acme/token": "POST, OPTIONS",
    "/acme/me": "GET, POST, OPTIONS",
    "/acme/token/introspection": "POST, OPTIONS",
    "/acme/token/revocation": "POST, OPTIONS",
    "/acme/request": "POST, OPTIONS",
}
DOCUMENTS = [
    "/acme/jwks",
    "/acme/.well-known/openid-configuration",
    "/acme/.well-known/oauth-authorization-server",
    "/.well-known/oauth-authorization-server/acme",
]
VARIES = {"OPTIONS": "Origin, Access-Control-Request-Headers", "POST": "Origin"}
PREFLIGHT = {"Access-Control-Request-Method": "POST"}


def _cors(answer: httpx.Response) -> dict[str, str]:
    return {k: v for k, v in answer.headers.items() if k.startswith("access-control-")}


@pytest.mark.parametrize(("endpoint", "methods"), CLIENT_ENDPOINTS.items())
async def test_a_preflight_of_a_registered_origin_is_answered(
    http: httpx.AsyncClient, endpoint: str, methods: str
) -> None:
    answer = await http.options(endpoint, headers=PREFLIGHT | {"Origin": SPA_ORIGIN})
    assert (answer.status_code, answer.content) == (204, b"")
    assert _cors(answer) == {
        "access-control-allow-origin": SPA_ORIGIN,
        "access-control-allow-methods": methods,
        "access-control-allow-headers": "Authorization, Content-Type",
        "access-control-expose-headers": "WWW-Authenticate, Retry-After",
        "access-control-max-age": "86400",
    }
    assert answer.headers["Vary"] == VARIES["OPTIONS"]


_ASKED = [
    "sentry-trace",
    "x-requested-with,dpop,traceparent",
    "authorization, content-type , cache-control",
    "X-" + "y" * 1000,
]


@pytest.mark.parametrize("asked", _ASKED)
@pytest.mark.parametrize("endpoint", CLIENT_ENDPOINTS)
async def test_K6_a_registered_origin_may_send_whatever_header_it_asks_for(
    http: httpx.AsyncClient, endpoint: str, asked: str
) -> None:
    headers = PREFLIGHT | {"Origin": SPA_ORIGIN, "Access-Control-Request-Headers": asked}
    answer = await http.options(endpoint, headers=headers)
    assert answer.headers["Access-Control-Allow-Headers"] == asked
    assert answer.headers["Vary"] == VARIES["OPTIONS"]
    headers["Origin"] = "https://evil.example"
    assert _cors(await http.options(endpoint, headers=headers)) == {}


@pytest.mark.parametrize("asked", _ASKED)
@pytest.mark.parametrize("document", DOCUMENTS)
async def test_K6_a_public_document_may_be_asked_for_with_any_header(
    http: httpx.AsyncClient, document: str, asked: str
) -> None:
    headers = {"Origin": "null", "Access-Control-Request-Headers": asked}
    answer = await http.options(document, headers=PREFLIGHT | headers)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Headers"] == asked
    assert answer.headers["Vary"] == "Access-Control-Request-Headers"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("asked", ["", "*, (", "a b", "x:y", "a,,b", "ü", "x" * 1025, "a;b"])
async def test_K6_what_is_no_list_of_header_names_is_not_echoed(
    http: httpx.AsyncClient, asked: str
) -> None:
    for path, origin in (("/acme/token", SPA_ORIGIN), ("/acme/jwks", "null")):
        sent = PREFLIGHT | {"Origin": origin, "Access-Control-Request-Headers": asked}
        headers = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
        answer = await http.options(path, headers=headers)
        assert answer.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"


@pytest.mark.parametrize("endpoint", CLIENT_ENDPOINTS)
@pytest.mark.parametrize("method", ["OPTIONS", "POST"])
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "", "*", f"{SPA_ORIGIN}/", f"{SPA_ORIGIN}:443",
     f"{SPA_ORIGIN}.evil.example", SPA_ORIGIN.upper(), "http://spa.example", "x" * 4000],
)  # fmt: skip
async def test_another_origin_is_told_nothing(
    http: httpx.AsyncClient, endpoint: str, method: str, origin: str
) -> None:
    answer = await http.request(method, endpoint, headers=PREFLIGHT | {"Origin": origin})
    assert _cors(answer) == {}
    assert answer.headers["Vary"] == VARIES[method]


@pytest.mark.parametrize("endpoint", CLIENT_ENDPOINTS)
async def test_a_registered_origin_may_read_an_error(
    http: httpx.AsyncClient, endpoint: str
) -> None:
    answer = await http.post(endpoint, data={"a": "b"}, headers={"Origin": SPA_ORIGIN})
    assert answer.status_code == 401
    assert _cors(answer) == {
        "access-control-allow-origin": SPA_ORIGIN,
        "access-control-expose-headers": "WWW-Authenticate, Retry-After",
    }


@pytest.mark.parametrize(("client_id", "readable"), [("spa", True), ("web", False)])
async def test_an_origin_is_registered_by_the_client_that_is_named(
    http: httpx.AsyncClient, client_id: str, readable: bool
) -> None:
    form = {"client_id": client_id, "grant_type": "refresh_token", "refresh_token": "x" * 43}
    answer = await http.post("/acme/token", data=form, headers={"Origin": SPA_ORIGIN})
    assert ("access-control-allow-origin" in answer.headers) is readable


@pytest.mark.parametrize(
    ("origin", "readable"), [("https://app.example", True), (SPA_ORIGIN, False)]
)
async def test_what_a_client_is_told_is_for_its_own_origins(
    http: httpx.AsyncClient, origin: str, readable: bool
) -> None:
    token = (await redeem(http))["access_token"]
    bearer = {"Authorization": f"Bearer {token}", "Origin": origin}
    told = await http.get("/acme/me", headers=bearer)
    assert told.status_code == 200
    basic = await http.post(
        "/acme/token", headers={"Origin": origin}, data={"a": "b"}, auth=("web", SECRET)
    )
    for answer in (told, basic):
        assert bool(_cors(answer)) is readable
        assert answer.headers["Vary"] == "Origin"


async def test_an_origin_is_registered_at_one_organization(http: httpx.AsyncClient) -> None:
    answer = await http.options("/globex/token", headers=PREFLIGHT | {"Origin": SPA_ORIGIN})
    assert _cors(answer) == {}


@pytest.mark.parametrize("endpoint", CLIENT_ENDPOINTS)
async def test_without_an_origin_there_is_nothing_to_say(
    http: httpx.AsyncClient, endpoint: str
) -> None:
    assert _cors(await http.post(endpoint)) == {}


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_public_documents_are_for_everybody(http: httpx.AsyncClient, document: str) -> None:
    anyone = {"Origin": "https://anyone.example"}
    answer = await http.get(document, headers=anyone)
    assert _cors(answer) == {"access-control-allow-origin": "*"}
    preflight = await http.options(document, headers=PREFLIGHT | anyone)
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Methods"] == "GET, OPTIONS"


@pytest.mark.parametrize("path", ["/acme/session/end", "/interaction/x", "/live", "/"])
async def test_nothing_else_knows_cors(http: httpx.AsyncClient, path: str) -> None:
    headers = PREFLIGHT | {"Origin": SPA_ORIGIN}
    assert _cors(await http.options(path, headers=headers)) == {}
    assert _cors(await http.get(path, headers=headers)) == {}


@pytest.mark.parametrize("endpoint", [*CLIENT_ENDPOINTS, *DOCUMENTS])
async def test_credentials_are_never_allowed(http: httpx.AsyncClient, endpoint: str) -> None:
    for method in ("OPTIONS", "GET", "POST"):
        answer = await http.request(method, endpoint, headers=PREFLIGHT | {"Origin": SPA_ORIGIN})
        assert "access-control-allow-credentials" not in answer.headers
