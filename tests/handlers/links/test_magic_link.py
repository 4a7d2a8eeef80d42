"""Magic links: who is signed in by one, where, and who never is (G.1, G.5, G.7, G.8)."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from typing import Any

import httpx
import pytest
import pytest_asyncio

from porta.outbox import queue
from porta.runtime import Runtime
from porta.security import jwt
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.handlers.flow import begin, csrf, redeem_at
from tests.world.answers import hidden_fields
from tests.world.links import code_for, mailed_links, person, post, take_magic_links
from tests.world.log import Log
from tests.world.mail import letters_to
from tests.world.second_factors import choose, person_with_totp

SENT = "a link to sign in is on its way"


@pytest.fixture(autouse=True)
def _with_mail(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = runtime.settings.model_copy(update={"smtp_host": "mail.example"})
    monkeypatch.setattr(runtime, "settings", settings)


@pytest_asyncio.fixture(scope="module", autouse=True, loop_scope="session")
async def _taken(runtime: Runtime) -> None:
    """Have `web` take magic links beside passwords, and `third` nothing else."""
    await take_magic_links(runtime, "web")
    await take_magic_links(runtime, "third", "magic_link")


@pytest_asyncio.fixture
async def someone(runtime: Runtime) -> User:
    return await person(runtime)


async def _ask(http: httpx.AsyncClient, path: str, email: str) -> httpx.Response:
    form = {"_csrf": await csrf(http, path), "email": email}
    return await http.post(f"{path}/magic-link", data=form)


async def _link(
    http: httpx.AsyncClient, runtime: Runtime, pg: Postgres, user: User, **asked: Any
) -> tuple[str, str]:
    """Return the path of an interaction, and the link that was asked for there."""
    path = await begin(http, **asked)
    sent = await _ask(http, path, user.email)
    assert (sent.status_code, SENT in sent.text) == (200, True), sent.text
    return path, (await mailed_links(runtime, pg, user))[0]


def _is_signed_in(http: httpx.AsyncClient) -> bool:
    return any("session" in name for name in http.cookies)


async def _claims(http: httpx.AsyncClient, location: str) -> dict[str, Any]:
    return jwt.read_own((await redeem_at(http, location))["id_token"])


async def _type_in(http: httpx.AsyncClient, path: str, code: str) -> httpx.Response:
    form = {"_csrf": await csrf(http, path), "code": code}
    return await http.post(f"{path}/magic-link/code", data=form)


async def test_one_press_in_the_browser_that_asked_signs_in(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, someone: User
) -> None:
    path, link = await _link(http, runtime, pg, someone)
    page = await http.get(link)
    assert (page.status_code, someone.email in page.text) == (200, True)
    assert not _is_signed_in(http), "looking at it does nothing"
    pressed = await post(http, link)
    assert pressed.status_code == 303
    answer = await http.get(pressed.headers["Location"])
    claims = await _claims(http, answer.headers["Location"])
    assert (claims["sub"], claims["amr"]) == (someone.id, ["mca"])
    assert claims["acr"] == "urn:porta:acr:possession"
    stored = await pg.fetchrow(
        "SELECT email_verified, login_count FROM users WHERE id = %(id)s", {"id": someone.id}
    )
    assert stored == (True, 1)
    rows = await pg.fetch(
        "SELECT event_type FROM audit_log WHERE user_id = %(id)s ORDER BY sequence",
        {"id": someone.id},
    )
    assert [row[0] for row in rows] == ["user.magic_link.sent", "user.login.magic_link"]
    del path


@pytest.mark.parametrize("where", ["here", "elsewhere"])
async def test_who_asked_to_be_remembered_is_where_they_asked(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, pg: Postgres,
    someone: User, where: str,
) -> None:  # fmt: skip
    path = await begin(http)
    form = {"_csrf": await csrf(http, path), "email": someone.email, "remember": "yes"}
    await http.post(f"{path}/magic-link", data=form)
    (link,) = await mailed_links(runtime, pg, someone)
    if where == "here":
        await post(http, link)
    else:
        await _type_in(http, path, await code_for(elsewhere, link))
    assert "accounts" in http.cookies
    assert "accounts" not in elsewhere.cookies


async def test_a_client_that_takes_nothing_else_offers_it_alone(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, someone: User
) -> None:
    path = await begin(http, client_id="third")
    page = (await http.get(path)).text
    assert 'name="password"' not in page
    assert page.count('class="btn-primary"') == 1
    assert f'action="{path}/magic-link"' in page
    both = (await http.get(await begin(http))).text
    assert both.count('class="btn-primary"') == 1
    assert 'id="magic-link-btn"' in both
    assert "/acme/auth/forgot-password?interaction=" in both


async def test_G1_the_second_factor_is_asked_for_still(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres
) -> None:
    user, totp = await person_with_totp(runtime, pg)
    path, link = await _link(http, runtime, pg, user)
    pressed = await post(http, link)
    value = path.partition(".")[0]
    assert (pressed.status_code, pressed.headers["Location"]) == (303, value)
    assert not _is_signed_in(http)
    code = totp.generate_otp(int(runtime.clock() // 30))
    form = {"_csrf": await csrf(http, value), "method": "totp", "code": code}
    shown = await http.post(f"{value}/two-factor", data=form)
    answer = await http.get(shown.headers["Location"])
    claims = await _claims(http, answer.headers["Location"])
    assert claims["amr"] == ["mca", "otp"]
    assert claims["acr"] == "urn:porta:acr:possession", "two of one kind are one factor"


async def test_G1_a_second_factor_that_cannot_be_asked_for_is_not_dropped(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, someone: User
) -> None:
    """One that was chosen and is gone: the refusal is a page, and an event."""
    await choose(pg, someone, "totp")
    _, link = await _link(http, runtime, pg, someone)
    pressed = await post(http, link)
    assert (pressed.status_code, "needs a second step" in pressed.text) == (200, True)
    assert not _is_signed_in(http)
    rows = await pg.fetch(
        "SELECT metadata ->> 'reason' FROM audit_log WHERE user_id = %(id)s"
        " AND event_type = 'user.magic_link.failed'",
        {"id": someone.id},
    )
    assert rows == [("second_factor",)]


async def test_G5_another_browser_is_shown_a_code_and_signs_nobody_in(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, pg: Postgres,
    someone: User,
) -> None:  # fmt: skip
    path, link = await _link(http, runtime, pg, someone)
    page = await elsewhere.get(link)
    assert page.status_code == 200
    for words in ("Did you begin to sign in?", "Web", someone.email):
        assert words in page.text
    code = await code_for(elsewhere, link)
    assert not _is_signed_in(elsewhere)
    stored = await pg.fetch("SELECT code_digest, token_hash FROM magic_link_tokens")
    assert code.replace(" ", "") not in str(stored)
    wrong = await _type_in(http, path, "0000 0000")
    assert (wrong.status_code, "is not right" in wrong.text) == (200, True)
    typed = await _type_in(http, path, code)
    answer = await http.get(typed.headers["Location"])
    assert (await _claims(http, answer.headers["Location"]))["sub"] == someone.id
    assert (await elsewhere.get(link)).status_code == 400, "it is used"


async def test_a_code_is_good_where_the_link_was_asked_for_and_once(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, pg: Postgres,
    someone: User,
) -> None:  # fmt: skip
    path, link = await _link(http, runtime, pg, someone)
    code = await code_for(elsewhere, link)
    other = await begin(elsewhere)
    stolen = await _type_in(elsewhere, other, code)
    assert (stolen.status_code, _is_signed_in(elsewhere)) == (200, False)
    form = {"_csrf": await csrf(http, path), "code": code}
    tried = await asyncio.gather(
        *(http.post(f"{path}/magic-link/code", data=form) for _ in range(5))
    )
    fresh = [each for each in tried if "session" in " ".join(each.headers.get_list("set-cookie"))]
    assert len(fresh) == 1


async def test_a_code_ends_after_ten_minutes(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, pg: Postgres,
    someone: User,
) -> None:  # fmt: skip
    path, link = await _link(http, runtime, pg, someone)
    code = await code_for(elsewhere, link)
    await pg.execute(
        "UPDATE magic_link_tokens SET used_at = used_at - interval '10 minutes'"
        " WHERE user_id = %(id)s", {"id": someone.id},
    )  # fmt: skip
    assert "is not right" in (await _type_in(http, path, code)).text


async def test_codes_are_guessed_five_times_wherever_from(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, pg: Postgres,
    someone: User,
) -> None:  # fmt: skip
    path, link = await _link(http, runtime, pg, someone)
    code = await code_for(elsewhere, link)
    form = {"_csrf": await csrf(http, path), "code": "00000000"}
    tried = await asyncio.gather(
        *(http.post(f"{path}/magic-link/code", data=form) for _ in range(20))
    )
    assert sorted(each.status_code for each in tried) == [200] * 5 + [429] * 15
    refused = await _type_in(http, path, code)
    assert (refused.status_code, _is_signed_in(http)) == (429, False)
    assert int(refused.headers["Retry-After"]) > 0


async def test_an_attacker_who_began_it_gets_nothing_from_a_click(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, pg: Postgres,
    someone: User,
) -> None:  # fmt: skip
    """`http` is the attacker's browser; the victim opens the mail in theirs, and presses no."""
    path, link = await _link(http, runtime, pg, someone)
    await elsewhere.get(link)
    resumed = await http.get(f"/acme/auth/{path.rpartition('/')[2]}")
    assert resumed.headers["Location"] == path, "nothing has come of it"
    denied = await post(elsewhere, link, decision="disown")
    assert (denied.status_code, "The link is dead" in denied.text) == (200, True)
    assert (await http.get(link)).status_code == 400
    row = await pg.fetchrow(
        "SELECT metadata ->> 'reason' FROM audit_log WHERE user_id = %(id)s"
        " AND event_type = 'user.magic_link.failed'", {"id": someone.id},
    )  # fmt: skip
    assert row == ("disowned",)


async def test_an_attackers_own_link_signs_nobody_in_as_them(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, pg: Postgres,
    someone: User,
) -> None:  # fmt: skip
    """Login CSRF: the victim, in `elsewhere`, has an interaction of their own."""
    _, link = await _link(http, runtime, pg, someone)
    victims = await begin(elsewhere)
    bare = link.partition("?")[0]
    # The second one ends it: it says there that nobody began it.
    for sent in (f"{bare}?interaction={victims.rpartition('/')[2]}", link):
        await post(elsewhere, sent, decision="x")
        assert not _is_signed_in(elsewhere)
    forged = hidden_fields((await http.get(link)).text)
    assert (await elsewhere.post(link, data=forged)).status_code in (400, 403)


async def test_G5_scanners_use_nothing_up(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, pg: Postgres,
    someone: User,
) -> None:  # fmt: skip
    _, link = await _link(http, runtime, pg, someone)
    for browser in (elsewhere, http):
        for _ in range(3):
            assert (await browser.get(link)).status_code == 200
            assert (await browser.head(link)).status_code == 200
    assert (await http.post(link, data={})).status_code == 403
    assert (await post(http, link)).status_code == 303


async def test_of_fifty_uses_at_once_one_succeeds(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, someone: User
) -> None:
    _, link = await _link(http, runtime, pg, someone)
    form = hidden_fields((await http.get(link)).text)
    tried = await asyncio.gather(*(http.post(link, data=form) for _ in range(50)))
    fresh = [each for each in tried if "session" in " ".join(each.headers.get_list("set-cookie"))]
    assert len(fresh) == 1
    row = await pg.fetchrow("SELECT login_count FROM users WHERE id = %(id)s", {"id": someone.id})
    assert row == (1,)


async def test_unknown_addresses_are_answered_alike(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, pg: Postgres,
    someone: User,
) -> None:  # fmt: skip
    suspended = await person(runtime, status="suspended")
    answers = []
    for email in (someone.email, "nobody-of-that-name-anywhere@acme.example", suspended.email):
        path = await begin(http)
        answer = await _ask(http, path, email)
        told = answer.text.replace(email, "…").replace(path, "…")
        told = re.sub(r'"_csrf" value="[^"]+"', "", told)
        answers.append((answer.status_code, told, [*answer.headers]))
    assert answers[0] == answers[1] == answers[2]
    assert await letters_to(runtime, pg, suspended.id) == []


async def test_where_no_mail_can_wait_nobody_is_told_who_is_there(
    http: httpx.AsyncClient, someone: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await begin(http)
    await _ask(http, path, someone.email)
    monkeypatch.setattr(queue, "MOST_PENDING", 1)
    for email in (someone.email, "nobody-whose-mail-waits@acme.example"):
        refused = await _ask(http, path, email)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")


async def test_G7_few_are_mailed_whether_there_is_somebody_or_not(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, someone: User
) -> None:
    for email in (someone.email, "nobody-here-at-all@acme.example"):
        path = await begin(http)
        asked = [await _ask(http, path, email) for _ in range(6)]
        assert [each.status_code for each in asked] == [200] * 5 + [429]
        assert 0 < int(asked[-1].headers["Retry-After"]) <= 900
    links = await mailed_links(runtime, pg, someone)
    assert len(links) == 5
    assert [(await http.get(each)).status_code for each in links] == [200] + [400] * 4, "the newest"


async def test_a_lock_of_passwords_does_not_close_the_mailed_way_in(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, someone: User
) -> None:
    await pg.execute(
        "UPDATE users SET status = 'locked', locked_at = now(), locked_reason = 'auto_lockout'"
        " WHERE id = %(id)s", {"id": someone.id},
    )  # fmt: skip
    _, link = await _link(http, runtime, pg, someone)
    await post(http, link)
    assert _is_signed_in(http)


async def test_who_may_not_sign_in_any_more_is_told_after_the_press_alone(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, someone: User
) -> None:
    _, link = await _link(http, runtime, pg, someone)
    await pg.execute("UPDATE users SET status = 'suspended' WHERE id = %(id)s", {"id": someone.id})
    assert "suspended" not in (await http.get(link)).text
    pressed = await post(http, link)
    assert ("has been suspended" in pressed.text, _is_signed_in(http)) == (True, False)


async def test_a_link_is_worth_nothing_at_another_address_organization_or_hour(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, someone: User
) -> None:
    _, link = await _link(http, runtime, pg, someone)
    assert (await http.get(link.replace("/acme/", "/globex/"))).status_code == 400
    move = "UPDATE users SET email = %(email)s WHERE id = %(id)s"
    await pg.execute(move, {"email": "x" + someone.email, "id": someone.id})
    assert (await http.get(link)).status_code == 400
    await pg.execute(move, {"email": someone.email, "id": someone.id})
    form = hidden_fields((await http.get(link)).text)
    await pg.execute(
        "UPDATE magic_link_tokens SET expires_at = now() WHERE user_id = %(id)s",
        {"id": someone.id},
    )
    assert (await http.post(link, data=form)).status_code == 400
    assert not _is_signed_in(http)


async def test_G8_pages_with_a_token_tell_nobody_where_they_are(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, pg: Postgres,
    someone: User, log: Log,
) -> None:  # fmt: skip
    _, link = await _link(http, runtime, pg, someone)
    for answer in (
        await http.get(link), await elsewhere.get(link), await http.post(link, data={}),
        await elsewhere.get(link.replace("?", "x?")), await post(http, link),
    ):  # fmt: skip
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
    assert link.rpartition("/")[2].partition("?")[0] not in log.text()


async def test_a_pending_link_of_porta_1x_works_at_an_open_sign_in(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, pg: Postgres,
    someone: User,
) -> None:  # fmt: skip
    token = secrets.token_urlsafe(32)
    await pg.execute(
        "INSERT INTO magic_link_tokens (user_id, token_hash, expires_at)"
        " VALUES (%(id)s, %(hash)s, now() + interval '15 minutes')",
        {"id": someone.id, "hash": hashlib.sha256(token.encode()).hexdigest()},
    )
    path = await begin(http)
    link = f"/acme/auth/magic-link/{token}?interaction={path.rpartition('/')[2]}"
    stranger = await elsewhere.get(link)
    assert stranger.status_code == 400, "not in a browser that did not begin it"
    pressed = await post(http, link)
    assert (pressed.status_code, _is_signed_in(http)) == (303, True)


async def test_where_it_is_not_taken_none_is_mailed(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, someone: User
) -> None:
    path = await begin(http, client_id="desk", redirect_uri="http://127.0.0.1/callback")
    assert 'id="magic-link-btn"' not in (await http.get(path)).text
    refused = await _ask(http, path, someone.email)
    assert refused.status_code == 403
    assert await mailed_links(runtime, pg, someone) == []
    again = await http.get(f"{path}/magic-link")
    assert again.headers["Location"] == path


async def test_an_address_is_needed_and_a_form_of_this_browser(
    runtime: Runtime, http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, pg: Postgres,
    someone: User,
) -> None:  # fmt: skip
    path = await begin(http)
    assert "enter your email address first" in (await _ask(http, path, "")).text
    forged = await http.post(f"{path}/magic-link", data={"email": someone.email, "_csrf": "x" * 43})
    assert forged.status_code == 403
    assert await mailed_links(runtime, pg, someone) == []
    assert SENT in (await http.get(f"{path}/magic-link")).text
