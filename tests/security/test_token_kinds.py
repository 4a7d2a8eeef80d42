"""Each kind of token is good for one thing, each place of a request takes one kind (RFC 8725)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from storage.postgres.driver import Postgres
from tests.world.answers import claims_of, hidden_fields
from tests.world.browser import (
    Browser,
    a_browser,
    add_client,
    add_user,
    code_form,
    is_active,
    post,
    refresh_form,
    refusal,
    userinfo,
)
from tests.world.served import Served
from tests.world.waiting import eventually

API = "https://api.acme.test"


async def test_every_kind_is_refused_where_another_is_expected(
    served: Served, browser: Browser
) -> None:
    url = await browser.begin(prompt="login")
    csrf = hidden_fields((await browser.http.get(url)).text)["_csrf"]
    uid = url.rpartition("/")[2]
    tokens = await browser.tokens()
    code = await browser.code()
    kinds = {
        "access": tokens["access_token"],
        "refresh": tokens["refresh_token"],
        "id": tokens["id_token"],
        "code": code,
        "session": browser.session or "",
        "sid": claims_of(tokens["id_token"])["sid"],
        "interaction": uid,
        "csrf": csrf,
    }
    assert all(kinds.values())
    for kind, value in kinds.items():
        if kind != "access":
            assert (await userinfo(served, value)).status_code == 401, kind
        if kind not in ("access", "refresh"):
            assert not await is_active(served, value), kind
        if kind != "refresh":
            answer = await post(served, "/token", refresh_form(value))
            assert refusal(answer) == (400, "invalid_grant"), kind
        if kind != "code":
            answer = await post(served, "/token", code_form(value))
            assert refusal(answer) == (400, "invalid_grant"), kind
        if kind != "session":
            async with _with_session(browser, value) as other:
                answer = await other.authorize(prompt="none")
            assert "error=login_required" in answer.headers["location"], kind
        if kind != "id":
            answer = await browser.authorize(id_token_hint=value)
            assert "error=invalid_request" in answer.headers["location"], kind
    assert await is_active(served, tokens["access_token"]), "nothing was harmed"
    assert (await post(served, "/token", code_form(code))).status_code == 200


@asynccontextmanager
async def _with_session(browser: Browser, value: str) -> AsyncIterator[Browser]:
    async with a_browser(browser.served) as other:
        other.wears(value, browser.secret)
        yield other


@pytest.mark.parametrize("change", ["signature", "payload", "alg_none", "stripped", "spaces"])
async def test_a_changed_access_token_is_unknown(
    served: Served, browser: Browser, change: str
) -> None:
    token = (await browser.tokens())["access_token"]
    head, payload, signature = token.split(".")
    changed = {
        "signature": f"{head}.{payload}.{signature[::-1]}",
        "payload": f"{head}.{payload[::-1]}.{signature}",
        "alg_none": f"eyJhbGciOiJub25lIn0.{payload}.",
        "stripped": f"{head}.{payload}",
        "spaces": f"{token}~",
    }[change]
    assert (await userinfo(served, changed)).status_code == 401
    assert not await is_active(served, changed)


async def test_opaque_access_tokens(served: Served, browser: Browser) -> None:
    client = await add_client(served, access_token_format="opaque")
    code = await browser.code(client_id=client.client_id)
    secret = client.client_id * 2
    answer = await post(served, "/token", code_form(code), client.client_id, secret=secret)
    token = answer.json()["access_token"]
    assert len(token) == 43
    assert (await userinfo(served, token)).json()["email"] == browser.email
    assert await is_active(served, token, client.client_id, secret)
    assert not await is_active(served, token)
    for other in (token[:-1], token.swapcase(), f"{token}A"):
        assert (await userinfo(served, other)).status_code == 401


async def test_only_digests_are_stored(served: Served, browser: Browser, pg: Postgres) -> None:
    tokens = await browser.tokens()
    rows = str(
        await pg.fetch("SELECT id, payload::text FROM artifacts")
        + await pg.fetch("SELECT id, payload::text FROM sessions")
        + await pg.fetch("SELECT id, grant_id, session_uid FROM token_families")
    )
    assert browser.session
    for value in (tokens["access_token"], tokens["refresh_token"], browser.session):
        assert value not in rows


@pytest.mark.parametrize("name", ["access_token", "token", "refresh_token", "code"])
async def test_a_token_in_the_query_is_not_taken(
    served: Served, browser: Browser, name: str
) -> None:
    tokens = await browser.tokens()
    token = tokens["access_token"]
    for method in ("GET", "POST"):
        answer = await served.http.request(method, f"{served.issuer()}/me", params={name: token})
        assert answer.status_code in (400, 401)
    for path in ("/token/introspection", "/token/revocation"):
        answer = await post(served, path, {}, params={name: token})
        assert refusal(answer) == (400, "invalid_request")
    form = {"grant_type": "refresh_token"}
    answer = await post(served, "/token", form, params={name: tokens["refresh_token"]})
    assert refusal(answer) == (400, "invalid_request")


async def test_two_tokens_at_once_are_one_too_many(served: Served, browser: Browser) -> None:
    token = (await browser.tokens())["access_token"]
    url, bearer = f"{served.issuer()}/me", {"Authorization": f"Bearer {token}"}
    answer = await served.http.post(url, data={"access_token": token}, headers=bearer)
    assert refusal(answer) == (400, "invalid_request")
    posted = await served.http.post(url, data={"access_token": token})
    assert posted.status_code == 200, "the form alone is one of the ways"


async def test_nothing_that_holds_a_token_is_kept_on_the_way(
    served: Served, browser: Browser
) -> None:
    code = await browser.code()
    answers = [await post(served, "/token", code_form(code))]
    access_token = answers[0].json()["access_token"]
    answers += [
        await post(served, "/token", code_form("x" * 43)),
        await post(served, "/token", {"grant_type": "none"}),
        await userinfo(served, access_token),
        await userinfo(served, "x"),
        await post(served, "/token/introspection", {"token": access_token}),
        await post(served, "/token/introspection", {}),
        await post(served, "/token/revocation", {"token": access_token}),
        await post(served, "/token", {}, secret="wrong" * 8),
        await browser.authorize(),
    ]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store", answer.request.url


# who may ask


async def test_introspection_is_for_those_who_have_a_right_to_the_token(
    served: Served, browser: Browser
) -> None:
    tokens = await browser.tokens()
    access, refresh = tokens["access_token"], tokens["refresh_token"]
    for token in (access, refresh):
        assert await is_active(served, token)
        assert not await is_active(served, token, "acme-machine"), "of the same application alone"
    form = {"token": access, "client_id": "acme-spa"}
    public = await served.http.post(f"{served.issuer()}/token/introspection", data=form)
    assert refusal(public) == (401, "invalid_client")
    nobody = await served.http.post(
        f"{served.issuer()}/token/introspection", data={"token": access}
    )
    assert refusal(nobody) == (401, "invalid_client")


async def test_introspection_tells_nothing_of_what_is_dead(
    served: Served, browser: Browser
) -> None:
    for value in ("x", "x" * 43, "ü", "a.b.c", "x" * 8000):
        answer = await post(served, "/token/introspection", {"token": value})
        assert (answer.status_code, answer.json()) == (200, {"active": False})
    assert browser.session is None


async def test_introspection_says_what_a_resource_needs(served: Served, browser: Browser) -> None:
    tokens = await browser.tokens(scope="openid contacts:read")
    token = tokens["access_token"]
    answer = (await post(served, "/token/introspection", {"token": token})).json()
    assert answer["active"] is True
    assert answer["iss"] == served.issuer()
    assert answer["client_id"] == "acme-web-basic"
    assert set(answer["scope"].split()) == {"openid", "contacts:read"}
    assert set(answer["aud"]) == {API, served.issuer()}
    assert answer["sub"] == claims_of(tokens["id_token"])["sub"]


async def test_introspection_says_of_either_form_what_a_jwt_says_itself(
    served: Served, browser: Browser
) -> None:
    issued, holders = {}, {}
    for form in ("jwt", "opaque"):
        client = await add_client(served, access_token_format=form)
        code = await browser.code(client_id=client.client_id)
        answer = await post(
            served, "/token", code_form(code), client.client_id, secret=client.client_id * 2
        )
        issued[form], holders[form] = answer.json(), client.client_id
    said = claims_of(issued["jwt"]["access_token"])
    assert "." not in issued["opaque"]["access_token"]
    for form in ("opaque", "jwt"):
        token, own = {"token": issued[form]["access_token"]}, holders[form]
        answer = await post(served, "/token/introspection", token, own, secret=own * 2)
        told = answer.json()
        for name in ("sub", "roles", "permissions", "department", "cost_center"):
            assert told[name] == said[name]
        assert (told["roles"], told["cost_center"]) == (["admin"], 4711)
        assert "email" not in told
    assert said.items() <= told.items(), "a JWT is told as it is"
    mine = {"token": issued["opaque"]["refresh_token"]}
    own = client.client_id
    answer = (await post(served, "/token/introspection", mine, own, secret=own * 2)).json()
    assert answer["active"] is True
    assert "roles" not in answer, "a refresh token says nothing to anybody"


# revocation


async def test_a_revoked_refresh_token_takes_its_family_along(
    served: Served, browser: Browser
) -> None:
    tokens = await browser.tokens()
    answer = await post(served, "/token/revocation", {"token": tokens["refresh_token"]})
    assert (answer.status_code, answer.content) == (200, b"")
    assert not await is_active(served, tokens["access_token"])
    refreshed = await post(served, "/token", refresh_form(tokens["refresh_token"]))
    assert refusal(refreshed) == (400, "invalid_grant")


async def test_a_revoked_access_token_is_gone_alone(served: Served, browser: Browser) -> None:
    tokens = await browser.tokens()
    # RFC 7009 §2.1: a wrong hint is no reason not to find it.
    form = {"token": tokens["access_token"], "token_type_hint": "refresh_token"}
    assert (await post(served, "/token/revocation", form)).status_code == 200
    assert not await is_active(served, tokens["access_token"])
    assert (await userinfo(served, tokens["access_token"])).status_code == 401
    assert await is_active(served, tokens["refresh_token"])


async def test_another_clients_token_is_not_revoked(served: Served, browser: Browser) -> None:
    tokens = await browser.tokens()
    for name in ("access_token", "refresh_token"):
        answer = await post(served, "/token/revocation", {"token": tokens[name]}, "acme-partner")
        assert answer.status_code == 200, "and whether it exists is not told"
        assert await is_active(served, tokens[name])
    form = {"token": tokens["refresh_token"], "client_id": "acme-spa"}
    await served.http.post(f"{served.issuer()}/token/revocation", data=form)
    assert await is_active(served, tokens["refresh_token"])


# resources and machines


async def test_a_token_is_for_the_resource_it_was_asked_for(
    served: Served, browser: Browser
) -> None:
    code = await browser.code(resource=API, scope="openid contacts:read")
    elsewhere = code_form(code, resource="https://other.test")
    tokens = (await post(served, "/token", code_form(code))).json()
    assert claims_of(tokens["access_token"])["aud"] == API
    refused = await userinfo(served, tokens["access_token"])
    assert refusal(refused) == (401, "invalid_token"), "more scope would not help (RFC 9068 §4)"
    answer = await post(
        served, "/token", refresh_form(tokens["refresh_token"], resource=served.issuer())
    )
    assert refusal(answer) == (400, "invalid_target"), "resources do not grow either"
    elsewhere["code"] = await browser.code()
    assert refusal(await post(served, "/token", elsewhere)) == (400, "invalid_target")


@pytest.mark.parametrize(
    "resource", ["https://unknown.test", f"{API}/", f"{API}#x", "api.acme.test", "//x", API.upper()]
)
async def test_an_unknown_resource_is_refused(
    served: Served, browser: Browser, resource: str
) -> None:
    asked = await browser.authorize(resource=resource)
    assert "error=invalid_target" in asked.headers["location"]
    form = {"grant_type": "client_credentials", "resource": resource}
    assert refusal(await post(served, "/token", form, "acme-machine")) == (400, "invalid_target")


@pytest.mark.parametrize("scope", ["openid", "openid profile", "profile"])
async def test_a_machine_gets_its_own_scopes_only(served: Served, scope: str) -> None:
    form = {"grant_type": "client_credentials", "scope": scope}
    answer = await post(served, "/token", form, "acme-machine")
    assert refusal(answer) == (400, "invalid_scope")


@pytest.mark.parametrize("scope", ["crm:contacts:read", "contacts:READ"])
async def test_a_machine_gets_nothing_of_what_nobody_knows(served: Served, scope: str) -> None:
    form = {"grant_type": "client_credentials", "scope": scope}
    answer = await post(served, "/token", form, "acme-machine")
    assert (answer.status_code, answer.json()["scope"]) == (200, "")
    assert "scope" not in claims_of(answer.json()["access_token"])


async def test_scopes_of_which_nothing_is_left_are_no_grant(
    served: Served, browser: Browser
) -> None:
    """Who is not told of another scope takes it that he got what he asked for (RFC 6749 §5.1)."""
    machine = await add_client(served, "acme-machine", scope="contacts:read offline_access")
    for form in (
        {"scope": "offline_access"},
        {"scope": "contacts:read", "resource": served.issuer()},
    ):
        answer = await post(
            served, "/token", {"grant_type": "client_credentials"} | form, machine.client_id,
            secret=machine.client_id * 2,
        )  # fmt: skip
        assert refusal(answer) == (400, "invalid_scope")
    both = {"grant_type": "client_credentials", "scope": "contacts:read offline_access"}
    answer = await post(served, "/token", both, machine.client_id, secret=machine.client_id * 2)
    assert answer.json()["scope"] == "contacts:read"
    code = await browser.code(scope="openid contacts:read")
    tokens = (await post(served, "/token", code_form(code))).json()
    form = refresh_form(tokens["refresh_token"], scope="contacts:read", resource=served.issuer())
    assert refusal(await post(served, "/token", form)) == (400, "invalid_scope")
    form = refresh_form(tokens["refresh_token"], resource=served.issuer())
    assert (await post(served, "/token", form)).json()["scope"] == "openid"


async def test_a_machines_token_is_nobodys_account(served: Served) -> None:
    form = {"grant_type": "client_credentials", "scope": "contacts:read"}
    answer = (await post(served, "/token", form, "acme-machine")).json()
    assert set(answer) == {"access_token", "token_type", "expires_in", "scope"}
    assert claims_of(answer["access_token"])["sub"] == "acme-machine"
    assert (await userinfo(served, answer["access_token"])).status_code == 401


async def test_a_machines_token_without_scope_has_none(served: Served) -> None:
    answer = await post(served, "/token", {"grant_type": "client_credentials"}, "acme-machine")
    assert "scope" not in answer.json()
    assert "scope" not in claims_of(answer.json()["access_token"])


@pytest.mark.parametrize(
    ("grant_type", "error"),
    [
        ("password", "unsupported_grant_type"),
        ("implicit", "unsupported_grant_type"),
        ("urn:ietf:params:oauth:grant-type:jwt-bearer", "unsupported_grant_type"),
        ("urn:ietf:params:oauth:grant-type:token-exchange", "unsupported_grant_type"),
        ("client_credentials", "unauthorized_client"),
        ("Refresh_Token", "unsupported_grant_type"),
    ],
)
async def test_other_grants_are_refused(served: Served, grant_type: str, error: str) -> None:
    form = {"grant_type": grant_type, "username": "alice@acme.test", "password": "x"}
    assert refusal(await post(served, "/token", form)) == (400, error)


# at once


async def test_a_disabled_client_stops_at_once(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    client = await add_client(served)
    secret = client.client_id * 2
    code = await browser.code(client_id=client.client_id)
    answer = await post(served, "/token", code_form(code), client.client_id, secret=secret)
    token = answer.json()["access_token"]
    asking = await add_client(served, introspects_organization=True)
    able = (asking.client_id, asking.client_id * 2)
    assert await is_active(served, token, *able)
    await pg.execute("UPDATE clients SET status = 'inactive' WHERE id = %(id)s", {"id": client.id})

    async def stopped() -> bool:
        return (await userinfo(served, token)).status_code == 401

    await eventually(stopped)
    assert not await is_active(served, token, *able)
    assert (await browser.authorize(client_id=client.client_id)).status_code == 400
    refreshed = await post(
        served, "/token", refresh_form(answer.json()["refresh_token"]), client.client_id,
        secret=secret,
    )  # fmt: skip
    assert refusal(refreshed) == (401, "invalid_client")


@pytest.mark.parametrize("change", ["status = 'revoked'", "expires_at = now()"])
async def test_a_secret_that_ended_stops_at_once(served: Served, pg: Postgres, change: str) -> None:
    client = await add_client(served, "acme-machine")
    form = {"grant_type": "client_credentials"}

    async def status() -> int:
        name = client.client_id
        return (await post(served, "/token", form, name, secret=name * 2)).status_code

    assert await status() == 200
    await pg.execute(
        f"UPDATE client_secrets SET {change} WHERE client_id = %(id)s", {"id": client.id}
    )

    async def stopped() -> bool:
        return await status() == 401

    await eventually(stopped)


async def test_somebody_without_a_role_any_more_has_none_in_the_next_token(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    user = await add_user(served)
    browser.email = user.email
    await pg.execute(
        "INSERT INTO user_roles (user_id, role_id)"
        " SELECT %(id)s, id FROM roles WHERE slug = 'viewer'",
        {"id": user.id},
    )
    tokens = await browser.tokens()
    assert "viewer" in str(claims_of(tokens["access_token"]))
    await pg.execute("DELETE FROM user_roles WHERE user_id = %(id)s", {"id": user.id})
    answer = await post(served, "/token", refresh_form(tokens["refresh_token"]))
    assert "viewer" not in str(claims_of(answer.json()["access_token"]))
