"""Trusted devices: one factor less for a policy, never for a client, and for nobody else (0050)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pyotp import TOTP

from porta.audit.actors import SYSTEM
from porta.runtime import Runtime
from porta.security import jwt, trusted_devices
from porta.services import (
    organizations,
    session_control,
    user_passwords,
    user_two_factor,
    users,
)
from porta.services.organization_fields import OrganizationPatch
from porta.services.user_passwords import NewPassword
from storage.models.users import User
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.handlers.flow import VERIFIER, answered, begin, csrf, submit
from tests.world.house import CALLBACK, SECRET
from tests.world.second_factors import choose, person_with_totp
from tests.world.waiting import eventually

CODES = ("ABCD2345", "WXYZ6789")
MFA, PASSWORD = "urn:porta:acr:mfa", "urn:porta:acr:password"
ANOTHER = "staple battery horse correct"


async def _set(runtime: Runtime, slug: str = "acme", **said: object) -> None:
    """Change an organization, as an administrator does."""
    async with runtime.storage.everywhere.transaction() as tx:
        await organizations.update(tx, SYSTEM, slug, OrganizationPatch.parse(said))


@pytest_asyncio.fixture(autouse=True)
async def thirty_days(runtime: Runtime) -> AsyncIterator[None]:
    """An organization where devices may be trusted for thirty days."""
    for slug in ("acme", "globex"):
        await _set(runtime, slug, trusted_device_days=30, two_factor_policy="optional")
    yield


@pytest_asyncio.fixture
async def someone(runtime: Runtime, pg: Postgres) -> tuple[User, TOTP]:
    return await person_with_totp(runtime, pg, *CODES)


async def _half_way(http: httpx.AsyncClient, user: User, **asked: Any) -> str:
    """Show the password; return the path of the interaction, which asks for more."""
    path = await begin(http, **asked)
    posted = await submit(http, path, email=user.email)
    assert (posted.status_code, posted.headers["Location"]) == (303, path), posted.text
    return path


async def _is_asked(http: httpx.AsyncClient, user: User, **asked: Any) -> bool:
    """Sign in with a password, in no session; tell whether more is asked for."""
    _forget_session(http)
    path = await begin(http, **asked)
    posted = await submit(http, path, email=user.email)
    assert posted.status_code == 303, posted.text
    return bool(posted.headers["Location"] == path)


def _forget_session(http: httpx.AsyncClient) -> None:
    for name in [name for name in http.cookies if "session" in name]:
        http.cookies.delete(name)


async def _trust(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP], **changes: str
) -> httpx.Response:
    """Sign in with both factors, and say that this device is not to ask again."""
    user, totp = someone
    path = await _half_way(http, user)
    assert "for 30 days" in (await http.get(path)).text
    form = {
        "_csrf": await csrf(http, path), "method": "totp", "trust_device": "1",
        "code": totp.generate_otp(int(runtime.clock() // 30)),
    }  # fmt: skip
    shown = await http.post(f"{path}/two-factor", data=form | changes)
    assert shown.status_code == 303, shown.text
    return shown


async def _tokens(http: httpx.AsyncClient, location: str) -> dict[str, Any]:
    answer = await http.get(location)
    form = {
        "grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER,
        "code": answered(answer.headers["Location"])["code"], "client_id": "web",
        "client_secret": SECRET,
    }  # fmt: skip
    return jwt.read_own((await http.post("/acme/token", data=form)).json()["id_token"])


async def _events(pg: Postgres, user: User) -> list[str]:
    rows = await pg.fetch(
        "SELECT event_type FROM audit_log WHERE user_id = %(id)s ORDER BY sequence",
        {"id": user.id},
    )
    return [row[0] for row in rows]


async def _devices(runtime: Runtime, user: User) -> int:
    return len(await runtime.storage.trusted_devices.list(user.id, user.organization_id))


async def test_who_mistypes_a_code_does_not_have_to_tick_the_box_again(
    http: httpx.AsyncClient, someone: tuple[User, TOTP], pg: Postgres
) -> None:
    path = await _half_way(http, someone[0])
    box = 'name="trust_device" value="1"'
    assert f"{box}>" in (await http.get(path)).text
    form = {"_csrf": await csrf(http, path), "method": "totp", "code": "000000"}
    wrong = await http.post(f"{path}/two-factor", data=form)
    assert (wrong.status_code, f"{box}>" in wrong.text) == (200, True)
    wrong = await http.post(f"{path}/two-factor", data=form | {"trust_device": "1"})
    assert (wrong.status_code, f"{box} checked>" in wrong.text) == (200, True)
    forged = await http.post(f"{path}/two-factor", data={"_csrf": "x", "trust_device": "1"})
    assert (forged.status_code, f"{box}>" in forged.text) == (403, True), "no tick of somebody else"


async def test_who_has_a_code_mailed_again_does_not_have_to_tick_the_box_again(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP], pg: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with_mail = runtime.settings.model_copy(update={"smtp_host": "mail.example"})
    monkeypatch.setattr(runtime, "settings", with_mail)
    await choose(pg, someone[0], "email")
    path = await _half_way(http, someone[0])
    page = (await http.get(path)).text
    resend = re.search(r"<button[^>]*>Send", page)
    assert resend is not None
    # Whatever stands in the form beside it goes with this button: it is a button of that form.
    assert (f'formaction="{path}/two-factor/resend"' in resend[0], 'form="' in resend[0]) == (
        True, True,
    )  # fmt: skip
    form = {"_csrf": await csrf(http, path), "method": "email_otp", "code": "", "trust_device": "1"}
    again = await http.post(f"{path}/two-factor/resend", data=form)
    assert (again.status_code, 'name="trust_device" value="1" checked>' in again.text) == (
        200,
        True,
    )


async def test_who_does_not_say_so_is_asked_again(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP], pg: Postgres
) -> None:
    user, totp = someone
    path = await _half_way(http, user)
    form = {
        "_csrf": await csrf(http, path), "method": "totp",
        "code": totp.generate_otp(int(runtime.clock() // 30)),
    }  # fmt: skip
    assert (await http.post(f"{path}/two-factor", data=form)).status_code == 303
    assert "devices" not in http.cookies
    assert await _is_asked(http, user)
    assert await _devices(runtime, user) == 0


async def test_a_trusted_device_asks_no_more_and_tokens_do_not_pretend(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP], pg: Postgres
) -> None:
    user, _ = someone
    shown = await _trust(runtime, http, someone)
    assert (await _tokens(http, shown.headers["Location"]))["acr"] == MFA
    (line,) = (x for x in shown.headers.get_list("set-cookie") if x.startswith("devices="))
    assert "HttpOnly; SameSite=Lax" in line
    assert "Path=/; Max-Age=7776000" in line
    _forget_session(http)
    posted = await submit(http, await begin(http), email=user.email)
    claims = await _tokens(http, posted.headers["Location"])
    assert (claims["acr"], claims["amr"]) == (PASSWORD, ["pwd"])
    told = await _events(pg, user)
    assert told.count("2fa.device.trusted") == told.count("2fa.device.used") == 1
    row = await pg.fetchrow(
        "SELECT digest, last_used_at IS NOT NULL FROM trusted_devices WHERE user_id = %(id)s",
        {"id": user.id},
    )
    assert row is not None
    assert row[1]
    secret = http.cookies["devices"][10:32]
    assert secret not in row[0], "nothing that could be presented is kept"
    stored = await pg.fetch(
        "SELECT payload ->> 'trusted_device' FROM sessions WHERE account_id = %(id)s"
        " ORDER BY used_at DESC LIMIT 1",
        {"id": user.id},
    )
    assert stored[0][0] is not None


async def test_the_password_is_asked_for_all_the_same(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP]
) -> None:
    await _trust(runtime, http, someone)
    _forget_session(http)
    wrong = await submit(http, await begin(http), email=someone[0].email, password="wrong")
    assert wrong.status_code == 200
    assert "session" not in " ".join(http.cookies)


@pytest.mark.parametrize(
    "asked",
    [
        {"acr_values": MFA},
        {"claims": f'{{"id_token":{{"acr":{{"essential":true,"value":"{MFA}"}}}}}}'},
        {"prompt": "login"},
    ],
    ids=["acr_values", "essential acr", "prompt"],
)
async def test_a_client_that_wants_to_be_sure_gets_a_second_factor(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP], asked: dict[str, str]
) -> None:
    await _trust(runtime, http, someone)
    assert await _is_asked(http, someone[0], **asked)
    assert not await _is_asked(http, someone[0])


async def test_in_a_session_that_a_device_led_to_more_is_shown_where_it_is_wanted(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP]
) -> None:
    user, _ = someone
    await _trust(runtime, http, someone)
    _forget_session(http)
    posted = await submit(http, await begin(http), email=user.email)
    await http.get(posted.headers["Location"])
    for asked in ({"acr_values": MFA}, {"prompt": "login"}):
        path = await begin(http, **asked)
        if asked.get("prompt"):
            assert (await submit(http, path, email=user.email)).headers["Location"] == path
        page = await http.get(path)
        assert 'name="code"' in (page.text or (await http.get(path)).text)


async def test_what_is_ones_own_is_changed_by_who_showed_both(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP]
) -> None:
    """Whoever knows the password, at a device that is left open, takes nothing away."""
    user, _ = someone
    await _trust(runtime, http, someone)
    _forget_session(http)
    posted = await submit(http, await begin(http), email=user.email)
    await http.get(posted.headers["Location"])
    page = await http.get("/acme/account/sessions")
    assert page.status_code == 200
    form = {"_csrf": await csrf(http, "/acme/account/sessions"), "others": "1"}
    asked = await http.post("/acme/account/sessions", data=form)
    again = asked.headers["Location"]
    assert again.startswith("/interaction/")
    assert (await submit(http, again, email=user.email)).headers["Location"] == again
    assert 'name="code"' in (await http.get(again)).text
    http.cookies.delete(next(name for name in http.cookies if "session" in name), path="/acme")
    _forget_session(http)
    first = (await http.get("/acme/account")).headers["Location"]
    assert (await submit(http, first, email=user.email)).headers["Location"] == first


async def test_a_recovery_code_trusts_no_device(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP]
) -> None:
    path = await _half_way(http, someone[0])
    assert "for 30 days" not in (await http.get(f"{path}?method=recovery_code")).text
    form = {
        "_csrf": await csrf(http, path), "method": "recovery_code", "code": CODES[0],
        "trust_device": "1",
    }  # fmt: skip
    assert (await http.post(f"{path}/two-factor", data=form)).status_code == 303
    assert await _devices(runtime, someone[0]) == 0
    assert await _is_asked(http, someone[0])


async def test_nobody_else_is_spared_by_it(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP], pg: Postgres
) -> None:
    await _trust(runtime, http, someone)
    cookie = http.cookies["devices"]
    other, _ = await person_with_totp(runtime, pg)
    assert await _is_asked(http, other)
    there, _ = await person_with_totp(runtime, pg, slug="globex")
    keys, now = runtime.settings.cookie_keys, runtime.clock()
    mine = (someone[0].organization_id, someone[0].id)
    digest = trusted_devices.find(keys, cookie, *mine, now)
    assert digest is not None
    assert trusted_devices.find(keys, cookie, there.organization_id, there.id, now) is None
    assert trusted_devices.find(keys, cookie, there.organization_id, mine[1], now) is None
    find = runtime.storage.trusted_devices.find
    assert await find(mine[1], mine[0], digest)
    assert await find(there.id, there.organization_id, digest) is None
    assert await find(other.id, mine[0], digest) is None
    assert await find(mine[1], there.organization_id, digest) is None


async def test_what_was_made_up_costs_no_look_up(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP]
) -> None:
    user, _ = someone

    async def cost() -> int:
        _forget_session(http)
        path = await begin(http)
        form = {"email": user.email, "password": "correct horse battery staple"}
        form["_csrf"] = await csrf(http, path)
        before = runtime.storage.round_trips.postgres
        assert (await http.post(f"{path}/login", data=form)).headers["Location"] == path
        return runtime.storage.round_trips.postgres - before

    await cost()
    usual = await cost()
    http.cookies.set("devices", "2" * 10 + "x" * 65)
    assert await cost() == usual
    await _set(runtime, trusted_device_days=0)
    # Of two, for the change itself is heard of, and read, at any moment.
    assert min([await cost() for _ in range(2)]) == usual


async def _password(tx: Storage, runtime: Runtime, user: User) -> None:
    hashed = await runtime.passwords.hashed(ANOTHER)
    await user_passwords.set(tx, SYSTEM, user.id, NewPassword(password=ANOTHER), hashed)


async def _reset(tx: Storage, runtime: Runtime, user: User) -> None:
    await user_two_factor.reset(tx, SYSTEM, user.id)


async def _everywhere(tx: Storage, runtime: Runtime, user: User) -> None:
    await session_control.revoke_all(tx, SYSTEM, user.id)


async def _suspended(tx: Storage, runtime: Runtime, user: User) -> None:
    await users.suspend(tx, SYSTEM, user.id)


async def _no_days(tx: Storage, runtime: Runtime, user: User) -> None:
    none = OrganizationPatch.parse({"trusted_device_days": 0})
    await organizations.update(tx, SYSTEM, user.organization_id, none)


async def _each_time(tx: Storage, runtime: Runtime, user: User) -> None:
    policy = OrganizationPatch.parse({"two_factor_policy": "required_passkey"})
    await organizations.update(tx, SYSTEM, user.organization_id, policy)


async def _new_era(tx: Storage, runtime: Runtime, user: User) -> None:
    await organizations.revoke_tokens(tx, SYSTEM, user.organization_id)


ENDS = (_password, _reset, _everywhere, _suspended, _no_days, _each_time, _new_era)


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
async def test_what_ends_it_ends_it_for_good(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP], end: Any
) -> None:
    user, _ = someone
    await _trust(runtime, http, someone)
    assert await _devices(runtime, user) == 1
    async with runtime.storage.everywhere.transaction() as tx:
        await end(tx, runtime, user)
    assert await _devices(runtime, user) == 0
    await _set(runtime, trusted_device_days=30, two_factor_policy="optional")
    assert await _devices(runtime, user) == 0, "and no change brings it back"


async def test_fewer_days_are_fewer_at_once(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP], pg: Postgres
) -> None:
    await _trust(runtime, http, someone)
    await pg.execute(
        "UPDATE trusted_devices SET created_at = now() - interval '8 days'"
        " WHERE user_id = %(id)s", {"id": someone[0].id},
    )  # fmt: skip
    assert not await _is_asked(http, someone[0])
    await pg.execute("UPDATE organizations SET trusted_device_days = 7 WHERE slug = 'acme'")
    assert await _is_asked(http, someone[0])


async def test_a_device_that_is_trusted_again_stays_one(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP], pg: Postgres
) -> None:
    user, totp = someone
    await _trust(runtime, http, someone)
    first = http.cookies["devices"]
    assert await _is_asked(http, user, prompt="login")
    path = await _half_way(http, user, prompt="login")
    await pg.execute(
        "UPDATE user_totp SET last_step = NULL WHERE user_id = %(id)s", {"id": user.id}
    )
    form = {
        "_csrf": await csrf(http, path), "method": "totp", "trust_device": "1",
        "code": totp.generate_otp(int(runtime.clock() // 30)),
    }  # fmt: skip
    assert (await http.post(f"{path}/two-factor", data=form)).status_code == 303
    assert http.cookies["devices"] != first
    assert await _devices(runtime, user) == 1
    http.cookies.set("devices", first, domain="127.0.0.1", path="/")
    assert await _is_asked(http, user), "the secret of before is worth nothing"


@pytest.mark.parametrize("ends_first", [False, True], ids=["sign-in first", "end first"])
async def test_of_a_sign_in_and_an_end_at_once_no_session_is_left(
    runtime: Runtime, settings: Any, http: httpx.AsyncClient, someone: tuple[User, TOTP],
    pg: Postgres, ends_first: bool,
) -> None:  # fmt: skip
    """On two runtimes: whoever was let in by a device is out again when all of it ends. Both wait
    for that device, in either order, before one of them goes on.
    """
    user, _ = someone
    await _trust(runtime, http, someone)
    _forget_session(http)
    path = await begin(http)
    form = {"email": user.email, "password": "correct horse battery staple"}
    form["_csrf"] = await csrf(http, path)
    other = await Runtime.open(settings)

    async def end() -> None:
        async with other.storage.everywhere.transaction() as tx:
            await session_control.revoke_all(tx, SYSTEM, user.id)

    async def sign_in() -> None:
        await http.post(f"{path}/login", data=form)

    try:
        async with runtime.storage.everywhere.transaction() as tx:
            await tx._executor.execute(_HOLD_DEVICES, {"id": user.id})
            waiting: list[asyncio.Task[None]] = []
            for each in (end, sign_in) if ends_first else (sign_in, end):
                waiting.append(asyncio.create_task(each()))
                await eventually(partial(_wait_for_a_row, pg, len(waiting)))
        await asyncio.gather(*waiting)
    finally:
        await other.close()
    assert await _devices(runtime, user) == 0
    rows = await pg.fetch(
        "SELECT 1 FROM sessions WHERE account_id = %(id)s AND consumed_at IS NULL"
        " AND payload ->> 'trusted_device' IS NOT NULL", {"id": user.id},
    )  # fmt: skip
    assert rows == []


_HOLD_DEVICES = "SELECT 1 FROM trusted_devices WHERE user_id = %(id)s FOR UPDATE"


async def _wait_for_a_row(pg: Postgres, how_many: int) -> bool:
    ((count,),) = await pg.fetch(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock'"
    )
    return bool(count == how_many)
