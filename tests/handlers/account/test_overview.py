"""One's own account: who gets in, what they see, and what only they can end (decisions/0043)."""

from __future__ import annotations

import asyncio
from functools import partial

import httpx
import pytest

from porta.audit.actors import SYSTEM
from porta.browser import account_visits
from porta.runtime import Runtime
from porta.services import session_control
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.handlers.account.visits import (
    ACCOUNT,
    FIREFOX,
    arrive,
    confirm,
    events_of,
    is_signed_in,
    signs_in,
    somebody_waits,
)
from tests.handlers.flow import VERIFIER, answered, begin, csrf, hidden, parameters, submit
from tests.world.house import CALLBACK, PASSWORD, SECRET
from tests.world.links import person
from tests.world.second_factors import person_with_totp
from tests.world.waiting import eventually

SESSIONS, APPLICATIONS = f"{ACCOUNT}/sessions", f"{ACCOUNT}/applications"


async def _uid(pg: Postgres, user: User, user_agent: str) -> str:
    row = await pg.fetchrow(
        "SELECT uid FROM sessions WHERE account_id = %(id)s AND consumed_at IS NULL"
        " AND payload ->> 'user_agent' = %(agent)s",
        {"id": user.id, "agent": user_agent},
    )
    assert row is not None
    return str(row[0])


async def _post(http: httpx.AsyncClient, url: str, **form: str) -> httpx.Response:
    return await http.post(
        url, data={"_csrf": hidden((await http.get(SESSIONS)).text, "_csrf")} | form
    )


async def test_who_is_not_signed_in_does_so_and_arrives(
    http: httpx.AsyncClient, someone: User
) -> None:
    page = await arrive(http, someone)
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    assert someone.email in page.text
    assert f'href="{SESSIONS}"' in page.text
    assert f'href="{APPLICATIONS}"' in page.text
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("sent", "led"),
    [("", ""), ("/sessions", "/sessions"), ("/security/app", "/security")],
    ids=["overview", "section", "below a section"],
)
async def test_a_form_that_brings_no_session_leads_to_the_page_and_gives_the_browser_nothing(
    http: httpx.AsyncClient, pg: Postgres, sent: str, led: str
) -> None:
    """One of another site brings no cookie of ours: a new secret would end every session and
    sign-in of the one that the browser has.
    """
    answer = await http.post(f"{ACCOUNT}{sent}", data={"others": "1"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{ACCOUNT}{led}")
    assert "Set-Cookie" not in answer.headers
    asked = await http.get(answer.headers["Location"])
    assert asked.headers["Location"].startswith("/interaction/")


async def test_what_the_sign_in_leaves_behind_is_over_and_leads_to_no_client(
    http: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    path = (await http.get(ACCOUNT)).headers["Location"]
    resume = f"/acme/auth/{path.rpartition('/')[2]}"
    early = await http.get(resume)
    assert (early.status_code, early.headers["Location"]) == (303, path)
    await confirm(http, someone, path)
    again = await http.get(resume)
    assert again.status_code == 400
    assert "code=" not in str(again.headers)
    row = await pg.fetchrow(
        "SELECT count(*) FROM token_families WHERE account_id = %(id)s", {"id": someone.id}
    )
    assert row is not None
    assert row[0] == 0


async def test_a_sign_in_to_the_account_is_one_of_its_own_browser_alone(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User
) -> None:
    path = (await http.get(ACCOUNT)).headers["Location"]
    assert (await elsewhere.get(path)).status_code == 400
    await signs_in(elsewhere, someone)
    assert (await elsewhere.get(f"/acme/auth/{path.rpartition('/')[2]}")).status_code == 400


async def test_a_second_factor_is_asked_for_here_too(
    http: httpx.AsyncClient, runtime: Runtime, pg: Postgres
) -> None:
    user, _ = await person_with_totp(runtime, pg)
    path = (await http.get(ACCOUNT)).headers["Location"]
    posted = await submit(http, path, email=user.email)
    assert posted.headers["Location"] == path
    assert (await http.get(f"/acme/auth/{path.rpartition('/')[2]}")).headers["Location"] == path
    assert (await http.get(ACCOUNT)).status_code == 303


async def test_whoever_goes_away_is_not_asked_again(http: httpx.AsyncClient) -> None:
    path = (await http.get(ACCOUNT)).headers["Location"]
    gone = await http.get(f"{path}/abort")
    left = await http.get(gone.headers["Location"])
    assert (left.status_code, left.headers["Location"]) == (303, "/acme")


async def test_a_session_that_an_application_led_to_opens_the_account(
    http: httpx.AsyncClient, someone: User
) -> None:
    await signs_in(http, someone)
    assert someone.email in (await http.get(ACCOUNT)).text


async def test_a_person_who_may_not_sign_in_any_more_is_not_let_in(
    http: httpx.AsyncClient, pg: Postgres, someone: User
) -> None:
    await arrive(http, someone)
    await pg.execute("UPDATE users SET status = 'suspended' WHERE id = %(id)s", {"id": someone.id})
    assert (await http.get(ACCOUNT)).status_code == 303


async def test_the_session_of_another_organization_is_none_here(
    http: httpx.AsyncClient, someone: User
) -> None:
    await arrive(http, someone)
    there = await http.get("/globex/account")
    assert there.status_code == 303
    assert someone.email not in (await http.get(there.headers["Location"])).text


async def test_another_browser_is_signed_out_and_this_one_is_not(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    tokens = await redeem_as(elsewhere, someone)
    await arrive(http, someone)
    page = await http.get(SESSIONS)
    assert "This browser" in page.text
    assert "Firefox on Linux" in page.text
    done = await _post(http, SESSIONS, session=await _uid(pg, someone, FIREFOX))
    assert (done.status_code, done.headers["Location"]) == (303, f"{SESSIONS}?told=session")
    assert "That browser is signed out" in (await http.get(done.headers["Location"])).text
    assert (await is_signed_in(elsewhere), await is_signed_in(http)) == (False, True)
    assert (await _refresh(elsewhere, tokens)).json()["error"] == "invalid_grant"
    assert ("session.revoked", someone.id) in await events_of(pg, someone)


async def test_all_others_are_signed_out_together(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    tokens = await redeem_as(elsewhere, someone)
    await arrive(http, someone)
    done = await _post(http, SESSIONS, others="1")
    assert done.headers["Location"] == f"{SESSIONS}?told=sessions"
    assert (await is_signed_in(elsewhere), await is_signed_in(http)) == (False, True)
    assert (await _refresh(elsewhere, tokens)).json()["error"] == "invalid_grant"
    revoked = [each for each in await events_of(pg, someone) if each[0] == "session.revoked"]
    assert revoked == [("session.revoked", someone.id)]


async def test_of_two_who_end_all_others_at_once_one_is_left(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User
) -> None:
    await arrive(http, someone)
    await arrive(elsewhere, someone)
    forms = [hidden((await each.get(SESSIONS)).text, "_csrf") for each in (http, elsewhere)]
    await asyncio.gather(
        *(
            each.post(SESSIONS, data={"_csrf": value, "others": "1"})
            for each, value in zip((http, elsewhere), forms, strict=True)
        )
    )
    assert sorted([await is_signed_in(http), await is_signed_in(elsewhere)]) == [False, True]


async def test_nobody_ends_what_is_somebody_elses(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User, runtime: Runtime,
    pg: Postgres,
) -> None:  # fmt: skip
    other = await person(runtime)
    await signs_in(elsewhere, other)
    await arrive(http, someone)
    done = await _post(http, SESSIONS, session=await _uid(pg, other, FIREFOX))
    assert done.headers["Location"] == SESSIONS
    await _post(http, SESSIONS, others="1")
    await _post(http, APPLICATIONS, client="web")
    assert await is_signed_in(elsewhere)


async def test_a_form_counts_in_its_browser_while_its_person_is_there(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User, runtime: Runtime
) -> None:
    await signs_in(elsewhere, someone)
    await arrive(http, someone)
    shown = hidden((await http.get(SESSIONS)).text, "_csrf")
    stranger = hidden((await elsewhere.get(SESSIONS)).text, "_csrf")
    for wrong in ("", "x" * 43, stranger):
        refused = await http.post(SESSIONS, data={"_csrf": wrong, "others": "1"})
        assert refused.status_code == 403, wrong
        assert "nothing was sent" in refused.text
    other = await person(runtime)
    path = await begin(http, prompt="login")
    await http.post(f"{path}/switch", data={"_csrf": await csrf(http, path)})
    await _signs_in_at(http, path, other)
    refused = await http.post(SESSIONS, data={"_csrf": shown, "others": "1"})
    assert refused.status_code == 403
    assert await is_signed_in(elsewhere)


async def test_without_a_session_a_form_changes_nothing(http: httpx.AsyncClient) -> None:
    for url in (SESSIONS, APPLICATIONS):
        answer = await http.post(url, data={"others": "1", "client": "web"})
        assert (answer.status_code, answer.headers["Location"]) == (303, url)


async def test_a_change_needs_a_sign_in_that_is_not_long_ago(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User, later: list[float],
) -> None:  # fmt: skip
    await signs_in(elsewhere, someone)
    await arrive(http, someone)
    assert "asked to sign in once more" not in (await http.get(SESSIONS)).text
    later.append(account_visits.RECENT + 1)
    assert "asked to sign in once more" in (await http.get(SESSIONS)).text
    asked = await _post(http, SESSIONS, others="1")
    path = asked.headers["Location"]
    assert (asked.status_code, path.startswith("/interaction/")) == (303, True)
    assert await is_signed_in(elsewhere)
    assert someone.email in (await http.get(path)).text, "it is said who is to sign in again"
    # A session alone does not lead past the question, whichever way it is come to.
    resumed = await http.get(f"/acme/auth/{path.rpartition('/')[2]}")
    assert resumed.headers["Location"] == path
    assert "asked to sign in once more" in (await http.get(SESSIONS)).text
    await confirm(http, someone, path, SESSIONS)
    await _post(http, SESSIONS, others="1")
    assert not await is_signed_in(elsewhere)


async def test_somebody_else_who_signs_in_instead_has_their_own_account(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, later: list[float]
) -> None:
    other = await person(runtime)
    await arrive(http, someone)
    later.append(account_visits.RECENT + 1)
    path = (await _post(http, SESSIONS, others="1")).headers["Location"]
    await http.post(f"{path}/switch", data={"_csrf": await csrf(http, path)})
    page = await confirm(http, other, path, SESSIONS)
    assert (other.email in page.text, someone.email in page.text) == (True, False)


async def test_an_application_is_shown_with_what_it_may_do_and_taken_that(
    http: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    path = await begin(http, client_id="third", scope="openid email")
    await http.get((await submit(http, path, email=someone.email)).headers["Location"])
    await http.post(
        f"{path}/confirm", data={"_csrf": await csrf(http, path), "decision": "approve"}
    )
    await http.get(f"/acme/auth/{path.rpartition('/')[2]}")
    page = await http.get(APPLICATIONS)
    assert "third" in page.text
    done = await _post(http, APPLICATIONS, client="third")
    assert done.headers["Location"] == f"{APPLICATIONS}?told=application"
    assert "No application acts for you" in (await http.get(APPLICATIONS)).text
    assert ("user.consent.withdrawn", someone.id) in await events_of(pg, someone)
    quiet = await http.get("/acme/auth", params=parameters(client_id="third", prompt="none"))
    assert answered(quiet.headers["Location"])["error"] == "consent_required"
    nothing = await _post(http, APPLICATIONS, client="third")
    assert nothing.headers["Location"] == APPLICATIONS


async def test_one_of_the_organizations_own_loses_its_tokens_too(
    http: httpx.AsyncClient, someone: User
) -> None:
    tokens = await redeem_as(http, someone)
    assert "never asked" in (await http.get(APPLICATIONS)).text
    await _post(http, APPLICATIONS, client="web")
    assert (await _refresh(http, tokens)).json()["error"] == "invalid_grant"


async def test_the_page_of_the_organization_leads_there_who_is_signed_in(
    http: httpx.AsyncClient, someone: User
) -> None:
    headers = {"Accept": "text/html"}
    assert ACCOUNT not in (await http.get("/acme", headers=headers)).text
    await signs_in(http, someone)
    assert ACCOUNT in (await http.get("/acme", headers=headers)).text


async def redeem_as(http: httpx.AsyncClient, user: User) -> dict[str, str]:
    """Sign in at the client `web` as this person, and return its tokens."""
    await signs_in(http, user)
    return await redeem_quietly(http)


async def redeem_quietly(http: httpx.AsyncClient) -> dict[str, str]:
    """Return tokens of the client `web` for whoever is signed in."""
    scope = {"scope": "openid offline_access"}
    answer = await http.get("/acme/auth", params=parameters(**scope))
    code = answered(answer.headers["Location"])["code"]
    form = {
        "grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER,
        "redirect_uri": CALLBACK, "client_id": "web", "client_secret": SECRET,
    }  # fmt: skip
    tokens: dict[str, str] = (await http.post("/acme/token", data=form)).json()
    return tokens


async def _refresh(http: httpx.AsyncClient, tokens: dict[str, str]) -> httpx.Response:
    form = {
        "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"],
        "client_id": "web", "client_secret": SECRET,
    }  # fmt: skip
    return await http.post("/acme/token", data=form)


async def _signs_in_at(http: httpx.AsyncClient, path: str, user: User) -> None:
    posted = await submit(http, path, email=user.email, password=PASSWORD)
    await http.get(posted.headers["Location"])


async def test_who_is_signed_out_meanwhile_ends_nobody_elses_session(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User, runtime: Runtime,
    pg: Postgres,
) -> None:  # fmt: skip
    await arrive(elsewhere, someone)
    theirs = await _uid(pg, someone, FIREFOX)
    await arrive(http, someone, SESSIONS)
    await _send_while_signed_out(http, someone, runtime, pg, SESSIONS, session=theirs)
    assert await is_signed_in(elsewhere)


async def test_who_is_signed_out_meanwhile_takes_no_application_back(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User, runtime: Runtime,
    pg: Postgres,
) -> None:  # fmt: skip
    tokens = await redeem_as(elsewhere, someone)
    await arrive(http, someone, APPLICATIONS)
    await _send_while_signed_out(http, someone, runtime, pg, APPLICATIONS, client="web")
    assert "access_token" in (await _refresh(elsewhere, tokens)).json()
    assert "never asked" in (await arrive(http, someone, APPLICATIONS)).text


async def _send_while_signed_out(
    http: httpx.AsyncClient, user: User, runtime: Runtime, pg: Postgres, url: str, **form: str
) -> None:
    """Send a form of the account whose session ends while it waits for its person to be let go;
    theirs at Firefox is another one.
    """
    form["_csrf"] = hidden((await http.get(SESSIONS)).text, "_csrf")
    own = await pg.fetchrow(
        "SELECT uid FROM sessions WHERE account_id = %(id)s AND consumed_at IS NULL"
        " AND uid <> %(theirs)s",
        {"id": user.id, "theirs": await _uid(pg, user, FIREFOX)},
    )
    assert own is not None
    async with runtime.storage.everywhere.transaction() as tx:
        assert await tx.users.find(user.id, hold=True) is not None
        waiting = asyncio.create_task(http.post(url, data=form))
        await eventually(partial(somebody_waits, pg))
        assert await session_control.end_own(tx, SYSTEM, user, str(own[0]))
    answer = await waiting
    assert (answer.status_code, answer.headers["Location"]) == (303, url)
