"""A second factor: nothing is open before it was shown, and it is shown once (G.1 to G.4)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyotp import TOTP

from handlers.http.server import Server
from porta.authn import AUTHENTICATORS
from porta.authn.authenticator import Authenticator, Evidence, LoginFailed
from porta.protocol.tokens.authentication import Kind
from porta.runtime import Runtime
from porta.security import jwt
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.handlers.flow import (
    answered,
    begin,
    csrf,
    hidden,
    parameters,
    redeem_at,
    submit,
)
from tests.world.house import CALLBACK, EMAIL
from tests.world.links import code_for, mailed_links, take_magic_links
from tests.world.links import post as press
from tests.world.log import Log
from tests.world.mail import mailed_codes
from tests.world.second_factors import choose, person_with_totp

RECOVERY = ("ABCD2345", "WXYZ6789")
WRONG = "000000"


@pytest_asyncio.fixture
async def someone(runtime: Runtime, pg: Postgres) -> tuple[User, TOTP]:
    return await person_with_totp(runtime, pg, *RECOVERY)


async def _half_way(http: httpx.AsyncClient, user: User, **asked: Any) -> str:
    """Show the password; return the path of the interaction, which asks for more."""
    path = await begin(http, **asked)
    posted = await submit(http, path, email=user.email)
    assert (posted.status_code, posted.headers["Location"]) == (303, path), posted.text
    return path


async def _show(
    http: httpx.AsyncClient, path: str, code: str = "", **changes: str
) -> httpx.Response:
    form = {"_csrf": await csrf(http, path), "method": "totp", "code": code}
    return await http.post(f"{path}/two-factor", data=form | changes)


def _now(runtime: Runtime, totp: TOTP) -> str:
    return totp.generate_otp(int(runtime.clock() // 30))


async def _claims(runtime: Runtime, http: httpx.AsyncClient, location: str) -> dict[str, Any]:
    return jwt.read_own((await redeem_at(http, location))["id_token"])


async def test_both_factors_sign_in_and_the_tokens_say_so(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP], log: Log
) -> None:
    user, totp = someone
    path = await _half_way(http, user)
    page = await http.get(path)
    assert page.status_code == 200
    assert user.email in page.text
    assert 'autocomplete="one-time-code"' in page.text
    shown = await _show(http, path, _now(runtime, totp))
    assert shown.status_code == 303
    answer = await http.get(shown.headers["Location"])
    claims = await _claims(runtime, http, answer.headers["Location"])
    assert claims["amr"] == ["pwd", "otp", "mfa"]
    assert claims["acr"] == "urn:porta:acr:mfa"
    assert abs(claims["auth_time"] - runtime.clock()) < 60


async def test_G1_nothing_is_open_before_the_second_factor(
    http: httpx.AsyncClient, someone: tuple[User, TOTP], pg: Postgres
) -> None:
    user, _ = someone
    path = await _half_way(http, user)
    uid = path.rpartition("/")[2]
    assert not [name for name in http.cookies if "session" in name]
    resumed = await http.get(f"/acme/auth/{uid}")
    assert resumed.headers["Location"] == path
    quiet = await http.get("/acme/auth", params=parameters(prompt="none"))
    assert answered(quiet.headers["Location"])["error"] == "login_required"
    for step, form in (
        ("confirm", {"decision": "approve"}), ("continue", {"decision": "continue"}),
        ("login", {}), ("two-factor", {}), ("two-factor", {"method": "password", "code": "x"}),
    ):  # fmt: skip
        answer = await http.post(f"{path}/{step}", data={"_csrf": await csrf(http, path), **form})
        assert not answer.headers.get("Location", "").startswith(CALLBACK)
        assert not [name for name in http.cookies if "session" in name]
    rows = await pg.fetch("SELECT 1 FROM sessions WHERE account_id = %(id)s", {"id": user.id})
    assert rows == []
    row = await pg.fetchrow("SELECT login_count FROM users WHERE id = %(id)s", {"id": user.id})
    assert row == (0,), "half a sign-in is none"


async def test_G2_a_code_is_good_once_wherever_it_is_shown(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient,
    someone: tuple[User, TOTP],
) -> None:  # fmt: skip
    user, totp = someone
    paths = [await _half_way(each, user) for each in (http, elsewhere)]
    code = _now(runtime, totp)
    tried = await asyncio.gather(
        *(_show(each, path, code) for each, path in zip((http, elsewhere), paths, strict=True))
    )
    assert sorted(each.status_code for each in tried) == [200, 303]
    refused = next(each for each in tried if each.status_code == 200)
    assert "was used already" in refused.text


async def test_G2_of_parallel_uses_one_succeeds(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP]
) -> None:
    user, totp = someone
    path = await _half_way(http, user)
    form = {"_csrf": await csrf(http, path), "method": "totp", "code": _now(runtime, totp)}
    tried = await asyncio.gather(*(http.post(f"{path}/two-factor", data=form) for _ in range(5)))
    # Whoever comes after the sign-in is led on to where it went.
    fresh = [each for each in tried if "session" in " ".join(each.headers.get_list("set-cookie"))]
    assert len(fresh) == 1


async def test_G2_a_recovery_code_is_good_once(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient,
    someone: tuple[User, TOTP],
) -> None:  # fmt: skip
    user, _ = someone
    path = await _half_way(http, user)
    page = await http.get(f"{path}?method=recovery_code")
    assert hidden(page.text, "method") == "recovery_code"
    shown = await _show(http, path, "abcd-2345", method="recovery_code")
    assert shown.status_code == 303
    claims = await _claims(
        runtime, http, (await http.get(shown.headers["Location"])).headers["Location"]
    )
    assert claims["amr"] == ["pwd", "otp", "mfa"]
    other = await _half_way(elsewhere, user)
    again = await _show(elsewhere, other, "ABCD-2345", method="recovery_code")
    assert (again.status_code, "is not right" in again.text) == (200, True)


async def test_G3_wrong_codes_are_counted_for_the_person(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient,
    someone: tuple[User, TOTP], log: Log,
) -> None:  # fmt: skip
    """In whichever interaction, by whichever method; and behind the limit none is judged."""
    user, totp = someone
    path = await _half_way(http, user)
    for n in range(5):
        method = ("totp", "recovery_code")[n % 2]
        wrong = await _show(http, path, WRONG, method=method)
        assert (wrong.status_code, "is not right" in wrong.text) == (200, True)
    other = await _half_way(elsewhere, user)
    for code in (WRONG, _now(runtime, totp)):
        refused = await _show(elsewhere, other, code)
        assert refused.status_code == 429
        assert 0 < int(refused.headers["Retry-After"]) <= 300


@pytest.mark.parametrize(
    "form",
    [
        {"code": ""}, {"code": "123"}, {"code": "١٢٣٤٥٦"}, {"code": "0" * 5000},
        {"method": "recovery_code", "code": ""}, {"method": "recovery_code", "code": "x" * 5000},
    ],
)  # fmt: skip
async def test_G3_what_is_no_code_is_a_wrong_one(
    http: httpx.AsyncClient, someone: tuple[User, TOTP], form: dict[str, str]
) -> None:
    path = await _half_way(http, someone[0])
    answer = await _show(http, path, **form)
    assert (answer.status_code, "is not right" in answer.text) == (200, True)


@pytest.mark.parametrize("method", ["", "password", "email_otp", "nonsense" * 99, "magic_link"])
async def test_only_a_method_that_is_asked_for_is_judged(
    http: httpx.AsyncClient, someone: tuple[User, TOTP], method: str
) -> None:
    path = await _half_way(http, someone[0])
    assert (await _show(http, path, WRONG, method=method)).status_code == 403


async def test_a_form_of_elsewhere_shows_nothing(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP]
) -> None:
    user, totp = someone
    path = await _half_way(http, user)
    refused = await _show(http, path, _now(runtime, totp), _csrf="x" * 43)
    assert refused.status_code == 403
    assert not [name for name in http.cookies if "session" in name]


async def test_somebody_else_can_sign_in_instead(
    http: httpx.AsyncClient, someone: tuple[User, TOTP]
) -> None:
    path = await _half_way(http, someone[0])
    left = await http.post(f"{path}/switch", data={"_csrf": await csrf(http, path)})
    assert (left.status_code, left.headers["Location"]) == (303, path)
    assert 'name="password"' in (await http.get(path)).text
    posted = await submit(http, path, email=EMAIL)
    answer = await http.get(posted.headers["Location"])
    assert answer.headers["Location"].startswith(CALLBACK), "who has no second factor needs none"


@pytest.mark.parametrize(
    "change",
    [
        "status = 'suspended'",
        "status = 'inactive'",
        "password_changed_at = now() + interval '5 seconds'",
    ],
)
async def test_a_first_factor_that_was_lost_meanwhile_counts_no_more(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP], pg: Postgres, change: str
) -> None:
    user, totp = someone
    path = await _half_way(http, user)
    form = {"_csrf": await csrf(http, path), "method": "totp", "code": _now(runtime, totp)}
    await pg.execute(f"UPDATE users SET {change} WHERE id = %(id)s", {"id": user.id})
    answer = await http.post(f"{path}/two-factor", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    assert 'name="password"' in (await http.get(path)).text


async def test_a_second_factor_that_cannot_be_asked_for_is_not_dropped(
    http: httpx.AsyncClient,
    someone: tuple[User, TOTP],
    pg: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor does a recovery code stand in for it: nobody was shown one (1.x, by e-mail)."""
    user, _ = someone
    monkeypatch.delitem(AUTHENTICATORS, "email_otp")
    await choose(pg, user, "email")
    posted = await submit(http, await begin(http), email=user.email)
    assert (posted.status_code, "needs a second step" in posted.text) == (200, True)
    wrong = await submit(http, await begin(http), email=user.email, password="wrong")
    assert "needs a second step" not in wrong.text
    row = await pg.fetchrow(
        "SELECT failed_login_count FROM users WHERE id = %(id)s", {"id": user.id}
    )
    assert row == (1,), "a right password is no failed one"


async def test_an_app_that_was_never_confirmed_is_not_asked_for(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: tuple[User, TOTP], pg: Postgres
) -> None:
    """No code of it could be right: a recovery code is, and without one an administrator helps."""
    user, _ = someone
    whose = {"id": user.id}
    await pg.execute("UPDATE user_totp SET verified = FALSE WHERE user_id = %(id)s", whose)
    path = await _half_way(http, user)
    page = (await http.get(path)).text
    assert 'value="recovery_code"' in page
    assert 'value="totp"' not in page
    assert (await _show(http, path, WRONG)).status_code == 403
    shown = await _show(http, path, RECOVERY[0], method="recovery_code")
    assert shown.status_code == 303
    assert [name for name in http.cookies if "session" in name]
    await pg.execute("DELETE FROM two_factor_recovery_codes WHERE user_id = %(id)s", whose)
    posted = await submit(elsewhere, await begin(elsewhere), email=user.email)
    assert "contact your administrator" in posted.text
    assert not [name for name in elsewhere.cookies if "session" in name]


async def test_an_essential_context_is_reached_by_whoever_can(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP]
) -> None:
    """Core §5.5.1.1; and what was asked for is what is told."""
    asked = '{"id_token":{"acr":{"essential":true,"values":["urn:porta:acr:%s"]}}}'
    user, totp = someone
    path = await _half_way(http, user, claims=asked % "password")
    shown = await _show(http, path, _now(runtime, totp))
    answer = await http.get(shown.headers["Location"])
    claims = await _claims(runtime, http, answer.headers["Location"])
    assert claims["acr"] == "urn:porta:acr:password"
    again = await http.get("/acme/auth", params=parameters(claims=asked % "mfa"))
    assert (await _claims(runtime, http, again.headers["Location"]))["acr"] == "urn:porta:acr:mfa"


async def test_an_essential_context_that_a_person_cannot_reach_is_told_to_the_client(
    http: httpx.AsyncClient,
) -> None:
    asked = '{"id_token":{"acr":{"essential":true,"values":["urn:porta:acr:mfa"]}}}'
    posted = await submit(http, await begin(http, claims=asked))
    answer = await http.get(posted.headers["Location"])
    error = answered(answer.headers["Location"])["error"]
    assert error == "unmet_authentication_requirements"


async def _verify_dummy(evidence: Evidence) -> User:
    assert evidence.user is not None
    if evidence.form.get("code") != "open sesame":
        raise LoginFailed("two_factor.error_invalid_code")
    return evidence.user


DUMMY = Authenticator(
    name="email_otp", kind=Kind.POSSESSION, amr=("sms",), verify=_verify_dummy,
    event="2fa.verify.success",
)  # fmt: skip


async def test_another_factor_is_a_module_and_a_line(
    runtime: Runtime, http: httpx.AsyncClient, someone: tuple[User, TOTP], pg: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setitem(AUTHENTICATORS, DUMMY.name, DUMMY)
    user, totp = someone
    await choose(pg, user, "email")
    path = await _half_way(http, user)
    refused = await _show(http, path, _now(runtime, totp), method="totp")
    assert refused.status_code == 403, "it is not the one that this person chose"
    assert (await _show(http, path, "close sesame", method="email_otp")).status_code == 200
    shown = await _show(http, path, "open sesame", method="email_otp")
    answer = await http.get(shown.headers["Location"])
    claims = await _claims(runtime, http, answer.headers["Location"])
    assert claims["amr"] == ["pwd", "sms", "mfa"]


@pytest_asyncio.fixture
async def by_mail(
    runtime: Runtime, someone: tuple[User, TOTP], pg: Postgres, monkeypatch: pytest.MonkeyPatch
) -> User:
    """Somebody who chose codes by e-mail, where there is a mail server."""
    with_mail = runtime.settings.model_copy(update={"smtp_host": "mail.example"})
    monkeypatch.setattr(runtime, "settings", with_mail)
    await choose(pg, someone[0], "email")
    return someone[0]


async def test_a_code_by_mail_signs_in(
    runtime: Runtime, http: httpx.AsyncClient, by_mail: User, pg: Postgres
) -> None:
    path = await _half_way(http, by_mail)
    page = await http.get(path)
    assert hidden(page.text, "method") == "email_otp"
    (code,) = await mailed_codes(runtime, pg, by_mail.id)
    rows = await pg.fetch(
        "SELECT code_hash FROM two_factor_otp_codes WHERE user_id = %(id)s", {"id": by_mail.id}
    )
    assert code not in str(rows)
    shown = await _show(http, path, f"{code[:3]} {code[3:]}", method="email_otp")
    answer = await http.get(shown.headers["Location"])
    claims = await _claims(runtime, http, answer.headers["Location"])
    assert claims["amr"] == ["pwd", "otp", "mfa"]


async def test_G2_a_mailed_code_is_good_where_it_was_asked_for_and_once(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, by_mail: User,
    pg: Postgres,
) -> None:  # fmt: skip
    paths = [await _half_way(each, by_mail) for each in (http, elsewhere)]
    second, first = await mailed_codes(runtime, pg, by_mail.id)
    stolen = await _show(elsewhere, paths[1], first, method="email_otp")
    assert (stolen.status_code, "is not right" in stolen.text) == (200, first != second)
    form = {"_csrf": await csrf(http, paths[0]), "method": "email_otp", "code": first}
    tried = await asyncio.gather(
        *(http.post(f"{paths[0]}/two-factor", data=form) for _ in range(5))
    )
    fresh = [each for each in tried if "session" in " ".join(each.headers.get_list("set-cookie"))]
    assert len(fresh) == 1


async def test_G2_a_mailed_code_ends_after_ten_minutes(
    runtime: Runtime, http: httpx.AsyncClient, by_mail: User, pg: Postgres
) -> None:
    path = await _half_way(http, by_mail)
    (code,) = await mailed_codes(runtime, pg, by_mail.id)
    row = await pg.fetchrow(
        "UPDATE two_factor_otp_codes SET expires_at = expires_at - interval '600 seconds'"
        " WHERE user_id = %(id)s RETURNING expires_at <= now()", {"id": by_mail.id},
    )  # fmt: skip
    assert row == (True,)
    late = await _show(http, path, code, method="email_otp")
    assert (late.status_code, "is not right" in late.text) == (200, True)


async def test_G7_another_code_can_be_asked_for_and_not_many(
    runtime: Runtime, http: httpx.AsyncClient, by_mail: User, pg: Postgres
) -> None:
    path = await _half_way(http, by_mail)
    form = {"_csrf": await csrf(http, path), "method": "email_otp"}
    stranger = await http.post(f"{path}/two-factor/resend", data=form | {"_csrf": "x" * 43})
    assert stranger.status_code == 403
    other = await http.post(f"{path}/two-factor/resend", data=form | {"method": "totp"})
    assert other.status_code == 403
    assert len(await mailed_codes(runtime, pg, by_mail.id)) == 1
    for _ in range(2):
        again = await http.post(f"{path}/two-factor/resend", data=form)
        assert (again.status_code, "on its way" in again.text) == (200, True)
    refused = await http.post(f"{path}/two-factor/resend", data=form)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 300
    codes = await mailed_codes(runtime, pg, by_mail.id)
    assert len(codes) == 3
    shown = await _show(http, path, codes[-1], method="email_otp")
    assert shown.status_code == 303, "the first is as good as the last"


async def test_without_a_mail_server_nobody_waits_for_a_code(
    http: httpx.AsyncClient, someone: tuple[User, TOTP], pg: Postgres
) -> None:
    user, _ = someone
    await choose(pg, user, "email")
    posted = await submit(http, await begin(http), email=user.email)
    assert (posted.status_code, "needs a second step" in posted.text) == (200, True)


_FIRST = {"password": "pwd", "link": "mca", "code": "mca"}
"""What shows a first factor, with its `amr`: a link is pressed here, or given up for a code."""
_STEPS = (
    "second", "switch", *_FIRST, "wrong", "resume", "look", "confirm", "continue",
)  # fmt: skip


@example([("switch", 0), ("second", 0), ("second", 1)])
@example([("wrong", 0)] * 5 + [("second", 0)])
@example([("link", 0), ("resume", 0), ("second", 0)])
@example([("code", 1), ("link", 0), ("second", 1)])
@example([("resume", 0), ("confirm", 0), ("continue", 1), ("second", 1), ("second", 0)])
@settings(max_examples=12, deadline=None, suppress_health_check=[*HealthCheck])
@given(
    st.lists(
        st.tuples(st.sampled_from(_STEPS), st.sampled_from((0, 0, 0, 1))), min_size=2, max_size=5
    )
)
async def test_no_walk_through_the_pages_leads_past_a_factor(
    runtime: Runtime, server: Server, pg: Postgres, walk: list[tuple[str, int]]
) -> None:
    """G.1: in any order, in two tabs, again and again: a session after both, in one of them."""
    user, _ = await person_with_totp(runtime, pg)
    await choose(pg, user, "email")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(AUTHENTICATORS, DUMMY.name, DUMMY)
        with_mail = runtime.settings.model_copy(update={"smtp_host": "mail.example"})
        patch.setattr(runtime, "settings", with_mail)
        await take_magic_links(runtime, "web")
        base_url = f"http://127.0.0.1:{server.port}"
        async with httpx.AsyncClient(base_url=base_url, timeout=20) as http:
            await _walk(runtime, pg, http, user, [("password", 0), *walk])


async def _walk(
    runtime: Runtime, pg: Postgres, http: httpx.AsyncClient, user: User,
    walk: list[tuple[str, int]],
) -> None:  # fmt: skip
    tabs, half, wrong = [await begin(http), await begin(http)], [False, False], 0
    first = ["", ""]
    for step, tab in walk:
        if step in ("link", "code"):
            answer = await _by_link(runtime, pg, http, tabs[tab], step, user)
        else:
            answer = await _step(http, tabs[tab], step, user)
        first[tab] = _FIRST.get(step, first[tab])
        shown = half[tab] and step in ("second", "wrong")
        signed_in = shown and step == "second" and wrong < 5
        wrong += shown and step == "wrong"
        half[tab] = (half[tab] and step != "switch") or step in _FIRST
        kept = any("session" in name for name in http.cookies)
        led = str(answer.headers.get("Location", "")).startswith(CALLBACK)
        assert (kept, led) == (signed_in, False), walk
        if signed_in:
            for path in tabs:
                done = await http.get(f"/acme/auth/{path.rpartition('/')[2]}")
                assert "code=" in done.headers["Location"], "the session is good in each tab"
            told = (await _claims(runtime, http, done.headers["Location"]))["amr"]
            assert told == [first[tab], "sms", *(["mfa"] if first[tab] == "pwd" else [])], walk
            return


async def _by_link(
    runtime: Runtime, pg: Postgres, http: httpx.AsyncClient, path: str, step: str, user: User
) -> httpx.Response:
    form = {"_csrf": await csrf(http, path), "email": user.email}
    await http.post(f"{path}/magic-link", data=form)
    link = (await mailed_links(runtime, pg, user))[0]
    if step == "link":
        return await press(http, link)
    async with httpx.AsyncClient(base_url=http.base_url, timeout=20) as elsewhere:
        code = await code_for(elsewhere, link)
    form = {"_csrf": form["_csrf"], "code": code}
    return await http.post(f"{path}/magic-link/code", data=form)


async def _step(http: httpx.AsyncClient, path: str, step: str, user: User) -> httpx.Response:
    if step == "look":
        return await http.get(path)
    if step == "resume":
        return await http.get(f"/acme/auth/{path.rpartition('/')[2]}")
    if step == "password":
        return await submit(http, path, email=user.email)
    if step in ("second", "wrong"):
        code = "open sesame" if step == "second" else "123456"
        return await _show(http, path, code, method="email_otp")
    form = {"_csrf": await csrf(http, path), "decision": "approve" if step == "confirm" else step}
    return await http.post(f"{path}/{step}", data=form)
