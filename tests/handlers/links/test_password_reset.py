"""Forgotten passwords: who is told what, what a link is worth, and what it ends (G.6 to G.8)."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from urllib.parse import urlencode

import httpx
import pytest
import pytest_asyncio

from porta.limits import even_time
from porta.outbox import queue
from porta.runtime import Runtime
from porta.security import known_browsers
from porta.tenants import resolve
from storage.models.passkeys import NewPasskey
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.handlers.flow import begin, redeem, submit
from tests.world.answers import hidden_fields
from tests.world.house import PASSWORD
from tests.world.links import mailed_links, person, post, take_magic_links
from tests.world.log import Log
from tests.world.mail import letters_to

FORGOT = "/acme/auth/forgot-password"
NEW = "seven green bottles on a wall"
CHOSEN = {"password": NEW, "confirmPassword": NEW}


@pytest_asyncio.fixture
async def someone(runtime: Runtime) -> User:
    return await person(runtime)


async def _link(http: httpx.AsyncClient, runtime: Runtime, pg: Postgres, user: User) -> str:
    asked = await post(http, FORGOT, email=user.email)
    assert (asked.status_code, user.email in asked.text) == (200, True)
    return (await mailed_links(runtime, pg, user))[0]


async def _signs_in(http: httpx.AsyncClient, user: User, password: str) -> bool:
    answer = await submit(http, await begin(http), email=user.email, password=password)
    return answer.status_code == 303


async def _events(pg: Postgres, user: User) -> list[str]:
    rows = await pg.fetch(
        "SELECT event_type FROM audit_log WHERE user_id = %(id)s ORDER BY sequence",
        {"id": user.id},
    )
    return [row[0] for row in rows]


async def test_a_forgotten_password_becomes_another_one(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, someone: User
) -> None:
    key = (someone.id, someone.organization_id)
    await runtime.storage.passkeys.handle(*key, "handle")
    new = NewPasskey(
        credential_id="c", public_key=b"k", sign_count=0, backup_eligible=True, backed_up=True
    )
    await runtime.storage.passkeys.add(*key, "Phone", new)
    link = await _link(http, runtime, pg, someone)
    page = await http.get(link)
    assert (page.status_code, someone.email in page.text) == (200, True)
    done = await post(http, link, **CHOSEN)
    assert (done.status_code, "Your password is changed" in done.text) == (200, True)
    assert not [name for name in http.cookies if "session" in name], "it does not sign in"
    assert not await _signs_in(http, someone, PASSWORD)
    assert await _signs_in(http, someone, NEW)
    told = await letters_to(runtime, pg, someone.id)
    assert told[0].subject == "Your password for Acme Ltd. was changed"
    assert "was changed just now" in told[0].text
    assert "was changed just now" in told[0].html
    (kept,) = await runtime.storage.passkeys.list(*key)
    for text in (told[0].text, told[0].html):
        assert kept.name == "Phone"
        assert "Phone" in text
        assert f"{runtime.settings.issuer_base_url}/acme/account/security" in text
    events = await _events(pg, someone)
    assert events[:2] == ["user.password_reset.requested", "user.password_reset.completed"]


async def test_G6_a_newer_link_kills_older_ones_and_each_is_good_once(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, someone: User
) -> None:
    older, newer = [await _link(http, runtime, pg, someone) for _ in range(2)]
    dead = await http.get(older)
    assert (dead.status_code, "no longer good" in dead.text) == (400, True)
    assert FORGOT in dead.text, "the way on"
    assert (await post(http, newer, **CHOSEN)).status_code == 200
    for again in (await http.get(newer), await http.post(newer, data=CHOSEN)):
        assert again.status_code in (400, 403)
    assert (await http.get(newer)).status_code == 400


async def test_G6_success_ends_sessions_and_refresh_tokens(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, pg: Postgres,
    someone: User,
) -> None:  # fmt: skip
    path = await begin(elsewhere)
    await submit(elsewhere, path, email=someone.email)
    rows = "SELECT count(*) FROM sessions WHERE account_id = %(id)s AND consumed_at IS NULL"
    assert await pg.fetchrow(rows, {"id": someone.id}) == (1,)
    await post(http, await _link(http, runtime, pg, someone), **CHOSEN)
    assert await pg.fetchrow(rows, {"id": someone.id}) == (0,)
    again = await elsewhere.get("/acme/auth", params={"prompt": "none"})
    assert again.status_code != 303 or "code=" not in again.headers["Location"]


async def test_refresh_tokens_of_a_person_end_with_their_password(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, pg: Postgres
) -> None:
    from tests.world.house import EMAIL, SECRET

    tokens = await redeem(elsewhere, scope="openid offline_access", prompt="consent")
    home = await runtime.storage.everywhere.organizations.find_by_slug("acme")
    assert home is not None
    alice = await runtime.storage.everywhere.users.find_by_email(home.id, EMAIL)
    assert alice is not None
    await post(http, await _link(http, runtime, pg, alice), **CHOSEN)
    for name in ("refresh_token", "access_token"):
        form = {"token": tokens[name], "client_id": "web", "client_secret": SECRET}
        told = (await http.post("/acme/token/introspection", data=form)).json()
        assert told == {"active": False}
    hashed = await runtime.passwords.hash(PASSWORD)
    await runtime.storage.everywhere.user_passwords.set(alice.id, home.id, hashed)


async def test_unknown_addresses_are_answered_alike(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, someone: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(even_time, "STEP", 0.3)
    jobs = "SELECT count(*) FROM jobs"
    before = await pg.fetchrow(jobs)
    answers = []
    for email in (someone.email, "nobody-of-that-name-here-at-all-x@acme.example"):
        began = time.monotonic()
        answer = await post(http, FORGOT, email=email)
        assert time.monotonic() - began >= 0.3
        csrf = hidden_fields(answer.text)
        answers.append(
            (answer.status_code, answer.text.replace(email, "…"), csrf, [*answer.headers])
        )
    assert answers[0] == answers[1]
    after = await pg.fetchrow(jobs)
    assert before is not None
    assert after == (before[0] + 1,), "one of them got a mail"


async def test_where_no_mail_can_wait_nobody_is_told_who_is_there(
    http: httpx.AsyncClient, someone: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post(http, FORGOT, email=someone.email)
    monkeypatch.setattr(queue, "MOST_PENDING", 1)
    for email in (someone.email, "nobody-whose-mail-waits@acme.example"):
        refused = await post(http, FORGOT, email=email)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")


@pytest.mark.parametrize("email", ["", "no address", "a@b\x00.c", "x" * 4000, "\ud800@acme.test"])
async def test_what_is_no_address_is_answered_alike(http: httpx.AsyncClient, email: str) -> None:
    typed = email.encode("utf-8", "surrogatepass")
    page = await http.get(FORGOT)
    body = urlencode({"_csrf": hidden_fields(page.text)["_csrf"], "email": typed})
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await http.post(FORGOT, content=body, headers=form)
    is_text = "\ud800" not in email  # a form is UTF-8, whoever it asks for
    assert (answer.status_code, "Check your email" in answer.text) == (
        (200, True) if is_text else (400, False)
    )


async def test_G7_few_links_are_mailed_whether_there_is_somebody_or_not(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, pg: Postgres,
    someone: User,
) -> None:  # fmt: skip
    for email in (someone.email, "nobody-at-all@acme.example"):
        asked = [await post(http, FORGOT, email=email) for _ in range(6)]
        assert [each.status_code for each in asked] == [200] * 5 + [429]
        assert 0 < int(asked[-1].headers["Retry-After"]) <= 900
    assert len(await mailed_links(runtime, pg, someone)) == 5
    tenant_id, keys = someone.organization_id, runtime.settings.cookie_keys
    known = known_browsers.remember(keys, None, tenant_id, someone.email, runtime.clock())
    elsewhere.cookies.set("known_acme", known)
    own = await post(elsewhere, FORGOT, email=someone.email)
    assert own.status_code == 200, "a stranger does not keep an owner out"


async def test_G8_pages_with_a_token_tell_nobody_where_they_are(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, someone: User
) -> None:
    link = await _link(http, runtime, pg, someone)
    for answer in (
        await http.get(link), await http.head(link), await http.post(link, data={}),
        await http.get(link + "x"), await post(http, link, password="x"),
        await http.put(link),
    ):  # fmt: skip
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "https:" not in answer.headers["Content-Security-Policy"]
        assert 'src="http' not in answer.text


async def test_scanners_and_forged_forms_use_nothing_up(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, pg: Postgres,
    someone: User,
) -> None:  # fmt: skip
    link = await _link(http, runtime, pg, someone)
    for _ in range(3):
        assert (await elsewhere.get(link)).status_code == 200
        assert (await elsewhere.head(link)).status_code == 200
    seen = hidden_fields((await elsewhere.get(link)).text)
    for form in ({}, {"_csrf": "x" * 43}, seen):
        forged = await http.post(link, data={**form, **CHOSEN})
        assert forged.status_code == 403, "of no browser, or of another"
    assert (await post(http, link, **CHOSEN)).status_code == 200


@pytest.mark.parametrize("site", [None, "cross-site", "same-site", "same-origin"])
async def test_a_form_of_another_site_takes_no_secret_away(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, pg: Postgres,
    someone: User, site: str | None,
) -> None:  # fmt: skip
    """It brings no cookie of ours along; what the browser has would be overwritten all the same."""
    for place in (FORGOT, await _link(http, runtime, pg, someone)):
        headers = {"Sec-Fetch-Site": site} if site else {}
        forged = await elsewhere.post(place, data=CHOSEN, headers=headers)
        assert forged.status_code == 403
        given = [c for c in forged.headers.get_list("Set-Cookie") if c.startswith("browser_")]
        assert bool(given) == (site == "same-origin"), "whose cookie was lost gets on"
        elsewhere.cookies.clear()


async def test_everything_about_a_password_is_told_at_once_and_costs_no_link(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, someone: User
) -> None:
    link = await _link(http, runtime, pg, someone)
    weak = await post(http, link, password="password", confirmPassword="passwort")
    assert weak.status_code == 200
    for words in ("too short", "first that are tried", "not the same"):
        assert words in weak.text
    auf_deutsch = await post(http, f"{link}?lang=de", password="x", confirmPassword="x")
    assert "zu kurz" in auf_deutsch.text
    huge = "x" * 2000
    assert "zu lang" in (await post(http, link, password=huge, confirmPassword=huge)).text
    assert (await post(http, link, **CHOSEN)).status_code == 200


async def test_of_fifty_uses_at_once_one_succeeds(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, someone: User
) -> None:
    link = await _link(http, runtime, pg, someone)
    form = hidden_fields((await http.get(link)).text) | CHOSEN
    tried = await asyncio.gather(*(http.post(link, data=form) for _ in range(50)))
    done = [each for each in tried if "Your password is changed" in each.text]
    assert len(done) == 1
    assert {each.status_code for each in tried} <= {200, 400, 429, 503}
    assert (await _events(pg, someone)).count("user.password_reset.completed") == 1


async def test_an_automatic_lock_ends_and_an_administrators_does_not(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres
) -> None:
    for reason, status in (("auto_lockout", "active"), ("by hand", "locked")):
        user = await person(runtime)
        await pg.execute(
            "UPDATE users SET status = 'locked', locked_at = now(), locked_reason = %(reason)s"
            " WHERE id = %(id)s", {"id": user.id, "reason": reason},
        )  # fmt: skip
        await post(http, await _link(http, runtime, pg, user), **CHOSEN)
        row = await pg.fetchrow("SELECT status FROM users WHERE id = %(id)s", {"id": user.id})
        assert row == (status,)


async def test_a_hash_that_is_too_dear_to_compare_gives_way(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres
) -> None:
    user = await person(
        runtime, password_hash="$argon2id$v=19$m=1048576,t=9,p=4$c29tZXNhbHQ$" + "a" * 43
    )
    assert not await _signs_in(http, user, PASSWORD)
    await post(http, await _link(http, runtime, pg, user), **CHOSEN)
    assert await _signs_in(http, user, NEW)


async def test_a_link_is_worth_nothing_at_another_address_organization_or_hour(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, someone: User
) -> None:
    link = await _link(http, runtime, pg, someone)
    assert (await http.get(link.replace("/acme/", "/globex/"))).status_code == 400
    move = "UPDATE users SET email = %(email)s WHERE id = %(id)s"
    await pg.execute(move, {"email": "x" + someone.email, "id": someone.id})
    assert (await http.get(link)).status_code == 400
    await pg.execute(move, {"email": someone.email, "id": someone.id})
    assert (await http.get(link)).status_code == 200
    await pg.execute(
        "UPDATE password_reset_tokens SET expires_at = now() WHERE user_id = %(id)s",
        {"id": someone.id},
    )
    assert (await http.get(link)).status_code == 400


async def test_a_pending_link_of_porta_1x_works(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, someone: User
) -> None:
    token = secrets.token_urlsafe(32)
    await pg.execute(
        "INSERT INTO password_reset_tokens (user_id, token_hash, expires_at)"
        " VALUES (%(id)s, %(hash)s, now() + interval '1 hour')",
        {"id": someone.id, "hash": hashlib.sha256(token.encode()).hexdigest()},
    )
    done = await post(http, f"/acme/auth/reset-password/{token}", **CHOSEN)
    assert "Your password is changed" in done.text


async def test_it_leads_back_to_the_sign_in_it_was_asked_for_at(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, pg: Postgres,
    someone: User,
) -> None:  # fmt: skip
    path = await begin(http)
    uid = path.rpartition("/")[2]
    asked = await post(http, f"{FORGOT}?interaction={uid}", email=someone.email)
    assert path in asked.text
    link = (await mailed_links(runtime, pg, someone))[0]
    value = uid.partition(".")[0]
    assert link.endswith(f"?interaction={value}")
    done = await post(http, link, **CHOSEN)
    assert f"/interaction/{value}" in done.text
    other = await post(elsewhere, f"{FORGOT}?interaction={uid}", email=someone.email)
    assert path not in other.text, "not in another browser"


async def test_where_nobody_signs_in_with_a_password_there_is_none_to_forget(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, someone: User
) -> None:
    link = await _link(http, runtime, pg, someone)
    change = "UPDATE organizations SET default_login_methods = %(methods)s WHERE slug = 'acme'"
    await pg.execute(change, {"methods": ["magic_link"]})
    try:
        for _ in range(100):
            refused = await http.get(FORGOT)
            if refused.status_code == 400:
                break
            await asyncio.sleep(0.1)
        assert (refused.status_code, "not available here" in refused.text) == (400, True)
        assert (await http.get(link)).status_code == 400
    finally:
        await pg.execute(change, {"methods": ["password"]})
        for _ in range(100):
            if (await http.get(FORGOT)).status_code == 200:
                break
            await asyncio.sleep(0.1)


async def test_a_link_of_the_one_client_with_passwords_is_good_on_any_device(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, pg: Postgres,
    someone: User,
) -> None:  # fmt: skip
    """Whatever the organization's own ways are: the sign-in that it leads back to is elsewhere."""
    await take_magic_links(runtime, "web", "password")
    await take_magic_links(runtime, "third", "magic_link")
    uid = (await begin(http)).rpartition("/")[2]
    change = "UPDATE organizations SET default_login_methods = %(methods)s WHERE slug = 'acme'"
    await pg.execute(change, {"methods": ["magic_link"]})
    try:
        await _until_taken(runtime, "magic_link")
        await post(http, f"{FORGOT}?interaction={uid}", email=someone.email)
        link = (await mailed_links(runtime, pg, someone))[0]
        done = await post(elsewhere, link, **CHOSEN)
        assert (done.status_code, "Your password is changed" in done.text) == (200, True)
        other = (await begin(http, client_id="third")).rpartition("/")[2]
        refused = await http.get(f"{FORGOT}?interaction={other}")
        assert refused.status_code == 400, "who is asked for a link has no password to forget"
    finally:
        await pg.execute(change, {"methods": ["password"]})
        await pg.execute("UPDATE clients SET login_methods = NULL")
        await _until_taken(runtime, "password")


async def _until_taken(runtime: Runtime, method: str) -> None:
    """Wait until the server has heard how people sign in to the organization."""
    for _ in range(100):
        tenant = await resolve.resolve(runtime, "acme")
        if tenant.organization.default_login_methods == (method,):
            return
        await asyncio.sleep(0.1)


async def test_no_secret_of_it_is_in_the_log(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, someone: User, log: Log
) -> None:
    link = await _link(http, runtime, pg, someone)
    token = link.rpartition("/")[2]
    await http.get(link)
    await post(http, link, password="short", confirmPassword="short")
    await post(http, link, **CHOSEN)
    await http.get(link)
    written = log.text()
    assert token not in written
    assert NEW not in written
