"""How the userinfo endpoint is asked, and how it refuses (RFC 6750 §2, §3)."""

from __future__ import annotations

import httpx
import pytest

from handlers.failures import Failure
from handlers.userinfo import challenge


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nobody_who_tried_nothing_is_told_of_an_error(
    http: httpx.AsyncClient, method: str
) -> None:
    answer = await http.request(method, "/acme/me")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer realm=")
    assert "error" not in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("authorization", ["Basic YTpi", "Bearer", "Bearer a b"])
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


def test_a_challenge_names_the_scope_that_is_missing() -> None:
    failure = Failure(403, "insufficient_scope", "not for this")
    assert challenge("https://id.example/acme", failure) == (
        'Bearer realm="https://id.example/acme", error="insufficient_scope",'
        ' error_description="not for this", scope="openid"'
    )
