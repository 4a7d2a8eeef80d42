"""One's own password at one's own account: who changes it, by what, and what ends with it."""

from __future__ import annotations

import asyncio
import re
from functools import partial

import httpx
import pytest

from porta.browser import account_visits
from porta.outbound.breached_passwords import BreachedPasswords
from porta.outbound.http import Outbound
from porta.runtime import Runtime
from porta.tenants import resolve
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.handlers.account.visits import (
    arrive,
    csrf_of,
    events_of,
    is_signed_in,
    send,
    signs_in,
    somebody_waits,
)
from tests.handlers.flow import begin, submit
from tests.world.breaches import range_api
from tests.world.house import PASSWORD
from tests.world.links import mailed_links, person
from tests.world.links import post as press
from tests.world.mail import letters_to
from tests.world.waiting import eventually

PAGE = "/acme/account/password"
NEW = "seven green bottles on a wall"
CHOSEN = {"current": PASSWORD, "password": NEW, "confirmPassword": NEW}
_FOCUS = re.compile('id="([^"]+)"[^>]* autofocus')
_UNTICKED = '<input type="checkbox" name="others" value="1">'


async def _opens(http: httpx.AsyncClient, user: User, password: str) -> bool:
    """Whether somebody signs in with a password, in a browser of their own."""
    async with httpx.AsyncClient(base_url=http.base_url, timeout=20) as other:
        return (await signs_in(other, user, password=password)).status_code == 303


async def test_a_password_is_changed_and_everything_else_signed_out(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User, runtime: Runtime,
    pg: Postgres,
) -> None:  # fmt: skip
    await signs_in(elsewhere, someone)
    page = await arrive(http, someone, PAGE)
    assert '<input type="checkbox" name="others" value="1" checked>' in page.text
    assert _FOCUS.findall(page.text) == ["current"], "what is asked for first"
    done = await send(http, PAGE, **CHOSEN, others="1")
    assert (done.status_code, done.headers["Location"]) == (303, f"{PAGE}?told=password")
    assert "Your password is changed" in (await http.get(done.headers["Location"])).text
    assert (await is_signed_in(http), await is_signed_in(elsewhere)) == (True, False)
    assert (await _opens(http, someone, NEW), await _opens(http, someone, PASSWORD)) == (
        True,
        False,
    )
    assert ("user.password.changed", someone.id) in await events_of(pg, someone)
    (told, *_) = await letters_to(runtime, pg, someone.id)
    assert "was changed just now" in told.text
    assert f"{runtime.settings.issuer_base_url}/acme/account" in told.text
    assert NEW not in told.text


async def test_what_else_is_signed_in_stays_where_that_is_chosen(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User
) -> None:
    await signs_in(elsewhere, someone)
    await arrive(http, someone, PAGE)
    await send(http, PAGE, **CHOSEN)
    assert (await is_signed_in(http), await is_signed_in(elsewhere)) == (True, True)
    assert await _opens(http, someone, NEW)


async def test_a_link_to_another_password_is_over_with_it(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres
) -> None:
    await press(http, "/acme/auth/forgot-password", email=someone.email)
    link = (await mailed_links(runtime, pg, someone))[0]
    await arrive(http, someone, PAGE)
    await send(http, PAGE, **CHOSEN)
    assert (await http.get(link)).status_code == 400


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"current": "not that one at all"}, "current password is wrong"),
        ({"current": ""}, "current password is wrong"),
        ({"password": "short", "confirmPassword": "short"}, "too short"),
        ({"confirmPassword": "seven green bottles"}, "not the same"),
    ],
    ids=["wrong", "none", "weak", "mistyped"],
)
async def test_what_is_refused_changes_nothing(
    http: httpx.AsyncClient, someone: User, typed: dict[str, str], said: str
) -> None:
    await arrive(http, someone, PAGE)
    refused = await send(http, PAGE, **(CHOSEN | typed))
    assert refused.status_code == 200
    assert said in refused.text
    assert await _opens(http, someone, PASSWORD)


async def test_guesses_at_the_current_one_are_counted_as_at_a_sign_in(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres
) -> None:
    """Whoever sits at an open session has no more of them, however many they send at once."""
    await arrive(http, someone, PAGE)
    form = {"_csrf": await csrf_of(http, PAGE), **CHOSEN, "current": "not that one at all"}
    most = (await runtime.snapshot()).config.rate_limit_login_max
    answers = await asyncio.gather(*(http.post(PAGE, data=form) for _ in range(most + 5)))
    statuses = [each.status_code for each in answers]
    assert statuses.count(200) == most
    assert statuses.count(429) == 5
    refused = await send(http, PAGE, **CHOSEN)
    assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (429, True)
    assert _UNTICKED in refused.text
    assert ("user.login.password.failed", None) in await events_of(pg, someone)
    # At the sign-in of this browser they are used up as well.
    await http.get("/acme/account")
    path = await begin(http, prompt="login")
    again = await submit(http, path, email=someone.email, password="not that one at all")
    assert again.status_code == 429


async def test_who_has_no_password_chooses_one_after_a_sign_in_that_is_not_long_ago(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres, later: list[float]
) -> None:
    await arrive(http, someone, PAGE)
    await pg.execute("UPDATE users SET password_hash = NULL WHERE id = %(id)s", {"id": someone.id})
    page = await http.get(PAGE)
    assert 'name="current"' not in page.text
    assert _FOCUS.findall(page.text) == ["password"]
    later.append(account_visits.RECENT + 1)
    asked = await send(http, PAGE, password=NEW, confirmPassword=NEW)
    assert asked.headers["Location"].startswith("/interaction/")
    assert not await _opens(http, someone, NEW)
    later.append(-later.pop())
    await send(http, PAGE, password=NEW, confirmPassword=NEW)
    assert await _opens(http, someone, NEW)
    assert "There was none before" in (await letters_to(runtime, pg, someone.id))[0].text


async def test_of_two_who_choose_a_first_one_at_once_one_does(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres
) -> None:
    await arrive(http, someone, PAGE)
    forms = [
        {"_csrf": await csrf_of(http, PAGE), "password": each, "confirmPassword": each}
        for each in (NEW, f"{NEW} again")
    ]
    await pg.execute(
        "UPDATE users SET password_hash = NULL, password_changed_at = NULL WHERE id = %(id)s",
        {"id": someone.id},
    )
    async with runtime.storage.everywhere.transaction() as tx:
        await tx.users.find(someone.id, hold=True)
        waiting = [asyncio.create_task(http.post(PAGE, data=form)) for form in forms]
        await eventually(partial(somebody_waits, pg, len(forms)))
    answers = await asyncio.gather(*waiting)
    assert sorted(each.status_code for each in answers) == [303, 409]
    assert _UNTICKED in max(answers, key=lambda each: each.status_code).text


@pytest.mark.parametrize("is_locked", [True, False], ids=["locked", "signed out"])
async def test_who_is_locked_or_signed_out_while_it_is_hashed_changes_nothing(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres, is_locked: bool
) -> None:
    await arrive(http, someone, PAGE)
    form, key = (
        {"_csrf": await csrf_of(http, PAGE), **CHOSEN},
        (someone.id, someone.organization_id),
    )
    before = await _hash(pg, someone)
    async with runtime.storage.everywhere.transaction() as tx:
        await tx.users.find(someone.id, hold=True)
        waiting = asyncio.create_task(http.post(PAGE, data=form))
        await eventually(partial(somebody_waits, pg))
        if is_locked:
            await tx.users.set_status(*key, "suspended", expected="active")
        else:
            await tx.end_account(*key, "elsewhere")
    answer = await waiting
    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    assert await _hash(pg, someone) == before
    assert (await http.get(PAGE)).headers["Location"].startswith("/interaction/")


async def _hash(pg: Postgres, user: User) -> str:
    row = await pg.fetchrow("SELECT password_hash FROM users WHERE id = %(id)s", {"id": user.id})
    assert row is not None
    return str(row[0])


async def test_a_form_of_another_browser_or_person_changes_nothing(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User, runtime: Runtime
) -> None:
    other = await person(runtime)
    await arrive(elsewhere, other, PAGE)
    await arrive(http, someone, PAGE)
    strange = await csrf_of(elsewhere, PAGE)
    for value in ("", strange):
        refused = await http.post(PAGE, data={"_csrf": value, **CHOSEN})
        assert (refused.status_code, "nothing was sent" in refused.text) == (403, True)
    assert await _opens(http, someone, PASSWORD)


async def test_none_that_leaked_is_chosen(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    organizations = runtime.storage.everywhere.organizations

    async def refuses() -> bool:
        return (await resolve.resolve(runtime, "acme")).organization.refuse_breached_passwords

    outbound = Outbound(private_addresses=True)
    async with range_api([NEW]) as api:
        known = BreachedPasswords(outbound, api.url)
        monkeypatch.setattr(runtime, "breached_passwords", known)
        await organizations.update(someone.organization_id, {"refuse_breached_passwords": True})
        await eventually(refuses)
        await arrive(http, someone, PAGE)
        wrong = await send(http, PAGE, **(CHOSEN | {"current": "not that one at all"}))
        assert ("seen in a leak" in wrong.text, api.asked) == (False, [])
        assert "seen in a leak" in (await send(http, PAGE, **CHOSEN)).text
        assert await _opens(http, someone, PASSWORD)
    await organizations.update(someone.organization_id, {"refuse_breached_passwords": False})
    await outbound.close()
