"""Clients prove who they are by their secret, and nobody learns why it failed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from typing import Any

import httpx
import pytest

from storage.postgres.driver import Postgres
from tests.world.browser import (
    Browser,
    add_client,
    code_form,
    configured,
    new_address,
    post,
    refusal,
)
from tests.world.served import SECRETS, Served

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
        {"client_id": "acme-machine"},
        {"client_id": "acme-web-post"},
        {"client_id": "acme-web-post", "client_secret": ""},
        {"client_id": "acme-web-post", "client_secret": "x" * 2000},
        {"client_secret": SECRETS["acme-web-post"]},
        {"client_id": "acme-spa", "client_secret": "x" * 32},
        {},
    ],
)
async def test_nothing_but_the_secret_works(served: Served, form: dict[str, str]) -> None:
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


async def _statuses(
    served: Served, credentials: list[tuple[str, str]], address: str, path: str = "/token"
) -> list[int]:
    """Return what each of these is answered, presented by Basic from one address in turn."""
    where = {"X-Forwarded-For": address}
    answers = [await _ask(served, path, headers=_basic(*each) | where) for each in credentials]
    for answer in answers:
        assert ("retry-after" in answer.headers) == (answer.status_code == 429)
    return [answer.status_code for answer in answers]


def _both(client_id: str, secret: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the two ways to present a secret."""
    in_body = FORM | {"client_id": client_id, "client_secret": secret}
    return {"headers": _basic(client_id, secret)}, {"data": in_body}


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_applications_F8_basic_and_post_stand_for_each_other(
    served: Served, method: str
) -> None:
    client = await add_client(served, "acme-machine", token_endpoint_auth_method=method)
    name = client.client_id
    for presented in _both(name, name * 2):
        assert (await _ask(served, **presented)).status_code == 200
    told = {_told(await _ask(served, **presented)) for presented in _both(name, name)}
    told |= {_told(await _ask(served, **presented)) for presented in _both("nobody", name)}
    assert len(told) == 1, "a wrong secret is told alike by either, and like an unknown client"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_applications_F8_a_client_may_forbid_the_other_method(
    served: Served, method: str
) -> None:
    client = await add_client(
        served, "acme-machine", token_endpoint_auth_method=method,
        metadata={"strict_auth_method": True},
    )  # fmt: skip
    answers = [await _ask(served, **each) for each in _both(client.client_id, client.client_id * 2)]
    expected = [200, 401] if method == "client_secret_basic" else [401, 200]
    assert [answer.status_code for answer in answers] == expected
    unknown = await _ask(served, headers=_basic("nobody", "x" * 40))
    assert _told(answers[expected.index(401)]) == _told(unknown)


async def test_K3_a_library_that_probes_the_method_is_never_shut_out(served: Served) -> None:
    """Go's x/oauth2 sends Basic first, then the body; each sign-in anew, all from one server."""
    client = await add_client(
        served, "acme-machine", token_endpoint_auth_method="client_secret_post"
    )
    name, here = client.client_id, new_address()
    async with configured(served, rate_limit_client_auth_max=2, rate_limit_address_max=3):
        for _ in range(5):
            for presented in _both(name, name * 2):
                where = presented.get("headers", {}) | {"X-Forwarded-For": here}
                answer = await _ask(served, **presented | {"headers": where})
                assert answer.status_code == 200


async def test_K3_what_guesses_nothing_is_not_counted(served: Served, pg: Postgres) -> None:
    machine = await add_client(served, "acme-machine")
    disabled = await add_client(served, "acme-machine", status="inactive")
    expired = await add_client(served, "acme-machine")
    await pg.execute(
        "UPDATE client_secrets SET expires_at = now() - interval '1 hour' WHERE client_id = %(id)s",
        {"id": expired.id},
    )
    nones = await add_client(served, "acme-machine", token_endpoint_auth_method="none")
    here = {"X-Forwarded-For": new_address()}
    async with configured(served, rate_limit_client_auth_max=1, rate_limit_address_max=1):
        for _ in range(3):
            for client in (disabled, expired, nones):
                presented = _basic(client.client_id, client.client_id * 2) | here
                assert (await _ask(served, headers=presented)).status_code == 401
            for name in (machine.client_id, "nobody"):
                answer = await _ask(served, data=FORM | {"client_id": name}, headers=here)
                assert answer.status_code == 401
        wrong = _basic(machine.client_id, "wrong" * 8) | here
        statuses = [(await _ask(served, headers=wrong)).status_code for _ in range(2)]
        assert statuses == [401, 429], "the first guess is the first that counts"


@pytest.mark.parametrize("path", PATHS)
async def test_security_4_the_right_secret_always_passes(served: Served, path: str) -> None:
    """105 wrong authentications of invented and real clients, then everybody who is right."""
    client = await add_client(served, "acme-machine")
    name, here = client.client_id, new_address()
    guesses = [(f"guess-{n}", "x" * 40) for n in range(60)] + [(name, "x" * 40)] * 45
    statuses = await _statuses(served, guesses, here, path)
    assert statuses == [401] * 90 + [429] * 15, "60 of the address, 30 of the pair"
    for client_id, secret in ((name, name * 2), *SECRETS.items()):
        answer = await _ask(
            served, path, headers=_basic(client_id, secret) | {"X-Forwarded-For": here}
        )
        assert answer.status_code not in (401, 429), client_id


async def test_faults_F8_one_broken_neighbour_stops_nobody(served: Served) -> None:
    here = new_address()
    guesses = [("acme-machine", "of last year")] * 40 + [(f"job-{n}", "x" * 40) for n in range(90)]
    statuses = await _statuses(served, guesses, here)
    assert statuses.count(429) == 30, "10 above the pair's 30, 20 above the address's 100"
    good = [("acme-machine", SECRETS["acme-machine"]), ("acme-web-post", SECRETS["acme-web-post"])]
    ways = (served.issuer() + path for path in ("/token/introspection", "/token/revocation"))
    for credentials in good * 3:
        where = _basic(*credentials) | {"X-Forwarded-For": here}
        for url in ways:
            answer = await served.http.post(url, data={"token": "t"}, headers=where)
            assert answer.status_code == 200


async def test_security_4_a_client_without_a_secret_is_never_refused_for_others(
    served: Served, browser: Browser
) -> None:
    redirect_uri, here = "http://127.0.0.1:9010/callback", new_address()
    where = {"X-Forwarded-For": here}
    async with configured(served, rate_limit_address_max=2, rate_limit_client_auth_max=1):
        await _statuses(served, [(f"guess-{n}", "x" * 40) for n in range(5)], here)
        await _statuses(served, [("acme-spa", "x" * 40)] * 5, here)
        code = await browser.code(client_id="acme-spa", redirect_uri=redirect_uri)
        form = code_form(code, client_id="acme-spa", redirect_uri=redirect_uri)
        assert (await _ask(served, data=form, headers=where)).status_code == 200


async def test_security_4_guesses_are_limited_for_client_and_address(
    served: Served, pg: Postgres
) -> None:
    client = await add_client(served, "acme-machine")
    name, here, there = client.client_id, new_address(), new_address()
    wrong, right = (name, "wrong" * 8), (name, name * 2)
    async with configured(served, rate_limit_client_auth_max=5):
        assert await _statuses(served, [wrong] * 9, here) == [401] * 5 + [429] * 4
        assert await _statuses(served, [wrong], there) == [401]
        assert await _statuses(served, [("acme-machine", "wrong" * 8)], here) == [401]
        assert await _statuses(served, [right, wrong], here) == [200, 401], "it clears the pair"
    rows = await pg.fetch(
        "SELECT organization_id::text, metadata->>'client_id' FROM audit_log"
        " WHERE event_type = 'rate_limit.client_auth' AND host(ip_address) = %(address)s",
        {"address": here},
    )
    assert rows == [(client.organization_id, name)], "once in its window"


async def _audited(pg: Postgres, address: str) -> list[tuple[str, str]]:
    rows = await pg.fetch(
        "SELECT organization_id::text, metadata->>'client_id' FROM audit_log"
        " WHERE event_type = 'client.secret.failed' AND host(ip_address) = %(address)s",
        {"address": address},
    )
    return [(str(organization), str(client)) for organization, client in rows]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["basic", "post"])
async def test_security_14_a_wrong_secret_leaves_a_row_in_the_audit_log(
    served: Served, pg: Postgres, path: str, method: str
) -> None:
    client = await add_client(served, "acme-web-basic")
    name, here = client.client_id, new_address()

    async def present(secret: str) -> int:
        request: dict[str, Any] = {"headers": {"X-Forwarded-For": here}}
        if method == "basic":
            request["headers"] |= _basic(name, secret)
        else:
            request["data"] = FORM | {"client_id": name, "client_secret": secret}
        return (await _ask(served, path, **request)).status_code

    one = (client.organization_id, name)
    assert [await present("wrong" * 8) for _ in range(5)] == [401] * 5
    assert await _audited(pg, here) == [one], "one, however often"
    assert await present(name * 2) != 401
    assert await _audited(pg, here) == [one], "the right one leaves none"
    assert await present("wrong" * 8) == 401
    assert await _audited(pg, here) == [one, one], "and the next begins anew"


async def test_security_14_names_that_a_stranger_invents_leave_no_row(
    served: Served, pg: Postgres
) -> None:
    here = new_address()
    guesses = [(f"nobody-{number}", "x" * 40) for number in range(5)]
    assert await _statuses(served, guesses, here) == [401] * 5
    neighbour = served.issuer("porta-admin") + "/token"
    elsewhere = _basic("acme-machine", "x" * 40) | {"X-Forwarded-For": here}
    assert (await served.http.post(neighbour, data=FORM, headers=elsewhere)).status_code == 401
    assert await _audited(pg, here) == []


async def test_security_4_an_address_block_is_limited_over_the_installation(
    served: Served,
) -> None:
    other = served.issuer("porta-admin") + "/token"
    async with configured(served, rate_limit_address_max=50, rate_limit_installation_max=4):
        network = f"2001:db8:{secrets.randbelow(2**16):x}:7"
        told = []
        for number in range(6):
            guess = _basic(f"guess-{number}", "x" * 40)
            guess |= {"X-Forwarded-For": f"{network}::{number + 1:x}"}
            url = other if number % 2 else served.issuer() + "/token"
            told.append((await served.http.post(url, data=FORM, headers=guess)).status_code)
        assert told == [401] * 4 + [429] * 2
        machine = _basic("acme-machine", SECRETS["acme-machine"])
        right = machine | {"X-Forwarded-For": f"{network}::99"}
        assert (await _ask(served, headers=right)).status_code == 200


async def test_security_4_parallel_guesses_do_not_outrun_the_count(served: Served) -> None:
    client = await add_client(served, "acme-machine")
    wrong = _basic(client.client_id, "wrong" * 8) | {"X-Forwarded-For": new_address()}
    async with configured(served, rate_limit_client_auth_max=5):
        answers = await asyncio.gather(*(_ask(served, headers=wrong) for _ in range(25)))
    assert sorted(each.status_code for each in answers) == [401] * 5 + [429] * 20


async def test_a_client_that_authenticates_costs_no_count(served: Served) -> None:
    right = _basic("acme-machine", SECRETS["acme-machine"]) | {"X-Forwarded-For": new_address()}
    await _ask(served, headers=right)
    before = served.runtime.storage.round_trips
    for _ in range(3):
        assert (await _ask(served, headers=right)).status_code == 200
    assert served.runtime.storage.round_trips.redis == before.redis


@pytest.mark.parametrize("path", PATHS)
async def test_a_parameter_given_twice_is_refused(served: Served, path: str) -> None:
    headers = _basic("acme-machine", SECRETS["acme-machine"]) | {
        "Content-Type": "application/x-www-form-urlencoded"
    }
    body = "grant_type=client_credentials&token=a&scope=x&scope=y&client_id=acme-machine"
    answer = await _ask(served, path, data=None, content=body, headers=headers)
    assert refusal(answer) == (400, "invalid_request")
