"""One's own data at one's account: handed out, and erased where the organization lets people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from porta.browser import account_visits
from porta.runtime import Runtime
from porta.tenants import resolve
from storage.models.artifact import artifact_id
from storage.models.artifacts import EmailChange, FormerAddresses, FormerLetter
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.handlers.account.visits import arrive, csrf_of, events_of, is_signed_in, send, signs_in
from tests.world.house import PASSWORD
from tests.world.links import person
from tests.world.mail import letters_for
from tests.world.waiting import eventually

PAGE = "/acme/account/data"


@pytest_asyncio.fixture(loop_scope="session")
async def lets_people(runtime: Runtime) -> AsyncIterator[None]:
    """Let the people of acme delete their accounts."""
    await _let(runtime, allowed=True)
    yield
    await _let(runtime, allowed=False)


async def _let(runtime: Runtime, *, allowed: bool) -> None:
    organizations = runtime.storage.everywhere.organizations
    home = await organizations.find_by_slug("acme")
    assert home is not None
    await organizations.update(home.id, {"account_deletion": allowed})

    async def told() -> bool:
        tenant = await resolve.resolve(runtime, "acme")
        return tenant.organization.account_deletion == allowed

    await eventually(told)


async def _delete(http: httpx.AsyncClient, typed: str) -> httpx.Response:
    return await send(http, PAGE, confirm=typed)


async def _download(http: httpx.AsyncClient) -> httpx.Response:
    return await send(http, PAGE, download="1")


async def _row(pg: Postgres, user: User) -> tuple[str, str]:
    row = await pg.fetchrow(
        "SELECT email::text, status FROM users WHERE id = %(id)s", {"id": user.id}
    )
    assert row is not None
    return row[0], row[1]


async def _wants_another_address(runtime: Runtime, user: User) -> None:
    """Keep what a change of address that waits is known by, and the letter that may refuse it."""
    home, artifacts = user.organization_id, runtime.storage.everywhere.artifacts
    wanted = EmailChange(
        id=artifact_id(EmailChange.value_of(user.id)), organization_id=home, account_id=user.id,
        session_uid="u", email="wanted@new.test", sent_from=user.email,
        confirmation="secret-1", refusal="secret-2", asked_at=1.0,
    )  # fmt: skip
    letter = FormerLetter(
        digest="secret-3", email=user.email, wanted="wanted@new.test", at=1, until=9e9
    )
    letters = FormerAddresses(
        id=artifact_id(FormerAddresses.value_of(user.id)), organization_id=home,
        account_id=user.id, letters=(letter,),
    )  # fmt: skip
    await artifacts.save(wanted, 60)
    await artifacts.save(letters, 60)


async def test_all_that_is_kept_is_handed_out_and_no_secret(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres
) -> None:
    await _wants_another_address(runtime, someone)
    await arrive(http, someone, PAGE)
    file = await _download(http)
    assert file.headers["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert file.headers["Cache-Control"] == "no-store"
    told = file.json()
    assert told["user"]["email"] == someone.email
    assert len(told["sessions"]) == 1
    assert "user.login.password" in {each["eventType"] for each in told["auditLog"]}
    assert told["emailChange"]["email"] == "wanted@new.test"
    (letter,) = told["formerAddresses"]
    assert (letter["email"], letter["wanted"]) == (someone.email, "wanted@new.test")
    assert "secret-" not in file.text
    assert (someone.password_hash or "?") not in file.text
    assert ("user.exported", someone.id) in await events_of(pg, someone)


async def test_it_is_handed_out_to_who_signed_in_not_long_ago_and_not_too_often(
    http: httpx.AsyncClient, someone: User, later: list[float]
) -> None:
    await arrive(http, someone, PAGE)
    later.append(account_visits.RECENT + 1)
    assert (await _download(http)).headers["Location"].startswith("/interaction/")
    later.clear()
    assert (await http.post(PAGE, data={"_csrf": "x" * 43, "download": "1"})).status_code == 403
    statuses = [(await _download(http)).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


async def test_an_account_is_deleted_with_everything_that_is_signed_in_and_told_by_mail(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User, runtime: Runtime,
    pg: Postgres, lets_people: None,
) -> None:  # fmt: skip
    await signs_in(elsewhere, someone)
    await arrive(http, someone, PAGE)
    done = await _delete(http, f" {someone.email.upper()} ")
    assert "Your account is deleted" in done.text
    assert done.headers["Set-Login"] == "logged-out"
    ended = {each.partition("=")[0]: each for each in done.headers.get_list("Set-Cookie")}
    assert [each for name, each in ended.items() if "session" in name and "Max-Age=0" in each]
    assert not await is_signed_in(http)
    assert not await is_signed_in(elsewhere)
    assert (await signs_in(elsewhere, someone, password=PASSWORD)).status_code == 200
    assert await _row(pg, someone) == (f"purged-{someone.id}@purged.local", "inactive")
    assert "was deleted just now" in (await letters_for(runtime, pg, someone.email))[0].text
    assert ("user.purged", someone.id) in await events_of(pg, someone)


async def test_nobody_deletes_what_the_organization_does_not_let_them(
    http: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    await arrive(http, someone, PAGE)
    assert 'name="confirm"' not in (await http.get(PAGE)).text
    refused = await _delete(http, someone.email)
    assert (refused.status_code, "cannot be deleted here" in refused.text) == (403, True)
    assert await _row(pg, someone) == (someone.email, "active")


async def test_a_switch_that_is_off_by_then_counts(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres, lets_people: None
) -> None:
    """What this process remembers of the organization deletes nobody."""
    await arrive(http, someone, PAGE)
    form = {"_csrf": await csrf_of(http, PAGE), "confirm": someone.email}
    await pg.execute("UPDATE organizations SET account_deletion = FALSE WHERE slug = 'acme'")
    assert (await http.post(PAGE, data=form)).status_code == 403
    assert await _row(pg, someone) == (someone.email, "active")


async def test_it_takes_the_address_a_form_of_theirs_and_a_sign_in_not_long_ago(
    http: httpx.AsyncClient, someone: User, pg: Postgres, lets_people: None, later: list[float]
) -> None:
    await arrive(http, someone, PAGE)
    for typed in ("", "somebody@acme.example"):
        assert "Nothing was deleted" in (await _delete(http, typed)).text
    strange = await http.post(PAGE, data={"_csrf": "x" * 43, "confirm": someone.email})
    assert strange.status_code == 403
    later.append(account_visits.RECENT + 1)
    asked = await _delete(http, someone.email)
    assert asked.headers["Location"].startswith("/interaction/")
    assert await _row(pg, someone) == (someone.email, "active")


async def test_who_was_made_at_first_stays(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres, lets_people: None
) -> None:
    config = runtime.storage.everywhere.system_config
    await config.put("super_admin_user_id", someone.id, "string")
    try:
        await arrive(http, someone, PAGE)
        assert 'name="confirm"' not in (await http.get(PAGE)).text
        assert (await _delete(http, someone.email)).status_code == 403
        assert await _row(pg, someone) == (someone.email, "active")
    finally:
        await pg.execute("DELETE FROM system_config WHERE key = 'super_admin_user_id'")


async def test_of_two_who_delete_at_once_one_does_and_nobody_else_goes(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres, lets_people: None
) -> None:
    other = await person(runtime)
    await arrive(http, someone, PAGE)
    form = {"_csrf": await csrf_of(http, PAGE), "confirm": someone.email}
    answers = await asyncio.gather(*(http.post(PAGE, data=form) for _ in range(2)))
    assert sorted(each.status_code for each in answers) == [200, 303]
    assert await _row(pg, other) == (other.email, "active")
    purged = [kind for kind, _ in await events_of(pg, someone) if kind == "user.purged"]
    assert len(purged) == 1
