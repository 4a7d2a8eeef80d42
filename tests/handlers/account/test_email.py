"""Another address at one's own account: who learns of it, what the links are worth, what ends."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest

from porta.audit.actors import Actor
from porta.browser.account_visits import Visit, VisitOver
from porta.runtime import Runtime
from porta.services import email_change, session_control
from porta.tenants import resolve
from storage.models.artifacts import Session
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.factories import new_id
from tests.handlers.account.test_password import CHOSEN
from tests.handlers.account.visits import (
    arrive,
    events_of,
    is_signed_in,
    send,
    signs_in,
)
from tests.world.links import person, post
from tests.world.mail import letters_for

PAGE = "/acme/account/email"


def _new() -> str:
    return f"{new_id()}@new.example"


async def _link_at(runtime: Runtime, pg: Postgres, address: str) -> str:
    """Return path and query of the link in the newest letter to an address."""
    letter = (await letters_for(runtime, pg, address))[0]
    base = re.escape(runtime.settings.issuer_base_url)
    found = re.search(rf"^{base}(/acme/auth/.+)$", letter.text, re.M)
    assert found, letter.text
    return found[1]


async def _asked(
    http: httpx.AsyncClient, user: User, runtime: Runtime, pg: Postgres
) -> tuple[str, str, str]:
    """Ask for another address; return it, the link to it, and the one that refuses it."""
    new = _new()
    await arrive(http, user, PAGE)
    done = await send(http, PAGE, email=new)
    assert done.headers["Location"] == f"{PAGE}?told=email", done.text
    links = [await _link_at(runtime, pg, each) for each in (new, user.email)]
    return new, links[0], links[1]


async def _address(pg: Postgres, user: User) -> tuple[str, bool]:
    row = await pg.fetchrow(
        "SELECT email::text, email_verified FROM users WHERE id = %(id)s", {"id": user.id}
    )
    assert row is not None
    return row[0], row[1]


async def test_an_address_is_another_one_by_the_link_that_went_there_in_any_browser(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User, runtime: Runtime,
    pg: Postgres,
) -> None:  # fmt: skip
    new, link, refusal = await _asked(http, someone, runtime, pg)
    assert new in (await http.get(PAGE)).text
    for scanner in (elsewhere.get, elsewhere.head):
        assert (await scanner(link)).status_code == 200
    assert await _address(pg, someone) == (someone.email, someone.email_verified)
    done = await post(elsewhere, link)
    assert (done.status_code, new in done.text) == (200, True)
    assert await _address(pg, someone) == (new, True)
    assert await is_signed_in(http)
    assert new in (await http.get(PAGE)).text
    assert "another address now" in (await letters_for(runtime, pg, someone.email))[0].text
    kinds = [kind for kind, _ in await events_of(pg, someone)]
    assert {"user.email_change.requested", "user.email_change.completed"} <= set(kinds)
    # The link is over; the one to the address of before is not.
    assert (await post(elsewhere, link)).status_code == 400
    still = await http.get(refusal)
    assert (still.status_code, "Take the address back" in still.text) == (200, True)
    assert new not in still.text


async def test_who_has_the_address_of_before_refuses_and_signs_everything_out(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User, runtime: Runtime,
    pg: Postgres,
) -> None:  # fmt: skip
    _, link, refusal = await _asked(http, someone, runtime, pg)
    assert (await elsewhere.get(refusal)).status_code == 200
    assert await is_signed_in(http)
    done = await post(elsewhere, refusal)
    assert "The change is off" in done.text
    assert not await is_signed_in(http)
    assert (await post(elsewhere, link)).status_code == 400
    assert (await _address(pg, someone))[0] == someone.email
    assert ("user.email_change.refused", None) in await events_of(pg, someone)


async def test_the_link_is_over_with_the_session_that_asked_for_it(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User, runtime: Runtime,
    pg: Postgres,
) -> None:  # fmt: skip
    """Whoever had got in, and is out again, does not come back by it."""
    _, link, _ = await _asked(http, someone, runtime, pg)
    await arrive(elsewhere, someone)
    await send(elsewhere, "/acme/account/sessions", others="1")
    assert (await post(elsewhere, link)).status_code == 400
    assert (await _address(pg, someone))[0] == someone.email


@pytest.mark.parametrize("way", ["password", "others"])
async def test_a_link_that_a_thief_asked_for_is_over_by_what_the_owner_does_in_the_same_session(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres, way: str
) -> None:
    """Stolen cookies are those of the browser that the owner goes on with."""
    _, link, refusal = await _asked(http, someone, runtime, pg)
    if way == "password":
        done = await send(http, "/acme/account/password", **CHOSEN)
    else:
        done = await send(http, "/acme/account/sessions", others="1")
    assert (done.status_code, "told=" in done.headers["Location"]) == (303, True)
    assert await is_signed_in(http)
    assert (await post(http, link)).status_code == 400
    assert (await _address(pg, someone))[0] == someone.email
    assert ("user.email_change.withdrawn", someone.id) in await events_of(pg, someone)
    assert "The change is off" in (await post(http, refusal)).text
    assert not await is_signed_in(http)


async def test_of_two_wishes_the_later_one_is_left_and_it_can_be_given_up(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres
) -> None:
    _, first, _ = await _asked(http, someone, runtime, pg)
    await send(http, PAGE, email=(other := _new()))
    later = await _link_at(runtime, pg, other)
    assert [(await http.get(each)).status_code for each in (first, later)] == [400, 200]
    done = await send(http, PAGE, withdraw="1")
    assert done.headers["Location"] == f"{PAGE}?told=email_withdrawn"
    assert (await post(http, later)).status_code == 400
    assert other not in (await http.get(PAGE)).text
    again = await send(http, PAGE, withdraw="1")
    assert again.headers["Location"] == PAGE, "nothing is left to give up"


async def test_a_wish_that_is_taken_back_leaves_a_trace_and_is_refused_all_the_same(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User, runtime: Runtime,
    pg: Postgres,
) -> None:  # fmt: skip
    """A thief who asks and takes it back takes no way to be rid of them from the owner."""
    _, _, refusal = await _asked(http, someone, runtime, pg)
    await send(http, PAGE, withdraw="1")
    assert ("user.email_change.withdrawn", someone.id) in await events_of(pg, someone)
    done = await post(elsewhere, refusal)
    assert (done.status_code, "signed out everywhere" in done.text) == (200, True)
    assert not await is_signed_in(http)
    assert (await post(elsewhere, refusal)).status_code == 400


async def test_nobody_takes_a_wish_back_who_was_signed_out_meanwhile(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres
) -> None:
    await _asked(http, someone, runtime, pg)
    tenant = await resolve.resolve(runtime, "acme")
    (session,) = await session_control.list_own(runtime.storage.everywhere, someone)
    standing = await runtime.storage.artifacts.find_by(Session, tenant.id, uid=session.id)
    assert standing is not None
    visit = Visit(standing, someone, is_recent=True)
    async with runtime.storage.transaction() as tx:
        await tx.end_session(standing)
    with pytest.raises(VisitOver):
        await email_change.withdraw(runtime, visit, Actor(user_id=someone.id))
    assert "user.email_change.withdrawn" not in dict(await events_of(pg, someone))


async def test_an_address_that_somebody_has_is_answered_alike_and_told_by_mail_alone(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres
) -> None:
    other = await person(runtime)
    await arrive(http, someone, PAGE)
    answers = []
    for address in (other.email, _new()):
        done = await send(http, PAGE, email=address)
        page = (await http.get(done.headers["Location"])).text.replace(address, "")
        answers.append(
            (done.status_code, done.headers["Location"], re.sub('value="[^"]*"', "", page))
        )
    assert answers[0] == answers[1]
    (letter,) = await letters_for(runtime, pg, other.email)
    assert "belongs to yours" in letter.text
    assert "/auth/email-change/" not in letter.text
    assert someone.email not in letter.text


async def test_who_takes_the_address_meanwhile_has_it(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres
) -> None:
    new, link, _ = await _asked(http, someone, runtime, pg)
    other = await person(runtime)
    await pg.execute(
        "UPDATE users SET email = %(new)s WHERE id = %(id)s", {"id": other.id, "new": new}
    )
    over = await post(http, link)
    assert (over.status_code, "somebody has the address" in over.text) == (400, True)
    assert (await _address(pg, someone))[0] == someone.email


async def test_of_two_people_who_take_one_address_at_once_one_gets_it(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User, runtime: Runtime,
    pg: Postgres,
) -> None:  # fmt: skip
    new, other, links = _new(), await person(runtime), []
    for browser, user in ((http, someone), (elsewhere, other)):
        await arrive(browser, user, PAGE)
        await send(browser, PAGE, email=new)
        links.append(await _link_at(runtime, pg, new))
    answers = await asyncio.gather(post(http, links[0]), post(elsewhere, links[1]))
    assert sorted(each.status_code for each in answers) == [200, 400]
    assert sorted([(await _address(pg, each))[0] == new for each in (someone, other)]) == [
        False, True,
    ]  # fmt: skip


async def test_a_link_is_used_once_however_many_come_at_once(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres
) -> None:
    new, link, refusal = await _asked(http, someone, runtime, pg)
    answers = await asyncio.gather(*(post(http, link) for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [200, 400, 400, 400]
    answers = await asyncio.gather(*(post(http, refusal) for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [200, 400, 400, 400]
    done = [kind for kind, _ in await events_of(pg, someone) if kind.startswith("user.email_ch")]
    assert done == [f"user.email_change.{each}" for each in ("requested", "completed", "undone")]
    assert (await _address(pg, someone))[0] == someone.email
    assert new != someone.email


@pytest.mark.parametrize("typed", ["", "no address", "  "], ids=["nothing", "no address", "blank"])
async def test_what_is_no_address_is_told(
    http: httpx.AsyncClient, someone: User, typed: str
) -> None:
    await arrive(http, someone, PAGE)
    assert "flash-error" in (await send(http, PAGE, email=typed)).text
    assert "your address already" in (await send(http, PAGE, email=someone.email)).text


async def test_mails_to_one_address_are_few(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres
) -> None:
    await arrive(http, someone, PAGE)
    new, statuses = _new(), []
    for _ in range((await runtime.snapshot()).config.rate_limit_email_change_max + 1):
        statuses.append((await send(http, PAGE, email=new)).status_code)
    assert (statuses[-2:], len(await letters_for(runtime, pg, new))) == ([303, 429], 5)


async def test_a_link_is_nothing_at_another_organization_or_for_who_is_locked(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres
) -> None:
    _, link, _ = await _asked(http, someone, runtime, pg)
    assert (await http.get(link.replace("/acme/", "/globex/"))).status_code == 400
    altered = link[:-1] + ("A" if link[-1] != "A" else "B")
    assert (await http.get(altered)).status_code == 400
    await pg.execute("UPDATE users SET status = 'suspended' WHERE id = %(id)s", {"id": someone.id})
    assert (await post(http, link)).status_code == 400


async def test_a_form_of_nobody_changes_nothing(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User, runtime: Runtime,
    pg: Postgres,
) -> None:  # fmt: skip
    _, link, refusal = await _asked(http, someone, runtime, pg)
    await signs_in(elsewhere, await person(runtime))
    for each in (link, refusal):
        assert (await elsewhere.post(each, data={"_csrf": "x" * 43})).status_code == 403
    assert (await http.get(link)).status_code == 200
