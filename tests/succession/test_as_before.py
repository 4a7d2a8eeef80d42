"""What people and clients of 1.x met at a server of ours: as before, or refused with a way on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from storage.postgres.driver import Postgres
from tests import factories
from tests.factories import challenge_of
from tests.succession import porta_1x
from tests.succession.conftest import take_over
from tests.succession.sign_in import AUTH, CLIENT, serving, tokens
from tests.world.answers import hidden_fields, location, query_in, query_of
from tests.world.served import CALLBACK, VERIFIER, Served
from tests.world.waiting import eventually

POST = ("dock-post", porta_1x.SECRET)
_CLIENTS = """
    UPDATE clients SET grant_types = '{authorization_code,refresh_token,client_credentials}'
    WHERE client_id = 'dock-web';
    WITH made AS (
        INSERT INTO clients (organization_id, application_id, client_id, client_name, client_type,
            redirect_uris, grant_types, scope, token_endpoint_auth_method)
        SELECT organization_id, application_id, 'dock-post', 'Post', client_type, redirect_uris,
            grant_types, scope, 'client_secret_post'
        FROM clients WHERE client_id = 'dock-web' RETURNING id
    )
    INSERT INTO client_secrets (client_id, secret_hash, secret_sha256)
    SELECT made.id, s.secret_hash, s.secret_sha256 FROM made, client_secrets s
    JOIN clients c ON c.id = s.client_id WHERE c.client_id = 'dock-web'
"""
_RESOURCE = "https://api.dock.example"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(create_database: Callable[..., str]) -> AsyncIterator[Served]:
    url = porta_1x.build(create_database, _CLIENTS)
    take_over(url)
    async with serving(url) as made:
        yield made


def _asked(**more: str) -> dict[str, str]:
    return {
        "client_id": CLIENT,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        **more,
    }


async def _posted(
    served: Served, path: str, auth: tuple[str, str], by_post: bool, **form: str
) -> httpx.Response:
    url = f"{served.issuer('dock')}{path}"
    if by_post:
        return await served.http.post(
            url, data={**form, "client_id": auth[0], "client_secret": auth[1]}
        )
    return await served.http.post(url, data=form, auth=auth)


async def _code(served: Served, client_id: str) -> str:
    async with httpx.AsyncClient(timeout=60) as http:
        answer = await http.get(f"{served.issuer('dock')}/auth", params=_asked(client_id=client_id))
        page = await http.get(location(answer))
        person = {"email": "cleo@dock.example", "password": porta_1x.PASSWORD}
        answer = await http.post(f"{page.url}/login", data=hidden_fields(page.text) | person)
        return query_of(await http.get(location(answer)))["code"]


@pytest.mark.parametrize("by_post", [False, True])
@pytest.mark.parametrize("auth", [AUTH, POST])
async def test_succession_A3_either_way_of_sending_a_secret_is_taken(
    served: Served, auth: tuple[str, str], by_post: bool
) -> None:
    """Whichever is registered, at every endpoint that 1.x took both at."""
    redeemed = await _posted(
        served, "/token", auth, by_post, grant_type="authorization_code",
        code=await _code(served, auth[0]), redirect_uri=CALLBACK, code_verifier=VERIFIER,
    )  # fmt: skip
    assert redeemed.status_code == 200, redeemed.text
    issued = redeemed.json()
    renewed = await _posted(
        served, "/token", auth, by_post, grant_type="refresh_token",
        refresh_token=issued["refresh_token"],
    )  # fmt: skip
    machine = await _posted(served, "/token", auth, by_post, grant_type="client_credentials")
    assert (renewed.status_code, machine.status_code) == (200, 200)
    value = renewed.json()["access_token"]
    told = await _posted(served, "/token/introspection", auth, by_post, token=value)
    assert told.json()["active"] is True
    ended = await _posted(served, "/token/revocation", auth, by_post, token=value)
    assert ended.status_code == 200


@pytest.mark.parametrize("by_post", [False, True])
@pytest.mark.parametrize("auth", [AUTH, POST])
async def test_succession_A3_a_wrong_secret_is_refused_either_way(
    served: Served, auth: tuple[str, str], by_post: bool
) -> None:
    wrong = (auth[0], auth[1][:-1])
    for path, form in (
        ("/token", {"grant_type": "client_credentials"}),
        ("/token/introspection", {"token": "x" * 43}),
    ):
        answer = await _posted(served, path, wrong, by_post, **form)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    both = await served.http.post(
        f"{served.issuer('dock')}/token", auth=auth,
        data={"grant_type": "client_credentials", "client_id": auth[0], "client_secret": auth[1]},
    )  # fmt: skip
    assert both.status_code in (400, 401), "two methods at once (RFC 6749 §2.3)"


async def test_succession_A10_in_a_storm_nobody_is_lost_who_comes_again(
    create_database: Callable[..., str],
) -> None:
    """Everybody signs in anew at once: whoever has no place is told when to come again, and no
    right password is counted against anybody.
    """
    url = porta_1x.build(create_database)
    take_over(url)
    async with serving(url, argon2_workers=1, argon2_queue=1) as served:
        waits: list[str] = []
        people = ["cleo", "dora", "egon"] * 2
        await asyncio.gather(*(_persistently(served, name, waits) for name in people))
        assert waits, "there was no room for six at once"
        assert all(int(each) > 0 for each in waits)
        pg = await Postgres.open(url, 1)
        counted = await pg.fetch(
            "SELECT sum(failed_login_count), sum(login_count) FROM users"
            f" WHERE organization_id = '{porta_1x.DOCK}'"
        )
        await pg.close()
        assert counted == [(0, len(people))]


async def _persistently(served: Served, name: str, waits: list[str]) -> None:
    async with httpx.AsyncClient(timeout=120) as http:
        answer = await http.get(f"{served.issuer('dock')}/auth", params=_asked())
        page = await http.get(location(answer))
        form = hidden_fields(page.text) | {
            "email": f"{name}@dock.example", "password": porta_1x.PASSWORD,
        }  # fmt: skip
        answer = await http.post(f"{page.url}/login", data=form)
        while answer.status_code == 503:
            waits.append(answer.headers["Retry-After"])
            await asyncio.sleep(0.05)
            answer = await http.post(f"{page.url}/login", data=form)
        assert answer.status_code == 303, answer.text
        assert "code" in query_of(await http.get(location(answer)))


async def test_succession_A12_a_resource_has_to_be_registered(served: Served) -> None:
    url = f"{served.issuer('dock')}/auth"
    refused = await served.http.get(url, params=_asked(resource=_RESOURCE))
    assert query_of(refused)["error"] == "invalid_target"
    await served.runtime.storage.everywhere.api_resources.insert(
        factories.api(
            id="00000000-0000-4000-8000-0000000000f1", organization_id=porta_1x.DOCK,
            identifier=_RESOURCE, name="API",
        )
    )  # fmt: skip

    async def taken() -> bool:
        answer = await served.http.get(url, params=_asked(resource=_RESOURCE))
        return location(answer).startswith(served.base_url)

    await eventually(taken)


@pytest.mark.parametrize("status", ["inactive", "archived"])
async def test_succession_A16_clients_of_an_application_that_is_not_active_are_refused(
    adopted: str, database: Postgres, status: str
) -> None:
    """`migrate check` has told who they are; with the application they are back."""
    change = f"UPDATE applications SET status = '{{}}' WHERE id = '{porta_1x.SHOP}'"
    await database.execute(change.format(status))
    async with serving(adopted) as served:
        url = f"{served.issuer('dock')}/auth"
        assert (await served.http.get(url, params=_asked())).status_code == 400
        await database.execute(change.format("active"))

        async def back() -> bool:
            return (await served.http.get(url, params=_asked())).status_code == 303

        await eventually(back)
        assert "id_token" in await tokens(served)


@pytest.mark.parametrize(
    "change",
    [
        f"UPDATE users SET two_factor_enabled = TRUE, two_factor_method = 'totp'"
        f" WHERE id = '{porta_1x.CLEO}'",
        f"UPDATE organizations SET two_factor_policy = 'required_any' WHERE id = '{porta_1x.DOCK}'",
        "UPDATE clients SET login_methods = '{magic_link}' WHERE client_id = 'dock-web'",
        f"UPDATE users SET password_hash = NULL WHERE id = '{porta_1x.CLEO}'",
    ],
)
async def test_succession_A6_what_1x_asked_for_besides_a_password_is_not_done_without(
    adopted: str, database: Postgres, change: str
) -> None:
    """Nobody gets in by the password alone because the rest is not there yet."""
    await database.execute(change)
    async with serving(adopted) as served, httpx.AsyncClient(timeout=60) as http:
        page = await http.get(
            location(await http.get(f"{served.issuer('dock')}/auth", params=_asked()))
        )
        person = {"email": "cleo@dock.example", "password": porta_1x.PASSWORD}
        answer: Any = await http.post(f"{page.url}/login", data=hidden_fields(page.text) | person)
        if answer.is_redirect:  # to the page that asks for the rest, and to nobody else
            assert location(answer) == str(page.url)
            answer = await http.get(location(answer))
        assert (answer.is_redirect, query_in(str(answer.url)).get("code")) == (False, None)
        quiet = await http.get(f"{served.issuer('dock')}/auth", params=_asked(prompt="none"))
        assert query_of(quiet)["error"] == "login_required", "there is no session"
