"""Global Token Revocation: a trusted caller ends all that a person holds, and nobody else does."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from porta.security.client_keys import parse_jwks
from porta.security.jwt import sign
from porta.security.keyring import KeyRing, KeyRings
from storage.models.clients import Client
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests import factories
from tests.porta.security.rows import KEYS, row
from tests.world.administered import set_client_status, set_user_status
from tests.world.browser import (
    PASSWORD,
    Browser,
    a_browser,
    add_client,
    add_user,
    is_active,
    post,
    refresh_form,
    refusal,
    userinfo,
)
from tests.world.served import Served, beside
from tests.world.waiting import eventually

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def ring() -> KeyRing:
    return KeyRings.build([row()], KEYS, longest_token_ttl=3600).of("acme", time.time())


@dataclass(slots=True)
class Caller:
    """A client that may revoke, and what it signs."""

    served: Served
    ring: KeyRing
    client: Client

    @property
    def url(self) -> str:
        return f"{self.served.issuer()}/global-token-revocation"

    def assertion(
        self, typ: str = "global-token-revocation+jwt", *, life: int = 120, **changes: Any
    ) -> str:
        now, name = int(time.time()), self.client.client_id
        claims = {"iss": name, "sub": name, "aud": self.url, "jti": uuid4().hex}
        claims |= {"iat": now, "exp": now + life} | changes
        return sign(self.ring.signer("ES256"), claims, typ)

    async def revoke(self, sub_id: Any, assertion: str | None = None, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {assertion or self.assertion()}"}
        return await self.served.http.post(
            self.url, **{"json": {"sub_id": sub_id}, "headers": headers} | more
        )


@pytest_asyncio.fixture
async def caller(served: Served, ring: KeyRing) -> Caller:
    jwks = parse_jwks(ring.jwks).as_jwks()
    client = await add_client(served, revokes_globally=True, metadata={"jwks": jwks})
    return Caller(served, ring, client)


@pytest_asyncio.fixture
async def user(served: Served) -> User:
    return await add_user(served)


@pytest_asyncio.fixture
async def signed_in(served: Served, user: User) -> AsyncIterator[Browser]:
    async with a_browser(served) as browser:
        browser.email, browser.password = user.email, PASSWORD
        yield browser


@pytest.mark.parametrize("form", ["email", "opaque", "iss_sub"])
async def test_all_that_a_person_holds_is_ended_on_every_instance(
    served: Served, caller: Caller, user: User, signed_in: Browser, pg: Postgres, form: str
) -> None:
    tokens = await signed_in.tokens()
    subjects = {
        "email": {"format": "email", "email": user.email.upper()},
        "opaque": {"format": "opaque", "id": user.id},
        "iss_sub": {"format": "iss_sub", "iss": served.issuer(), "sub": user.id},
    }
    answer = await caller.revoke(subjects[form])
    assert (answer.status_code, answer.content) == (204, b"")
    async with beside(served) as other:
        for one in (served, other):
            assert not await is_active(one, tokens["access_token"])
            assert (await userinfo(one, tokens["access_token"])).status_code == 401
    assert refusal(await post(served, "/token", refresh_form(tokens["refresh_token"]))) == (
        400,
        "invalid_grant",
    )
    assert "error=login_required" in (await signed_in.authorize(prompt="none")).headers["location"]
    rows = await pg.fetch(
        "SELECT metadata ->> 'client_id' FROM audit_log"
        " WHERE event_type = 'user.tokens.revoked' AND user_id = %(id)s",
        {"id": user.id},
    )
    assert [row[0] for row in rows] == [caller.client.client_id]
    again = await signed_in.tokens()
    assert await is_active(served, again["access_token"]), "who signs in anew goes on"


async def test_an_assertion_is_good_once(caller: Caller, user: User) -> None:
    sub_id, assertion = {"format": "opaque", "id": user.id}, caller.assertion()
    assert (await caller.revoke(sub_id, assertion)).status_code == 204
    replayed = await caller.revoke(sub_id, assertion)
    assert (replayed.status_code, replayed.json()["error"]) == (401, "invalid_token")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://elsewhere.example/global-token-revocation"},
        {"life": -10},
        {"life": 86_400},
        {"jti": None},
        {"iss": "nobody"},
        {"iss": "acme-web-basic", "sub": "acme-web-basic"},
        {"typ": "at+jwt"},
    ],
    ids=lambda changes: "-".join(changes),
)
async def test_an_assertion_that_is_not_right(
    served: Served, caller: Caller, user: User, signed_in: Browser, changes: dict[str, Any]
) -> None:
    tokens = await signed_in.tokens()
    refused = await caller.revoke({"format": "opaque", "id": user.id}, caller.assertion(**changes))
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer ")
    assert await is_active(served, tokens["access_token"])


async def test_no_assertion_or_a_token_in_its_place(
    caller: Caller, user: User, signed_in: Browser
) -> None:
    body: dict[str, Any] = {"json": {"sub_id": {"format": "opaque", "id": user.id}}}
    http = caller.served.http
    assert (await http.post(caller.url, **body)).status_code == 401
    token = (await signed_in.tokens())["access_token"]
    for value in (token, "x"):
        headers = {"Authorization": f"Bearer {value}"}
        assert (await http.post(caller.url, **body, headers=headers)).status_code == 401
    assert (await http.get(caller.url)).status_code == 405


async def test_a_client_without_the_right(
    served: Served, caller: Caller, user: User, signed_in: Browser
) -> None:
    tokens = await signed_in.tokens()
    lesser = await add_client(served, metadata=caller.client.metadata)
    refused = await Caller(served, caller.ring, lesser).revoke({"format": "opaque", "id": user.id})
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
    assert await is_active(served, tokens["access_token"])


async def test_a_client_that_is_off_or_of_another_organization(
    served: Served, caller: Caller, user: User
) -> None:
    sub_id = {"format": "opaque", "id": user.id}
    elsewhere = f"{served.issuer('globex')}/global-token-revocation"
    headers = {"Authorization": f"Bearer {caller.assertion(aud=elsewhere)}"}
    answer = await served.http.post(elsewhere, json={"sub_id": sub_id}, headers=headers)
    assert answer.status_code in (401, 404)
    await set_client_status(served.runtime.storage.everywhere, caller.client.client_id, "inactive")

    async def refused() -> bool:
        return bool((await caller.revoke(sub_id)).status_code == 401)

    await eventually(refused)


@pytest.mark.parametrize(
    "sub_id",
    [
        {"format": "opaque", "id": NOBODY},
        {"format": "opaque", "id": "nobody"},
        {"format": "email", "email": "nobody@acme.test"},
        {"format": "iss_sub", "iss": "https://elsewhere.example", "sub": NOBODY},
    ],
    ids=lambda said: said["format"],
)
async def test_somebody_who_is_not_there(caller: Caller, sub_id: dict[str, str]) -> None:
    assert (await caller.revoke(sub_id)).status_code == 404


async def test_a_person_of_another_organization_is_not_there(
    served: Served, caller: Caller
) -> None:
    other = await served.runtime.storage.everywhere.organizations.find_super_admin()
    assert other is not None
    stranger = factories.user(id=str(uuid4()), organization_id=other.id, email="s@other.test")
    await served.runtime.storage.everywhere.users.insert(stranger)
    answers = [
        await caller.revoke({"format": "opaque", "id": stranger.id}),
        await caller.revoke({"format": "email", "email": stranger.email}),
    ]
    assert [each.status_code for each in answers] == [404, 404]


@pytest.mark.parametrize(
    "more",
    [
        {"json": {"sub_id": {"format": "phone_number", "phone_number": "+49"}}},
        {"json": {"subject": {"format": "opaque", "id": "x"}}},
        {"json": None, "content": b"{"},
        {"json": None, "content": b'{"sub_id": {}, "sub_id": {}}'},
        {"json": None, "data": {"sub_id": "x"}},
        {"json": None, "content": b""},
    ],
    ids=str,
)
async def test_a_body_that_names_nobody(caller: Caller, more: dict[str, Any]) -> None:
    given: dict[str, Any] = dict(more)
    headers = {"Authorization": f"Bearer {caller.assertion()}"}
    if "content" in given:
        headers["Content-Type"] = "application/json"
    answer: httpx.Response = await caller.revoke(None, **given | {"headers": headers})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_who_is_suspended_is_found_as_well(
    served: Served, caller: Caller, user: User
) -> None:
    await set_user_status(served.runtime.storage.everywhere, user.id, "suspended")
    assert (await caller.revoke({"format": "opaque", "id": user.id})).status_code == 204


async def test_discovery_tells_of_it(served: Served) -> None:
    found = await served.http.get(f"{served.issuer()}/.well-known/oauth-authorization-server")
    told = found.json()
    assert told["global_token_revocation_endpoint"] == (
        f"{served.issuer()}/global-token-revocation"
    )
    assert told["global_token_revocation_endpoint_auth_methods_supported"] == ["private_key_jwt"]
