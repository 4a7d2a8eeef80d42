"""How the userinfo endpoint is asked, and how it refuses (RFC 6750 §2, §3)."""

from __future__ import annotations

import httpx
import pytest

from handlers.errors import Failure
from handlers.oidc.userinfo import challenge
from tests.handlers.flow import redeem


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("tried", [{}, {"Authorization": "Basic YTpi"}])
async def test_nobody_who_tried_no_token_is_told_of_an_error(
    http: httpx.AsyncClient, method: str, tried: dict[str, str]
) -> None:
    answer = await http.request(method, "/acme/me", headers=tried)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer realm=")
    assert "error" not in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer a b"])
async def test_what_is_no_bearer_token_is_refused(
    http: httpx.AsyncClient, authorization: str
) -> None:
    answer = await http.get("/acme/me", headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_token_in_the_url_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.get("/acme/me?access_token=x")
    assert answer.status_code == 400
    assert 'error="invalid_request"' in answer.headers["WWW-Authenticate"]


async def test_two_tokens_are_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post(
        "/acme/me", data={"access_token": "x"}, headers={"Authorization": "Bearer x"}
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_posted_token_comes_in_a_form(http: httpx.AsyncClient) -> None:
    answer = await http.post("/acme/me", json={"access_token": "x"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_head_is_get_without_a_body(http: httpx.AsyncClient) -> None:
    token = (await redeem(http))["access_token"]
    for presented, status in ((token, 200), ("x", 401)):
        bearer = {"Authorization": f"Bearer {presented}"}
        get = await http.get("/acme/me", headers=bearer)
        head = await http.head("/acme/me", headers=bearer)
        assert (head.status_code, head.content) == (get.status_code, b"") == (status, b"")
        assert _lasting(head) == _lasting(get)


@pytest.mark.parametrize("query", ["", "?access_token=x"])
async def test_head_is_refused_as_get(http: httpx.AsyncClient, query: str) -> None:
    get, head = await http.get(f"/acme/me{query}"), await http.head(f"/acme/me{query}")
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert _lasting(head) == _lasting(get)


@pytest.mark.parametrize("scope", ["profile", "email profile"])
async def test_tests_userinfo_refuses_a_token_without_openid(
    http: httpx.AsyncClient, scope: str
) -> None:
    token = (await redeem(http, scope=scope))["access_token"]
    answer = await http.get("/acme/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    assert 'scope="openid"' in answer.headers["WWW-Authenticate"]
    assert set(answer.json()) <= {"error", "error_description", "request_id"}


def _lasting(answer: httpx.Response) -> dict[str, str]:
    """The headers, without those that tell one answer from the next."""
    return {n: v for n, v in answer.headers.items() if n not in ("date", "x-request-id")}


def test_a_challenge_names_the_scope_that_is_missing() -> None:
    failure = Failure(403, "insufficient_scope", "not for this")
    assert challenge("https://id.example/acme", failure) == (
        'Bearer realm="https://id.example/acme", error="insufficient_scope",'
        ' error_description="not for this", scope="openid"'
    )


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "text/plain", "multipart/form-data; boundary=x", "", "nonsense",
     "application/x-www-form-urlencoded"],
)  # fmt: skip
async def test_B45_without_a_body_its_type_says_nothing(
    http: httpx.AsyncClient, content_type: str
) -> None:
    token = (await redeem(http))["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": content_type}
    assert (await http.post("/acme/me", headers=headers)).status_code == 200
    refused = await http.post("/acme/me", headers=headers, content=b"a")
    assert refused.status_code == (200 if "urlencoded" in content_type else 400)


@pytest.mark.parametrize("path", ["/acme/token", "/acme/token/introspection", "/acme/request"])
@pytest.mark.parametrize("content_type", ["application/json", ""])
async def test_B45_an_empty_body_is_an_empty_form_everywhere(
    http: httpx.AsyncClient, path: str, content_type: str
) -> None:
    answer = await http.post(path, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    answer = await http.post(path, headers={"Content-Type": content_type}, content=b"{}")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
