"""An encouraged second factor is offered at the sign-in, and one press puts it off (0057)."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pyotp
import pytest
import pytest_asyncio

from porta.audit.actors import SYSTEM
from porta.runtime import Runtime
from porta.security import jwt
from porta.services import organizations
from porta.services.organization_fields import OrganizationPatch
from porta.tenants import resolve
from storage.postgres.driver import Postgres
from tests.handlers.flow import answered, csrf, hidden, parameters, redeem_at, submit
from tests.world.authenticators import Authenticator
from tests.world.mail import letters_to, mailed_codes
from tests.world.passkeys import Home, furnish, give_passkey
from tests.world.waiting import eventually

OFFER, LATER = "recommends a second step", "/two-factor/later"
MFA = '{"id_token":{"acr":{"essential":true,"value":"urn:porta:acr:mfa"}}}'


@pytest_asyncio.fixture
async def home(runtime: Runtime) -> Home:
    return await furnish(runtime, "password", policy="encouraged")


@pytest.fixture
def mail(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    with_mail = runtime.settings.model_copy(update={"smtp_host": "mail.example"})
    monkeypatch.setattr(runtime, "settings", with_mail)


async def _later(http: httpx.AsyncClient, path: str, **changes: str) -> httpx.Response:
    return await http.post(f"{path}{LATER}", data={"_csrf": await csrf(http, path)} | changes)


async def _choose(http: httpx.AsyncClient, path: str, method: str) -> httpx.Response:
    form = {"_csrf": await csrf(http, path), "method": method}
    return await http.post(f"{path}/two-factor/resend", data=form)


async def _confirm(http: httpx.AsyncClient, path: str, code: str, method: str) -> httpx.Response:
    form = {"_csrf": await csrf(http, path), "method": method, "code": code}
    return await http.post(f"{path}/two-factor", data=form)


async def _totp_at(http: httpx.AsyncClient, path: str) -> pyotp.TOTP:
    shown = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', (await http.get(path)).text)
    assert shown is not None
    return pyotp.TOTP(shown[1].replace(" ", ""))


async def _claims(http: httpx.AsyncClient, home: Home, path: str) -> dict[str, Any]:
    done = await http.get(f"/{home.slug}/auth/{path.rpartition('/')[2]}")
    location = str(done.headers["Location"])
    tokens = await redeem_at(http, location, home.slug, client_id=home.client_id)
    return jwt.read_own(tokens["id_token"])


async def _events(pg: Postgres, home: Home) -> list[str]:
    rows = await pg.fetch(
        "SELECT event_type FROM audit_log WHERE user_id = %(id)s ORDER BY created_at",
        {"id": home.user.id},
    )
    return [str(kind) for (kind,) in rows]


def _signed_in(http: httpx.AsyncClient) -> bool:
    return any("session" in name for name in http.cookies)


async def _straight(http: httpx.AsyncClient, home: Home) -> bool:
    """Whether a password alone is asked for, in a browser that is signed in no more."""
    http.cookies.clear()
    path = await home.begin(http)
    posted = await submit(http, path, email=home.user.email)
    assert posted.status_code == 303, posted.text
    return str(posted.headers["Location"]) != path


async def test_whoever_has_none_is_offered_one_and_puts_it_off_by_one_press(
    http: httpx.AsyncClient, home: Home, pg: Postgres
) -> None:
    path = await home.half_way(http)
    page = (await http.get(path)).text
    assert (OFFER in page, "Not now" in page, _signed_in(http)) == (True, True, False)
    row = "SELECT version, updated_at FROM users WHERE id = %(id)s"
    before = await pg.fetchrow(row, {"id": home.user.id})
    gone = await _later(http, path)
    assert gone.status_code == 303
    claims = await _claims(http, home, path)
    assert (claims["amr"], claims["acr"]) == (["pwd"], "urn:porta:acr:password")
    assert await pg.fetchrow(row, {"id": home.user.id}) == before, "it is no change of a person"
    assert (await _events(pg, home)).count("2fa.setup.postponed") == 1
    assert await _straight(http, home), "nobody is asked at each sign-in"


async def test_it_is_offered_again_after_two_weeks(
    http: httpx.AsyncClient, home: Home, pg: Postgres
) -> None:
    await _later(http, await home.half_way(http))
    row = await pg.fetchrow(
        "UPDATE users SET two_factor_put_off_until = two_factor_put_off_until - interval '14 days'"
        " WHERE id = %(id)s RETURNING two_factor_put_off_until"
        " BETWEEN now() - interval '1 minute' AND now()",
        {"id": home.user.id},
    )
    assert row == (True,)
    assert not await _straight(http, home)


async def test_an_app_that_is_set_up_counts_at_once_and_is_asked_for_from_then_on(
    runtime: Runtime, http: httpx.AsyncClient, home: Home, pg: Postgres
) -> None:
    path = await home.half_way(http)
    assert (await _choose(http, path, "totp")).headers["Location"] == path
    totp = await _totp_at(http, path)
    assert "Not now" in (await http.get(path)).text
    code = totp.generate_otp(int(runtime.clock() // 30))
    page = await _confirm(http, path, code, "totp")
    assert page.text.count("<li><code>") == 10
    claims = await _claims(http, home, path)
    assert (claims["amr"], claims["acr"]) == (["pwd", "otp", "mfa"], "urn:porta:acr:mfa")
    http.cookies.clear()
    again = await home.half_way(http)
    assert hidden((await http.get(again)).text, "method") == "totp"
    assert (await _later(http, again)).headers["Location"] == again, "it is not put off any more"
    assert (await http.get(again)).status_code == 200
    assert not _signed_in(http)
    assert "2fa.setup.postponed" not in await _events(pg, home)


async def test_codes_by_mail_begin_when_they_are_chosen_and_their_owner_is_told(
    runtime: Runtime, http: httpx.AsyncClient, home: Home, pg: Postgres, mail: None
) -> None:
    path = await home.half_way(http)
    assert await mailed_codes(runtime, pg, home.user.id) == [], "nobody has chosen them"
    await _choose(http, path, "email_otp")
    (code,) = await mailed_codes(runtime, pg, home.user.id)
    assert (await _confirm(http, path, code, "email_otp")).text.count("<li><code>") == 10
    assert "are now asked for" in (await letters_to(runtime, pg, home.user.id))[0].text


async def test_who_began_to_set_one_up_may_still_put_it_off(
    runtime: Runtime, http: httpx.AsyncClient, home: Home, pg: Postgres, mail: None
) -> None:
    path = await home.half_way(http)
    for method in ("email_otp", "totp"):
        assert (await _choose(http, path, method)).status_code == 303
    await _later(http, path)
    assert (await _claims(http, home, path))["amr"] == ["pwd"]
    held = await runtime.storage.second_factors.find(home.user.id, home.id)
    assert held is not None
    assert (held.method, held.has_totp, held.recovery_codes) == (None, False, 0)


async def test_too_many_mails_refuse_the_mail_alone(
    http: httpx.AsyncClient, home: Home, mail: None
) -> None:
    path = await home.half_way(http)
    for _ in range(3):
        assert (await _choose(http, path, "email_otp")).status_code == 303
    refused = await _choose(http, path, "email_otp")
    assert (refused.status_code, "Not now" in refused.text) == (429, True)
    assert (await _later(http, path)).status_code == 303
    assert _signed_in(http)


async def test_G1_an_offer_is_no_session(http: httpx.AsyncClient, home: Home) -> None:
    """Nor does a form from elsewhere put it off, nor a method that was not begun set it up."""
    path = await home.half_way(http)
    resumed = await http.get(f"/{home.slug}/auth/{path.rpartition('/')[2]}")
    assert resumed.headers["Location"] == path
    asked = parameters(client_id=home.client_id, prompt="none")
    quiet = await http.get(f"/{home.slug}/auth", params=asked)
    assert answered(quiet.headers["Location"])["error"] == "login_required"
    for method in ("totp", "email_otp", "passkey", "recovery_code"):
        assert (await _confirm(http, path, "ABCD-2345", method)).status_code == 403
    refused = await _later(http, path, _csrf="x" * 43)
    assert (refused.status_code, OFFER in refused.text) == (403, True)
    assert (await http.get(f"{path}{LATER}")).headers["Location"] == path, "a link does nothing"
    assert not _signed_in(http)


async def test_nothing_is_put_off_before_a_first_factor(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, home: Home
) -> None:
    path = await home.begin(http)
    assert (await _later(http, path)).headers["Location"] == path
    theirs = await home.half_way(elsewhere)
    form = {"_csrf": await csrf(elsewhere, theirs)}
    stolen = await http.post(f"{theirs}{LATER}", data=form)
    assert stolen.status_code != 303
    assert not _signed_in(http)


@pytest.mark.parametrize("policy", ["required_any", "required_totp", "required_passkey"])
async def test_a_policy_that_demands_one_by_now_is_not_put_off(
    runtime: Runtime, http: httpx.AsyncClient, home: Home, policy: str
) -> None:
    path = await home.half_way(http)
    form = {"_csrf": await csrf(http, path)}
    patch = OrganizationPatch.parse({"two_factor_policy": policy})
    async with runtime.storage.everywhere.transaction() as tx:
        await organizations.update(tx, SYSTEM, home.id, patch)

    async def heard() -> bool:
        return (await resolve.resolve(runtime, home.slug)).organization.two_factor_policy == policy

    await eventually(heard)
    answer = await http.post(f"{path}{LATER}", data=form)
    assert answer.headers["Location"] == path
    assert not _signed_in(http)


@pytest.mark.parametrize("begun", ["", "totp"])
async def test_who_put_it_off_elsewhere_goes_on_here_by_the_same_press(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, home: Home, begun: str
) -> None:
    browsers = (http, elsewhere)
    paths = [await home.half_way(each) for each in browsers]
    if begun:
        await _choose(elsewhere, paths[1], begun)
    await _later(http, paths[0])
    assert "Not now" in (await elsewhere.get(paths[1])).text
    assert (await _later(elsewhere, paths[1])).status_code == 303
    assert (await _claims(elsewhere, home, paths[1]))["amr"] == ["pwd"]


async def test_in_two_tabs_one_press_is_enough(http: httpx.AsyncClient, home: Home) -> None:
    """And the back button leads to the client, not to the offer."""
    paths = [await home.half_way(http), await home.half_way(http)]
    form = {"_csrf": await csrf(http, paths[1])}
    await _later(http, paths[0])
    assert (await http.get(paths[1])).status_code == 303, "it goes on by itself"
    stale = await http.post(f"{paths[1]}{LATER}", data=form)
    assert stale.status_code == 303
    for path in paths:
        assert (await _claims(http, home, path))["amr"] == ["pwd"]
    back = await http.get(paths[0])
    assert OFFER not in back.text


async def test_a_factor_that_was_set_up_elsewhere_meanwhile_is_asked_for(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, home: Home
) -> None:
    paths = [await home.half_way(each) for each in (http, elsewhere)]
    form = {"_csrf": await csrf(elsewhere, paths[1])}
    await _choose(http, paths[0], "totp")
    totp = await _totp_at(http, paths[0])
    await _confirm(http, paths[0], totp.generate_otp(int(runtime.clock() // 30)), "totp")
    late = await elsewhere.post(f"{paths[1]}{LATER}", data=form)
    assert late.headers["Location"] == paths[1]
    assert not _signed_in(elsewhere)
    asked = await elsewhere.get(paths[1])
    assert hidden(asked.text, "method") == "totp"
    assert LATER not in asked.text


async def test_who_has_a_passkey_or_a_session_is_not_offered_one(
    runtime: Runtime, http: httpx.AsyncClient, home: Home
) -> None:
    await _later(http, await home.half_way(http))
    quiet = await http.get(
        f"/{home.slug}/auth", params=parameters(client_id=home.client_id, prompt="none")
    )
    assert "code" in answered(quiet.headers["Location"])
    other = await furnish(runtime, "password", policy="encouraged")
    await give_passkey(runtime, other.user, Authenticator(runtime.settings.issuer_base_url))
    assert await _straight(http, other)


async def test_what_nobody_can_set_up_here_holds_nobody_up(
    runtime: Runtime, http: httpx.AsyncClient, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = {"two_factor_encryption_key": None, "two_factor_decryption_keys": ()}
    monkeypatch.setattr(runtime, "settings", runtime.settings.model_copy(update=without))
    assert await _straight(http, home)


async def test_a_client_that_demands_several_is_told_once_it_was_put_off(
    http: httpx.AsyncClient, home: Home
) -> None:
    path = await home.begin(http, claims=MFA)
    await submit(http, path, email=home.user.email)
    gone = await _later(http, path)
    answer = await http.get(gone.headers["Location"])
    told = answered(answer.headers["Location"])
    assert told["error"] == "unmet_authentication_requirements"
    again = await http.get(
        f"/{home.slug}/auth", params=parameters(client_id=home.client_id, claims=MFA)
    )
    error = answered(again.headers["Location"])["error"]
    assert error == "unmet_authentication_requirements"
