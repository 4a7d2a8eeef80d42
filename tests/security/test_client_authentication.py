"""Clients prove who they are by their one registered method, and nobody learns why it failed."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import httpx
import pytest

from tests.security.browser import (
    Browser,
    add_client,
    code_form,
    configured,
    new_address,
    post,
    refusal,
)
from tests.served import SECRETS, Served

FORM = {"grant_type": "client_credentials"}
PATHS = ("/token", "/token/introspection", "/token/revocation", "/request")
POST_CLIENT = {"client_id": "acme-web-post", "client_secret": SECRETS["acme-web-post"]}


async def _ask(served: Served, path: str = "/token", **request: Any) -> httpx.Response:
    request.setdefault("data", FORM)
    headers = {"X-Forwarded-For": new_address()} | request.pop("headers", {})
    return await served.http.post(served.issuer() + path, headers=headers, **request)


def _basic(client_id: str, secret: str) -> dict[str, str]:
    encoded = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


def _told(answer: httpx.Response) -> tuple[Any, ...]:
    return answer.status_code, answer.content, answer.headers.get("www-authenticate")


@pytest.mark.parametrize("path", PATHS)
async def test_an_unknown_client_and_a_wrong_secret_look_alike(served: Served, path: str) -> None:
    secret = SECRETS["acme-machine"]
    disabled = await add_client(served, "acme-machine", status="inactive")
    answers = [
        await _ask(served, path, headers=_basic(client_id, presented))
        for client_id, presented in (
            ("nobody", secret),
            ("acme-machine", "wrong" * 8),
            ("acme-machine", secret[:-1]),
            ("acme-machine", f"{secret}x"),
            ("acme-machine", secret.upper()),
            ("acme-machine", hashlib.sha256(secret.encode()).hexdigest()),
            ("ACME-MACHINE", secret),
            (disabled.client_id, disabled.client_id * 2),
            ("acme-web-basic", secret),
            ("acme-web-post", SECRETS["acme-web-post"]),
            ("acme-spa", "x" * 32),
        )
    ]
    assert len({_told(answer) for answer in answers}) == 1
    assert refusal(answers[0]) == (401, "invalid_client")
    assert answers[0].headers["www-authenticate"].startswith("Basic ")
    assert answers[0].headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "form",
    [
        {"client_id": "acme-machine", "client_secret": SECRETS["acme-machine"]},
        {"client_id": "acme-machine"},
        {"client_id": "acme-web-post"},
        {"client_id": "acme-web-post", "client_secret": ""},
        {"client_id": "acme-web-post", "client_secret": "x" * 2000},
        {"client_secret": SECRETS["acme-web-post"]},
        {"client_id": "acme-spa", "client_secret": "x" * 32},
        {},
    ],
)
async def test_only_the_registered_method_works(served: Served, form: dict[str, str]) -> None:
    answer = await _ask(served, data=FORM | form)
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] in ("invalid_client", "invalid_request")
    assert (await _ask(served, data=FORM | POST_CLIENT)).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"acme-machine").decode(),
        "Basic " + base64.b64encode(b"acme-machine:").decode(),
        "Basic " + base64.b64encode(b":secret").decode(),
        "Basic " + base64.b64encode(b"acme-machine:\xff\xfe").decode(),
        "Basic " + base64.b64encode(b"acme-machine:%zz").decode(),
        "Basic " + base64.b64encode(b"acme-machine:a\x00b").decode(),
        "Basic " + "A" * 8000,
        "Bearer " + SECRETS["acme-machine"],
        "Digest username=acme-machine",
        base64.b64encode(b"acme-machine:x").decode(),
    ],
)
async def test_a_header_that_cannot_be_read_is_a_failure(served: Served, header: str) -> None:
    answer = await _ask(served, headers={"Authorization": header})
    assert refusal(answer) == (401, "invalid_client")


async def test_two_methods_at_once_are_refused(served: Served) -> None:
    machine = _basic("acme-machine", SECRETS["acme-machine"])
    for form in (
        FORM | {"client_id": "acme-machine", "client_secret": SECRETS["acme-machine"]},
        FORM | {"client_secret": "x"},
        FORM | {"client_id": "acme-web-post"},
        FORM | {"client_assertion": "x", "client_assertion_type": "y"},
    ):
        answer = await _ask(served, data=form, headers=machine)
        assert refusal(answer) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["client_secret", "client_assertion"])
@pytest.mark.parametrize("path", PATHS)
async def test_a_secret_in_the_query_is_refused(served: Served, path: str, name: str) -> None:
    params = {"client_id": "acme-web-post", name: SECRETS["acme-web-post"]}
    answer = await _ask(served, path, params=params)
    assert refusal(answer) == (400, "invalid_request")
    with_body = await _ask(served, path, params=params, data=FORM | POST_CLIENT)
    assert refusal(with_body) == (400, "invalid_request")


async def test_form_encoding_inside_basic_is_undone(served: Served) -> None:
    """RFC 6749 §2.3.1: both halves are form-encoded first."""
    encoded = "".join(f"%{ord(c):02X}" for c in SECRETS["acme-machine"])
    assert (await _ask(served, headers=_basic("acme%2Dmachine", encoded))).status_code == 200


async def test_a_public_client_cannot_prove_anything(served: Served, browser: Browser) -> None:
    redirect_uri = "http://127.0.0.1:9010/callback"
    code = await browser.code(client_id="acme-spa", redirect_uri=redirect_uri)
    form = code_form(code, client_id="acme-spa", redirect_uri=redirect_uri)
    tokens = await _ask(served, data=form)
    assert tokens.status_code == 200
    token = {"client_id": "acme-spa", "token": tokens.json()["access_token"]}
    assert refusal(await _ask(served, "/token/introspection", data=token)) == (
        401,
        "invalid_client",
    )
    answer = await _ask(served, data=FORM | {"client_id": "acme-spa"})
    assert refusal(answer) == (400, "unauthorized_client")


async def test_a_public_client_with_a_secret_in_the_store_still_has_none(
    served: Served,
) -> None:
    client = await add_client(
        served, client_type="public", token_endpoint_auth_method="client_secret_basic",
        grant_types=("client_credentials",),
    )  # fmt: skip
    name = client.client_id
    answer = await post(served, "/token", FORM, name, secret=name * 2)
    assert refusal(answer) == (401, "invalid_client")
    answer = await _ask(served, data=FORM | {"client_id": name})
    assert refusal(answer) == (400, "unauthorized_client")


async def test_a_confidential_client_registered_for_none_is_shut_out(served: Served) -> None:
    client = await add_client(served, "acme-machine", token_endpoint_auth_method="none")
    answer = await _ask(served, data=FORM | {"client_id": client.client_id})
    assert refusal(answer) == (401, "invalid_client")


async def test_failures_are_counted_for_client_and_address(served: Served) -> None:
    client = await add_client(served, "acme-machine")
    name, mine, theirs = client.client_id, new_address(), new_address()
    right = _basic(name, name * 2)
    async with configured(served, rate_limit_client_auth_max=5):
        statuses = [
            await _ask(served, headers=_basic(name, "wrong" * 8) | {"X-Forwarded-For": mine})
            for _ in range(7)
        ]
        assert [answer.status_code for answer in statuses] == [401] * 5 + [429] * 2
        assert int(statuses[-1].headers["retry-after"]) > 0
        shut_out = await _ask(served, headers=right | {"X-Forwarded-For": mine})
        assert shut_out.status_code == 429, "also with the right one, which tells nothing"
        elsewhere = await _ask(served, headers=right | {"X-Forwarded-For": theirs})
        assert elsewhere.status_code == 200
        machine = _basic("acme-machine", SECRETS["acme-machine"])
        other = await _ask(served, headers=machine | {"X-Forwarded-For": mine})
        assert other.status_code == 200


async def test_an_address_that_tries_many_clients_is_shut_out_from_all(served: Served) -> None:
    mine, theirs = new_address(), new_address()
    machine = _basic("acme-machine", SECRETS["acme-machine"])
    async with configured(served, rate_limit_address_max=5):
        statuses = [
            await _ask(served, headers=_basic(f"guess-{n}", "x" * 40) | {"X-Forwarded-For": mine})
            for n in range(7)
        ]
        assert [answer.status_code for answer in statuses] == [401] * 5 + [429] * 2
        shut_out = await _ask(served, headers=machine | {"X-Forwarded-For": mine})
        assert shut_out.status_code == 429
        elsewhere = await _ask(served, headers=machine | {"X-Forwarded-For": theirs})
        assert elsewhere.status_code == 200


async def test_a_client_that_authenticates_is_never_counted(served: Served) -> None:
    client = await add_client(served, "acme-machine")
    name, mine = client.client_id, {"X-Forwarded-For": new_address()}
    async with configured(served, rate_limit_client_auth_max=2):
        for _ in range(6):
            answer = await _ask(served, headers=_basic(name, name * 2) | mine)
            assert answer.status_code == 200


@pytest.mark.parametrize("path", PATHS)
async def test_a_parameter_given_twice_is_refused(served: Served, path: str) -> None:
    headers = _basic("acme-machine", SECRETS["acme-machine"]) | {
        "Content-Type": "application/x-www-form-urlencoded"
    }
    body = "grant_type=client_credentials&token=a&scope=x&scope=y&client_id=acme-machine"
    answer = await _ask(served, path, data=None, content=body, headers=headers)
    assert refusal(answer) == (400, "invalid_request")
