"""A database of Porta 1.x is taken over, and its people, clients and keys go on as they were."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest_asyncio
from jose import jwk, jws

from handlers import app
from porta.runtime import Runtime
from porta.services import startup
from storage.postgres import migrate
from storage.postgres.driver import Postgres
from tests.world.answers import claims_of, hidden_fields, location, query_of
from tests.world.browser import CHALLENGE
from tests.world.served import VERIFIER, Served, settings_at

FIXTURE = Path(__file__).parent.parent / "storage" / "fixtures" / "porta_1x.sql"
KEY = "0f" * 32
SECRET = "kq3v-confidential-secret-of-the-fixture-0123456789-abcdefghijklm"
CLIENT = "Zm9ydHktdGhyZWUtY2hhcmFjdGVycy1vZi1hLWNsaWVudA"
CALLBACK = "https://shop.acme.example/callback"
OLD_KIDS = {"126a675dc58ac7aa"}
PERSON = {"email": "ada@acme.example", "password": "correct horse battery staple"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def adopted(
    create_database: Callable[..., str], redis_url: str
) -> AsyncIterator[tuple[Served, Postgres]]:
    url = create_database()
    pg = await Postgres.open(url, 2, statement_timeout=0)
    await pg.execute(FIXTURE.read_text(encoding="utf-8"))
    await migrate.up(url)
    await _require_second_factor(pg, False)
    settings = settings_at(url, redis_url, signing_key_encryption_key=KEY)
    runtime = await Runtime.open(settings)
    await startup.prepare(runtime)
    server = await app.start(runtime, settings)
    async with httpx.AsyncClient(timeout=20) as http:
        yield Served(runtime, http, settings.issuer_base_url), pg
    await server.stop()
    await runtime.close()
    await pg.close()


async def _require_second_factor(pg: Postgres, required: bool) -> None:
    """Ada has a TOTP secret and her organization a policy; both are set aside for most tests."""
    await pg.execute("UPDATE users SET two_factor_enabled = %(on)s", {"on": required})
    policy = "required_any" if required else "optional"
    await pg.execute("UPDATE organizations SET two_factor_policy = %(policy)s", {"policy": policy})


async def test_a_second_factor_of_1x_is_not_dropped(adopted: tuple[Served, Postgres]) -> None:
    served, pg = adopted
    await _require_second_factor(pg, True)
    try:
        async with httpx.AsyncClient() as http:
            posted = await _sign_in(served, http)
    finally:
        await _require_second_factor(pg, False)
    assert posted.status_code == 200
    assert "needs a second step to sign in" in posted.text, "nothing of hers can be asked for"
    assert "session_acme" not in f"{posted.headers}"


async def _sign_in(served: Served, http: httpx.AsyncClient, **person: str) -> httpx.Response:
    parameters = {
        "client_id": CLIENT, "redirect_uri": CALLBACK, "response_type": "code",
        "scope": "openid profile email offline_access", "nonce": "n",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    }  # fmt: skip
    begun = await http.get(f"{served.issuer()}/auth", params=parameters)
    page = await http.get(location(begun))
    form = {**hidden_fields(page.text), **PERSON, **person}
    return await http.post(f"{page.url}/login", data=form)


async def _tokens(served: Served, code: str, secret: str = SECRET) -> httpx.Response:
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER, "client_id": CLIENT, "client_secret": secret,
    }  # fmt: skip
    return await served.http.post(f"{served.issuer()}/token", data=form)


async def test_a_person_signs_in_at_a_client_of_1x(adopted: tuple[Served, Postgres]) -> None:
    served, pg = adopted
    async with httpx.AsyncClient() as http:
        answer = await _sign_in(served, http)
        arrived = await http.get(location(answer))
    assert location(arrived).startswith(CALLBACK)
    tokens = (await _tokens(served, query_of(arrived)["code"])).json()
    said = claims_of(tokens["id_token"])
    assert said["sub"] == "00000000-0000-4000-8000-000000000022", "the subject is who it was"
    assert said["iss"] == served.issuer()
    row = await pg.fetchrow(
        "SELECT password_hash FROM users WHERE id = %(id)s", {"id": said["sub"]}
    )
    assert row is not None
    assert "m=65536,t=3,p=4" in row[0], "a hash is made anew upwards only (requirement F.9)"
    me = await served.http.get(
        f"{served.issuer()}/me", headers={"Authorization": f"Bearer {tokens['access_token']}"}
    )
    assert me.json()["email"] == "Ada@Acme.example"


async def test_the_encrypted_key_of_1x_goes_on_signing(adopted: tuple[Served, Postgres]) -> None:
    served, _ = adopted
    published = (await served.http.get(f"{served.issuer()}/jwks")).json()["keys"]
    assert {key["kid"] for key in published} >= OLD_KIDS
    assert not {"d", "p", "q"} & {name for key in published for name in key}
    async with httpx.AsyncClient() as http:
        answer = await _sign_in(served, http)
        code = query_of(await http.get(location(answer)))["code"]
    token = (await _tokens(served, code)).json()["id_token"]
    kid = jws.get_unverified_header(token)["kid"]
    assert kid in OLD_KIDS
    key = jwk.construct(next(each for each in published if each["kid"] == kid), "ES256")
    assert jws.verify(token, key, ["ES256"])


async def test_what_1x_had_ended_stays_ended(adopted: tuple[Served, Postgres]) -> None:
    served, _ = adopted
    async with httpx.AsyncClient() as http:
        wrong = await _sign_in(served, http, password="wrong horse battery staple")
        assert wrong.status_code == 200
    async with httpx.AsyncClient() as http:
        answer = await _sign_in(served, http)
        code = query_of(await http.get(location(answer)))["code"]
    for secret in ("0" * 64, "1" * 64, "revoked", "expired", "made before 013"):
        assert (await _tokens(served, code, secret)).status_code == 401
    gone = await served.http.get(f"{served.base_url}/gone/jwks")
    assert gone.status_code == 404
    old = {"grant_type": "refresh_token", "refresh_token": "a-refresh-token-of-the-time-before"}
    answer = await served.http.post(
        f"{served.issuer()}/token", data=old | {"client_id": CLIENT, "client_secret": SECRET}
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
