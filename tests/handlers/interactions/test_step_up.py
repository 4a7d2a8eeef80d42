"""Step-up (RFC 9470): one more factor beside a session that lives, and nothing else."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import pytest_asyncio
from msgspec.structs import replace
from pyotp import TOTP

from porta.runtime import Runtime
from porta.security import jwt
from storage.models.artifacts import Session
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.handlers.flow import (
    answered,
    begin,
    csrf,
    parameters,
    redeem_at,
    sign_in,
    submit,
)
from tests.world.house import CALLBACK, EMAIL
from tests.world.second_factors import choose, person_with_totp

MFA, PASSWORD = "urn:porta:acr:mfa", "urn:porta:acr:password"
ESSENTIAL = '{"id_token":{"acr":{"essential":true,"value":"urn:porta:acr:mfa"}}}'
CODE = "ABCD2345"


@pytest_asyncio.fixture
async def someone(runtime: Runtime, pg: Postgres) -> tuple[User, TOTP]:
    return await person_with_totp(runtime, pg, CODE)


async def _sign_in(http: httpx.AsyncClient, user: User, pg: Postgres) -> None:
    """Sign in by a password alone; the second factor is asked of them since then."""
    await choose(pg, user, None)
    posted = await submit(http, await begin(http), email=user.email)
    answer = await http.get(posted.headers["Location"])
    claims = await _claims(http, answer.headers["Location"])
    await choose(pg, user, "totp")
    assert claims["acr"] == PASSWORD


async def _claims(http: httpx.AsyncClient, location: str) -> dict[str, Any]:
    tokens = await redeem_at(http, location)
    for name in ("acr", "auth_time"):
        told = jwt.read_own(tokens["id_token"])[name]
        assert jwt.read_own(tokens["access_token"]).get(name, told) == told
    return jwt.read_own(tokens["id_token"])


async def _asked(http: httpx.AsyncClient, path: str) -> str:
    """Return the page that an interaction shows, behind the redirect to itself."""
    page = await http.get(path)
    if page.status_code == 303:
        assert page.headers["Location"] == path
        page = await http.get(path)
    assert page.status_code == 200, page.text
    return page.text


async def _show(http: httpx.AsyncClient, path: str, code: str, **more: str) -> httpx.Response:
    await _asked(http, path)
    form = {"_csrf": await csrf(http, path), "method": "totp", "code": code}
    return await http.post(f"{path}/two-factor", data=form | more)


def _now(runtime: Runtime, totp: TOTP) -> str:
    return totp.generate_otp(int(runtime.clock() // 30))


async def _session(runtime: Runtime, pg: Postgres, user: User) -> Session | None:
    """Return the living session of a person, who has one."""
    whose = {"id": user.id}
    ((uid,),) = await pg.fetch("SELECT uid FROM sessions WHERE account_id = %(id)s", whose)
    return await runtime.storage.artifacts.find_by(Session, user.organization_id, uid=uid)


@pytest.mark.parametrize("asked", [{"acr_values": MFA}, {"claims": ESSENTIAL}])
async def test_9470_only_the_missing_factor_is_asked_for(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP], pg: Postgres,
    asked: dict[str, str],
) -> None:  # fmt: skip
    user, totp = someone
    await _sign_in(http, user, pg)
    now = await _session(runtime, pg, user)
    assert now is not None
    hour = {"authenticated_at": now.authenticated_at - 3600, "expires_at": now.expires_at - 3600}
    held = replace(now, **hour)
    await runtime.storage.artifacts.save(held, 3600)
    before = "UPDATE users SET password_changed_at = now() - interval '1 day' WHERE id = %(id)s"
    await pg.execute(before, {"id": user.id})
    path = await begin(http, **asked)
    page = await _asked(http, path)
    assert 'autocomplete="one-time-code"' in page
    assert 'name="password"' not in page
    shown = await _show(http, path, _now(runtime, totp))
    answer = await http.get(shown.headers["Location"])
    claims = await _claims(http, answer.headers["Location"])
    assert (claims["acr"], claims["amr"]) == (MFA, ["pwd", "otp", "mfa"])
    assert claims["auth_time"] == held.authenticated_at, "the password was not shown again"
    after = await _session(runtime, pg, user)
    assert after is not None
    assert (after.uid, after.expires_at) == (held.uid, held.expires_at), "it ends when it was to"
    assert after.id != held.id, "what the browser knew before is worth nothing"
    again = await http.get("/acme/auth", params=parameters(**asked))
    assert (await _claims(http, again.headers["Location"]))["acr"] == MFA


async def test_9470_a_wrong_code_adds_nothing(
    http: httpx.AsyncClient, someone: tuple[User, TOTP], pg: Postgres
) -> None:
    user, _ = someone
    await _sign_in(http, user, pg)
    path = await begin(http, acr_values=MFA)
    assert (await _show(http, path, "000000")).status_code == 200
    for method in ("session", "password"):
        assert (await _show(http, path, "x", method=method)).status_code == 403
    resumed = await http.get(f"/acme/auth/{path.rpartition('/')[2]}")
    assert resumed.headers["Location"] == path
    quiet = await http.get("/acme/auth", params=parameters(acr_values=MFA, prompt="none"))
    assert answered(quiet.headers["Location"])["error"] == "login_required"
    assert (
        (await http.get("/acme/auth", params=parameters())).headers["Location"].startswith(CALLBACK)
    ), "whoever demands less is answered as before"


async def test_9470_a_session_that_has_ended_is_nothing_to_show_more_beside(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP], pg: Postgres
) -> None:
    user, totp = someone
    await _sign_in(http, user, pg)
    path = await begin(http, acr_values=MFA)
    await _asked(http, path)
    form = {"_csrf": await csrf(http, path), "method": "totp", "code": _now(runtime, totp)}
    session = await _session(runtime, pg, user)
    assert session is not None
    await runtime.storage.end_session(session)
    answer = await http.post(f"{path}/two-factor", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    assert await _session(runtime, pg, user) is None


async def test_9470_what_a_person_cannot_reach_is_told_before_they_sign_in_again(
    http: httpx.AsyncClient,
) -> None:
    await sign_in(http)
    for asked in ({"acr_values": MFA}, {"claims": ESSENTIAL}):
        answer = await http.get("/acme/auth", params=parameters(**asked))
        error = answered(answer.headers["Location"])["error"]
        assert error == "unmet_authentication_requirements"
    for values in ("urn:unknown", f"{MFA} {PASSWORD}"):
        answer = await http.get("/acme/auth", params=parameters(acr_values=values))
        claims = await _claims(http, answer.headers["Location"])
        assert claims["acr"] == PASSWORD, values


@pytest.mark.parametrize("asked", [{"max_age": "0"}, {"max_age": "9999"}, {"prompt": "login"}])
async def test_9470_where_an_age_is_demanded_the_first_factor_is_shown_again(
    http: httpx.AsyncClient, someone: tuple[User, TOTP], pg: Postgres, asked: dict[str, str]
) -> None:
    user, _ = someone
    await _sign_in(http, user, pg)
    path = await begin(http, acr_values=MFA, **asked)
    assert 'name="password"' in await _asked(http, path)
    posted = await submit(http, path, email=user.email)
    assert posted.headers["Location"] == path, "and the second one after it"


async def test_9470_somebody_else_can_sign_in_instead(
    http: httpx.AsyncClient, someone: tuple[User, TOTP], pg: Postgres
) -> None:
    user, _ = someone
    await _sign_in(http, user, pg)
    path = await begin(http, acr_values=MFA)
    await _asked(http, path)
    await http.post(f"{path}/switch", data={"_csrf": await csrf(http, path)})
    assert 'name="password"' in await _asked(http, path)
    posted = await submit(http, path, email=EMAIL)
    answer = await http.get(posted.headers["Location"])
    error = answered(answer.headers["Location"])["error"]
    assert error == "unmet_authentication_requirements", "they have no second factor"
