"""Sign-in: forms from elsewhere, other browsers, fixed sessions, guesses, and what answers tell."""

from __future__ import annotations

import asyncio
import re
import secrets
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from porta.browser import interactions
from porta.security import known_browsers
from porta.security.passwords import Passwords
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.world.answers import claims_of, hidden_fields, location, query_of
from tests.world.browser import (
    PASSWORD,
    SECRET,
    SESSION,
    Browser,
    a_browser,
    add_client,
    add_user,
    configured,
    new_address,
)
from tests.world.served import Served
from tests.world.waiting import eventually

HOME = "https://app.acme.test/"
"""What the seed says of the client."""
INVALID = 'role="alert"'


# forms and browsers


@pytest.mark.parametrize("forged", ["", "x", "A" * 43, "ü"])
async def test_a_form_needs_the_value_of_its_page(
    served: Served, browser: Browser, forged: str
) -> None:
    answer = await browser.submit(await browser.begin(), _csrf=forged)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_the_value_of_another_interaction_is_wrong(served: Served, browser: Browser) -> None:
    one, two = await browser.begin(), await browser.begin()
    other = hidden_fields((await browser.http.get(two)).text)["_csrf"]
    answer = await browser.submit(one, _csrf=other)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_another_browser_can_neither_see_nor_finish_an_interaction(
    served: Served, browser: Browser
) -> None:
    url = await browser.begin()
    uid = url.rpartition("/")[2]
    form = hidden_fields((await browser.http.get(url)).text)
    async with a_browser(served) as victim:
        await victim.begin()  # it has a secret, only not this one's
        headers: dict[str, str] = {}
        for request in (
            victim.http.build_request("GET", url, headers=headers),
            victim.http.build_request(
                "POST", f"{url}/login", headers=headers,
                data={**form, "email": victim.email, "password": PASSWORD},
            ),
            victim.http.build_request("GET", f"{url}/abort", headers=headers),
            victim.http.build_request("POST", f"{url}/confirm", headers=headers, data=form),
            victim.http.build_request("GET", f"{served.issuer()}/auth/{uid}", headers=headers),
        ):  # fmt: skip
            answer = await victim.http.send(request)
            assert answer.status_code == 400, request.url
            assert not answer.is_redirect
            assert form["_csrf"] not in answer.text
    assert (await browser.submit(url)).status_code == 303, "and it is unharmed"


async def test_nobody_is_signed_in_to_the_account_of_an_attacker(
    served: Served, browser: Browser
) -> None:
    """Login CSRF: the attacker signed in, and sends the link that finishes it to a victim."""
    answer = await browser.submit(await browser.begin())
    async with a_browser(served) as victim:
        finished = await victim.http.get(location(answer))
    assert finished.status_code == 400
    assert "location" not in finished.headers


async def test_an_interaction_ends_once(served: Served, browser: Browser) -> None:
    url = await browser.begin()
    resume = location(await browser.submit(url))
    async with a_browser(served) as copy:
        copy.wears(browser.session, browser.secret)
        http = copy.http
        answers = await asyncio.gather(*(http.get(resume) for _ in range(8)))
    ends = [location(answer) for answer in answers]
    assert len([end for end in ends if "code=" in end]) == 1
    assert {end for end in ends if "code=" not in end} == {HOME}


async def test_a_form_posted_after_the_end_starts_nothing(served: Served, browser: Browser) -> None:
    url = await browser.begin()
    form = hidden_fields((await browser.http.get(url)).text)
    await browser.follow(await browser.submit(url))
    late = await browser.http.post(
        f"{url}/login",
        data={**form, "email": browser.email, "password": PASSWORD},
    )
    assert location(late) == HOME
    assert "set-cookie" not in late.headers


async def test_two_forms_at_once_are_no_error_of_ours(served: Served, browser: Browser) -> None:
    """A double click whose first half has finished the interaction before the second."""
    url = await browser.begin()
    form = hidden_fields((await browser.http.get(url)).text)
    form |= {"email": browser.email, "password": PASSWORD}
    headers = {"Cookie": f"{SECRET}={browser.secret}"}
    async with httpx.AsyncClient(headers=headers, timeout=20) as http:
        resume = url.replace("/interaction/", "/acme/auth/")

        async def post_and_resume() -> list[int]:
            posted = await http.post(f"{url}/login", data=form)
            session = posted.cookies.get(SESSION, "", path="/acme")
            both = {"Cookie": f"{headers['Cookie']}; {SESSION}={session}"}
            return [posted.status_code, (await http.get(resume, headers=both)).status_code]

        answers = await asyncio.gather(*(post_and_resume() for _ in range(6)))
    statuses = {status for pair in answers for status in pair}
    assert max(statuses) < 500, answers
    assert 303 in statuses


# sessions


async def test_a_session_that_the_browser_chose_is_never_adopted(
    served: Served, browser: Browser
) -> None:
    chosen = "A" * 43
    browser.http.cookies.set(SESSION, chosen, domain="127.0.0.1", path="/acme")
    await browser.code()
    assert browser.session not in (None, chosen)
    assert await _answers_silently(browser, browser.session)
    assert not await _answers_silently(browser, chosen)


async def test_every_authentication_has_a_new_session_and_the_old_one_is_dead(
    served: Served, browser: Browser
) -> None:
    first = await browser.tokens()
    old = browser.session
    second = await browser.tokens(prompt="login")
    assert browser.session != old
    assert not await _answers_silently(browser, old)
    assert await _answers_silently(browser, browser.session)
    sid = [_sid(tokens["id_token"]) for tokens in (first, second)]
    assert sid[0] == sid[1], "for the same person it is the same sign-in, renewed"
    userinfo = await served.http.get(
        f"{served.issuer()}/me", headers={"Authorization": f"Bearer {first['access_token']}"}
    )
    assert userinfo.status_code == 200


async def test_another_person_ends_the_session_before_and_its_tokens(
    served: Served, browser: Browser
) -> None:
    tokens = await browser.tokens()
    old = browser.session
    browser.email, browser.password = "bob@acme.test", "brave-walnut-hums-under-rain"
    theirs = await browser.tokens(prompt="login")
    assert _sid(theirs["id_token"]) != _sid(tokens["id_token"])
    assert not await _answers_silently(browser, old)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await served.http.get(f"{served.issuer()}/me", headers=headers)).status_code == 401


async def test_consent_is_of_the_person_who_gave_it(served: Served, browser: Browser) -> None:
    """Alice approves; before the answer leaves, somebody else signs in in another tab."""
    partner = {"client_id": "acme-partner", "redirect_uri": "http://127.0.0.1:9011/callback"}
    answer = await browser.submit(await browser.begin(**partner))
    page_url = location(await browser.http.get(location(answer)))
    page = await browser.http.get(page_url)
    form = hidden_fields(page.text) | {"decision": "approve"}
    approved = await browser.http.post(f"{page_url}/confirm", data=form)
    browser.email, browser.password = "bob@acme.test", "brave-walnut-hums-under-rain"
    await browser.code(prompt="login")
    for _ in range(2):
        resumed = await browser.http.get(location(approved))
        assert "/interaction/" in location(resumed), "Bob is asked himself"


async def test_consent_does_not_outlive_a_sign_in_of_somebody_else(
    served: Served, browser: Browser
) -> None:
    """The same, with the second person signing in at the very interaction."""
    partner = {"client_id": "acme-partner", "redirect_uri": "http://127.0.0.1:9011/callback"}
    url = await browser.begin(**partner)
    login_form = hidden_fields((await browser.http.get(url)).text)
    await browser.http.get(location(await browser.submit(url)))
    form = hidden_fields((await browser.http.get(url)).text) | {"decision": "approve"}
    await browser.http.post(f"{url}/confirm", data=form)
    login_form |= {"email": "bob@acme.test", "password": "brave-walnut-hums-under-rain"}
    answer = await browser.http.post(f"{url}/login", data=login_form)
    resumed = await browser.http.get(location(answer))
    assert "/interaction/" in location(resumed)


async def test_the_session_is_in_no_page(served: Served, browser: Browser) -> None:
    await browser.code()
    assert browser.session
    for answer in (
        await browser.authorize(prompt="login"),
        await browser.http.get(await browser.begin(prompt="login")),
        await browser.http.get(f"{served.issuer()}/session/end"),
        await browser.authorize(response_mode="form_post"),
    ):
        assert browser.session not in answer.text
        assert browser.session not in str(answer.headers)


# what an answer tells


async def test_nobody_learns_who_has_an_account(served: Served, pg: Postgres) -> None:
    right, people = PASSWORD, {}
    for status in ("active", "inactive", "suspended", "locked"):
        people[status] = (await add_user(served, status=status)).email
        await pg.execute(
            "UPDATE users SET status = %(status)s, locked_at = now(),"
            " locked_reason = 'auto_lockout' WHERE email = %(email)s",
            {"email": people[status], "status": status},
        )
    without = (await add_user(served, password_hash=None)).email
    cases = {
        "wrong": (people["active"], "not-the-password-of-anybody"),
        "empty": (people["active"], ""),
        "huge": (people["active"], "x" * 5000),
        "right and more": (people["active"], right + "x" * 1025),
        "unknown": ("nobody@acme.test", right),
        "no address": ("nobody", right),
        "no password": (without, right),
        **{status: (email, "wrong-password-of-mine") for status, email in people.items()},
    }
    answers = {}
    for name, (email, password) in cases.items():
        async with a_browser(served) as other:
            answer = await other.submit(await other.begin(), email=email, password=password)
        answers[name] = (answer.status_code, _bare(answer.text, email), _names(answer))
    assert len(set(answers.values())) == 1, {name: value[0] for name, value in answers.items()}
    assert "set-cookie" not in answers["wrong"][2]


@pytest.mark.parametrize(("language", "told"), [("en", "up to 15 minutes"), ("de", "bis zu 15")])
async def test_people_23_how_long_a_lock_lasts_is_told_of_every_address_alike(
    served: Served, pg: Postgres, language: str, told: str
) -> None:
    """What is the same for all tells nobody who has an account, nor whether it is locked."""
    locked, person = await add_user(served), await add_user(served)
    await pg.execute(
        "UPDATE users SET status = 'locked', locked_at = now(), locked_reason = 'auto_lockout'"
        " WHERE email = %(email)s",
        {"email": locked.email},
    )
    pages = set()
    for email, password in (
        (locked.email, PASSWORD),
        (person.email, "not-the-password"),
        ("nobody-at-all@acme.test", PASSWORD),
        ("no address", PASSWORD),
    ):
        async with a_browser(served) as other:
            url = await other.begin(ui_locales=language)
            assert told not in (await other.http.get(url)).text, "to whoever was wrong"
            answer = await other.submit(url, email=email, password=password)
        assert told in answer.text, email
        pages.add(_bare(answer.text, email))
    assert len(pages) == 1


async def test_people_23_nothing_is_told_of_locks_where_there_are_none(served: Served) -> None:
    async with configured(served, max_failed_logins=0), a_browser(served) as other:
        answer = await other.submit(await other.begin(), password="not-the-password")
    assert INVALID in answer.text
    assert "minutes" not in answer.text


async def test_the_state_of_an_account_is_told_to_its_owner(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    user = await add_user(served)
    texts = set()
    for status in ("inactive", "suspended", "locked"):
        await pg.execute(
            "UPDATE users SET status = %(status)s, locked_at = now(), locked_reason = 'by hand'"
            " WHERE id = %(id)s",
            {"id": user.id, "status": status},
        )
        answer = await browser.submit(await browser.begin(), email=user.email)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        texts.add(_bare(answer.text, user.email))
    assert len(texts) == 3


@pytest.mark.parametrize("length", [1024, 1025, 8000])
async def test_a_huge_password_is_not_hashed(
    served: Served, browser: Browser, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    verify = Passwords.verify

    async def watched(self: Passwords, stored: str | None, text: str, *more: Any) -> object:
        asked.append(text)
        return await verify(self, stored, text, *more)

    monkeypatch.setattr(Passwords, "verify", watched)
    answer = await browser.submit(await browser.begin(), password="x" * length)
    assert answer.status_code == 200
    assert [len(text) for text in asked] == [length if length <= 1024 else 0]


@pytest.mark.parametrize(
    "password", ["a\ttab and more of it", "\x85\x9b of the C1 set", "\x00 the very first",
                 "\r\n" * 8, "\u2028 separates lines \u2029", "\U0010ffff no character \ufffe"],
)  # fmt: skip
async def test_every_character_is_allowed_in_a_password(
    served: Served, browser: Browser, password: str
) -> None:
    user = await add_user(served, password_hash=await served.runtime.passwords.hash(password))
    browser.email, browser.password = user.email, password
    wrong = await browser.submit(await browser.begin(), password=password + "\t")
    assert (wrong.status_code, INVALID in wrong.text) == (200, True)
    assert password not in wrong.text
    assert "code" in await browser.sign_in()


@pytest.mark.parametrize(
    "email", ["\x00", "alice\x00@acme.test", "alice\t@acme.test", "alice@acme.test\x85", "\u2028",
              "a" * 9000],
)  # fmt: skip
async def test_no_address_breaks_the_form(served: Served, browser: Browser, email: str) -> None:
    url = await browser.begin()
    unknown = await browser.submit(url, email="nobody@acme.test")
    answer = await browser.submit(url, email=email)
    assert answer.status_code == unknown.status_code == 200
    assert INVALID in answer.text
    assert 'type="password"' in answer.text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028]", answer.text)


# guesses


async def test_so_many_failures_lock_an_account_and_time_unlocks_it(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    user = await add_user(served)
    browser.email = user.email
    async with configured(served, max_failed_logins=5):
        for _ in range(5):
            browser.address = new_address()
            await browser.submit(await browser.begin(), password="wrong-password-of-mine")
    row = await pg.fetchrow("SELECT status, locked_reason FROM users WHERE id = %(id)s", _id(user))
    assert row == ("locked", "auto_lockout")
    browser.address = new_address()
    assert (await browser.submit(await browser.begin())).status_code == 200
    await pg.execute(
        "UPDATE users SET locked_at = now() - interval '901 seconds' WHERE id = %(id)s", _id(user)
    )
    assert "code" in await browser.follow(await browser.submit(await browser.begin()))


@pytest.mark.parametrize("most", [2, 3, 5])
async def test_succession_A17_the_last_right_password_of_a_lock_signs_in(
    served: Served, browser: Browser, pg: Postgres, most: int
) -> None:
    """Of as many attempts as lock an account the last is the owner's; wrong, it counts for nothing,
    so that no address locks by itself.
    """
    owner, other = await add_user(served), await add_user(served)
    async with configured(served, max_failed_logins=most):
        browser.email = owner.email
        for _ in range(most - 1):
            await browser.submit(await browser.begin(), password="wrong-password-of-mine")
        assert "code" in await browser.follow(await browser.submit(await browser.begin()))
        address = new_address()
        statuses = [await _guess(served, other.email, address) for _ in range(most + 1)]
        assert statuses == [200] * (most - 1) + [429, 429]
        async with a_browser(served, email=other.email, address=address) as late:
            assert (await late.submit(await late.begin())).status_code == 429
    row = await pg.fetchrow(
        "SELECT status, failed_login_count FROM users WHERE id = %(id)s", _id(other)
    )
    assert row == ("active", most - 1)


async def test_succession_A17_the_last_attempt_is_not_compared_behind_a_lock(
    served: Served, browser: Browser
) -> None:
    user = await add_user(served)
    browser.email = user.email
    async with configured(served, max_failed_logins=3):
        for address in (browser.address, browser.address, new_address()):
            await _guess(served, user.email, address)
        assert (await browser.submit(await browser.begin())).status_code == 429


async def test_the_end_of_a_lock_buys_one_guess(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    user = await add_user(served)
    browser.email = user.email
    await pg.execute(
        "UPDATE users SET status = 'locked', locked_reason = 'auto_lockout',"
        " locked_at = now() - interval '901 seconds', failed_login_count = 5 WHERE id = %(id)s",
        _id(user),
    )
    async with configured(served, max_failed_logins=5):
        await browser.submit(await browser.begin(), password="wrong-password-of-mine")
        for age, opens in ((901, False), (1801, True)):
            await pg.execute(
                "UPDATE users SET locked_at = now() - make_interval(secs => %(age)s)"
                " WHERE id = %(id)s",
                _id(user) | {"age": age},
            )
            browser.address = new_address()
            answer = await browser.submit(await browser.begin())
            assert ("set-cookie" in answer.headers) == opens


async def _guess(served: Served, email: str, address: str) -> int:
    """Guess at an account from elsewhere; return the status of the answer."""
    async with a_browser(served, email=email, address=address) as stranger:
        answer = await stranger.submit(await stranger.begin(), password="wrong-password-of-mine")
    assert "set-cookie" not in answer.headers
    return answer.status_code


def _networks() -> str:
    """Return the beginning of IPv6 addresses that nobody else has: a /48."""
    return f"2001:db8:{secrets.randbelow(2**16):x}"


async def test_security_2_a_hundred_guesses_of_one_block_lock_nobody(
    served: Served, browser: Browser
) -> None:
    """From ten addresses of one /64, and from a /64 each of one /56."""
    user, network = await add_user(served), _networks()
    browser.email = user.email
    async with configured(served, rate_limit_login_max=3, max_failed_logins=12):
        for addresses, judged in (
            ([f"{network}:a::{n:x}" for n in range(8)], 3),
            ([f"{network}:{n:x}::1" for n in range(8)], 8),
        ):
            told = [await _guess(served, user.email, each) for each in addresses]
            assert told == [200] * judged + [429] * (8 - judged)
        found = await served.runtime.storage.everywhere.users.find_by_email(
            user.organization_id, user.email
        )
        assert found is not None
        assert (found.status, found.failed_login_count) == ("active", 11)
        assert "code" in await browser.sign_in()


async def test_security_2_a_stranger_keeps_no_known_browser_out(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    """Neither by the lock of the account, nor by the limits of an address that they share."""
    user = await add_user(served)
    browser.email = user.email
    await browser.sign_in()
    async with configured(
        served, max_failed_logins=4, rate_limit_login_max=2, rate_limit_address_max=3,
    ):  # fmt: skip
        for _ in range(3):
            for address in (new_address(), new_address(), browser.address):
                await _guess(served, user.email, address)
        row = await pg.fetchrow("SELECT status, locked_reason FROM users WHERE id = %(id)s",
                                _id(user))  # fmt: skip
        assert row == ("locked", "auto_lockout")
        assert await _guess(served, user.email, browser.address) == 429
        assert "code" in await browser.sign_in(prompt="login")
        async with a_browser(served, email=user.email) as other:
            answer = await other.submit(await other.begin())
            assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
    rows = await pg.fetch(
        "SELECT 1 FROM audit_log WHERE user_id = %(id)s AND event_type = 'user.auto_locked'",
        _id(user),
    )
    assert len(rows) == 1, "the owner can be told"


async def test_security_2_a_known_browser_has_a_count_of_its_own(
    served: Served, browser: Browser
) -> None:
    user, other = await add_user(served), await add_user(served)
    browser.email = user.email
    await browser.sign_in()
    async with configured(served, rate_limit_login_max=3):
        for email, judged in ((user.email, 3), (other.email, 3)):
            statuses = []
            for _ in range(5):
                browser.address = new_address()
                url = await browser.begin(prompt="login")
                answer = await browser.submit(url, email=email, password="wrong-password-of-mine")
                statuses.append(answer.status_code)
            expected = [200] * judged + [429] * (5 - judged)
            assert statuses == (expected if email == user.email else [200] * 5)
        answer = await browser.submit(await browser.begin(prompt="login"))
        assert (answer.status_code, "set-cookie" in answer.headers) == (429, False)
    assert await _guess(served, user.email, new_address()) == 200, "and strangers have theirs"


async def test_security_2_a_known_browser_is_known_by_a_cookie_that_no_script_reads(
    served: Served, browser: Browser
) -> None:
    answer = await browser.submit(await browser.begin())
    (line,) = [each for each in answer.headers.get_list("set-cookie") if "known_acme" in each]
    assert re.fullmatch(
        r"known_acme=[A-Za-z0-9_-]{75}; Path=/; Max-Age=15552000; HttpOnly; SameSite=Lax", line
    )


@pytest.mark.parametrize("stolen", ["of another organization", "of another person", "forged"])
async def test_security_2_no_other_cookie_makes_a_browser_known(
    served: Served, browser: Browser, stolen: str
) -> None:
    user = await add_user(served)
    browser.email = user.email
    keys, now = served.runtime.settings.cookie_keys, served.runtime.clock()
    value = {
        "of another organization": known_browsers.remember(keys, None, "x", user.email, now),
        "of another person": known_browsers.remember(
            keys, None, user.organization_id, "alice@acme.test", now
        ),
        "forged": known_browsers.remember(("x" * 32,), None, user.organization_id, user.email, now),
    }[stolen]
    browser.http.cookies.set("known_acme", value)
    async with configured(served, max_failed_logins=2):
        for _ in range(3):
            browser.address = new_address()
            await browser.submit(await browser.begin(), password="wrong-password-of-mine")
        browser.address = new_address()
        answer = await browser.submit(await browser.begin())
        assert "set-cookie" not in answer.headers


async def test_one_address_does_not_lock_an_account(served: Served, browser: Browser) -> None:
    user = await add_user(served)
    browser.email = user.email
    async with configured(served, max_failed_logins=5):
        url = await browser.begin()
        answers = [await browser.submit(url, password="wrong" * 4) for _ in range(10)]
        assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 6
        async with a_browser(served, email=user.email) as owner:
            assert "code" in await owner.sign_in()


async def test_a_lock_by_hand_does_not_end_by_itself(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    user = await add_user(served)
    await pg.execute(
        "UPDATE users SET status = 'locked', locked_reason = 'by hand',"
        " locked_at = now() - interval '1 year' WHERE id = %(id)s",
        _id(user),
    )
    answer = await browser.submit(await browser.begin(), email=user.email)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers


async def test_one_address_has_so_many_guesses_and_another_is_not_stopped(
    served: Served, browser: Browser
) -> None:
    user = await add_user(served)
    async with configured(served, max_failed_logins=0):
        url = await browser.begin()
        answers = [await browser.submit(url, email=user.email, password="wrong" * 4)
                   for _ in range(11)]  # fmt: skip
        assert [answer.status_code for answer in answers] == [200] * 10 + [429]
        assert 0 < int(answers[-1].headers["retry-after"]) <= 900
        right = await browser.submit(url, email=user.email)
        assert right.status_code == 429, "the right one is not even looked at"
        assert "set-cookie" not in right.headers
        async with a_browser(served, email=user.email) as owner:
            assert "code" in await owner.sign_in()


@pytest.mark.parametrize(
    "spelling", ["{}", " {}", "{} ", "{upper}", "{}\u3000", "\u200b{}", "{swap}"]
)
async def test_spellings_of_an_address_are_counted_as_one_or_belong_to_nobody(
    served: Served, spelling: str
) -> None:
    user = await add_user(served)
    typed = spelling.format(user.email, upper=user.email.upper(), swap=user.email.swapcase())
    async with a_browser(served, email=typed) as other:
        for _ in range(10):
            await other.submit(await other.begin(), password="wrong-password-of-mine")
        answer = await other.submit(await other.begin(), email=user.email)
    found = await served.runtime.storage.everywhere.users.find_by_email(
        user.organization_id, user.email
    )
    assert found is not None
    assert (answer.status_code == 429) == (found.failed_login_count > 0)


async def test_one_address_cannot_try_everybody(served: Served, browser: Browser) -> None:
    async with configured(served, rate_limit_address_max=12):
        url = await browser.begin()
        answers = [await browser.submit(url, email=f"nobody-{n}@acme.test") for n in range(13)]
        assert [answer.status_code for answer in answers] == [200] * 12 + [429]
        assert (await browser.submit(url)).status_code == 429


async def test_signing_in_to_ones_own_account_buys_no_guesses(
    served: Served, browser: Browser
) -> None:
    async with configured(served, rate_limit_address_max=12):
        statuses = []
        for number in range(14):
            url = await browser.begin(prompt="login")
            answer = await browser.submit(url, email=f"nobody-{number}@acme.test")
            statuses.append(answer.status_code)
            await browser.submit(url)
        assert statuses[-1] == 429


async def test_parallel_guesses_do_not_outrun_the_count(served: Served, browser: Browser) -> None:
    user = await add_user(served)
    browser.email = user.email
    async with configured(served, max_failed_logins=0):
        url = await browser.begin()
        form = hidden_fields((await browser.http.get(url)).text) | {"email": user.email}
        headers = {"X-Forwarded-For": browser.address}
        answers = await asyncio.gather(*(
            browser.http.post(
                f"{url}/login", data=form | {"password": f"guess-{n:020}"}, headers=headers
            )
            for n in range(40)
        ))  # fmt: skip
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) == 10
    assert statuses.count(429) == 30


async def test_parallel_failures_are_all_counted(served: Served, pg: Postgres) -> None:
    user = await add_user(served)

    async def guess() -> None:
        async with a_browser(served, email=user.email) as other:
            await other.submit(await other.begin(), password="wrong-password-of-mine")

    async with configured(served, max_failed_logins=5):
        await asyncio.gather(*(guess() for _ in range(20)))
    row = await pg.fetchrow(
        "SELECT status, failed_login_count >= 5 FROM users WHERE id = %(id)s", _id(user)
    )
    assert row == ("locked", True)


async def test_parallel_guesses_from_many_addresses_do_not_outrun_the_lock(
    served: Served, pg: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty arrive before the first is judged, the last with the right password."""
    user, judging = await add_user(served), threading.Event()
    verify, compare = Passwords.verify, Passwords._compare
    arrived: list[str] = []
    compared: list[str] = []

    async def noted(self: Passwords, stored: str | None, text: str, *more: Any) -> object:
        arrived.append(text)
        return await verify(self, stored, text, *more)

    def patient(self: Passwords, stored: str | None, *more: Any) -> Any:
        assert judging.wait(90)
        if stored is not None:
            compared.append(stored)
        return compare(self, stored, *more)

    async def attempts() -> int:
        return len(arrived)

    async def guess(password: str) -> httpx.Response:
        async with a_browser(served, email=user.email) as other:
            other.http.timeout = httpx.Timeout(60)
            return await other.submit(await other.begin(), password=password)

    monkeypatch.setattr(Passwords, "verify", noted)
    monkeypatch.setattr(Passwords, "_compare", patient)
    async with configured(served, max_failed_logins=5):
        try:
            wrong = [asyncio.create_task(guess(f"wrong-password-{n:04}")) for n in range(59)]
            await eventually(lambda: _holds(attempts, 59), 30.0)
            right = asyncio.create_task(guess(PASSWORD))
            await eventually(lambda: _holds(attempts, 60), 30.0)
        finally:
            judging.set()
        answers = [await task for task in (*wrong, right)]
    assert {answer.status_code for answer in answers} == {200}
    assert not any("set-cookie" in answer.headers for answer in answers)
    assert len({_bare(answer.text, user.email) for answer in answers}) == 1
    assert len(compared) == 5
    row = await pg.fetchrow("SELECT status, locked_reason FROM users WHERE id = %(id)s", _id(user))
    assert row == ("locked", "auto_lockout")
    rows = await pg.fetch(
        "SELECT event_type FROM audit_log WHERE user_id = %(id)s AND event_type LIKE 'user.%%'",
        _id(user),
    )
    assert Counter(row[0] for row in rows) == {
        "user.login.password.failed": 60,
        "user.auto_locked": 1,
    }


@pytest.mark.parametrize(
    "header", ["{}", "8.8.8.8, {}", "junk, {}", "{}, 127.0.0.1", "[::1]:1, {}"]
)
async def test_a_client_does_not_choose_its_address(
    served: Served, browser: Browser, header: str
) -> None:
    """What stands left of the last stranger is the client's own claim."""
    user = await add_user(served)
    async with configured(served, max_failed_logins=0):
        url = await browser.begin()
        form = hidden_fields((await browser.http.get(url)).text)
        form |= {"email": user.email, "password": "wrong-password-of-mine"}
        statuses = []
        for number in range(11):
            forwarded = header.format(browser.address).replace("8.8.8.8", f"9.9.9.{number}")
            answer = await browser.http.post(
                f"{url}/login", data=form, headers={"X-Forwarded-For": forwarded}
            )
            statuses.append(answer.status_code)
        assert statuses == [200] * 10 + [429]


# hashes and methods


async def test_a_weaker_hash_is_renewed_at_the_first_sign_in(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=4096, parallelism=1).hash(PASSWORD)
    user = await add_user(served, password_hash=weak)
    browser.email = user.email
    await browser.submit(await browser.begin(), password="wrong-password-of-mine")
    assert await _hash(pg, user) == weak
    await browser.code()
    renewed = await _hash(pg, user)
    assert renewed != weak
    assert "m=8192,t=1,p=1" in renewed
    await browser.code(prompt="login")
    assert await _hash(pg, user) == renewed


async def test_security_8_a_hash_of_porta_1_is_kept(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    strong = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4).hash(PASSWORD)
    user = await add_user(served, password_hash=strong)
    browser.email = user.email
    await browser.code()
    assert await _hash(pg, user) == strong, "hashes are renewed upwards only"


async def test_security_3_a_flood_of_one_block_starves_no_sign_in(
    served: Served, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """60 guesses at once from one /64, while the pool is held; then somebody else signs in."""
    user, judging, network = await add_user(served), threading.Event(), _networks()
    browser.email, compare = user.email, Passwords._compare

    def patient(self: Passwords, *arguments: Any) -> Any:
        assert judging.wait(90)
        return compare(self, *arguments)

    async def flood(number: int) -> httpx.Response:
        address = f"{network}:7::{number:x}"
        async with a_browser(served, email=f"{number}@x.test", address=address) as other:
            other.http.timeout = httpx.Timeout(60)
            return await other.submit(await other.begin(), password="wrong-password-of-mine")

    settings = served.runtime.settings
    places = -(-(settings.argon2_workers + settings.argon2_queue) // 2)
    monkeypatch.setattr(Passwords, "_compare", patient)
    try:
        tasks = [asyncio.create_task(flood(n)) for n in range(60)]
        url = await browser.begin()
        await eventually(lambda: _holds(lambda: _finished(tasks), 60 - places), 60.0)
        honest = asyncio.create_task(browser.submit(url))
    finally:
        judging.set()
    answers = await asyncio.gather(*tasks)
    assert Counter(each.status_code for each in answers) == {503: 60 - places, 200: places}
    assert all(int(each.headers["retry-after"]) >= 1 for each in answers if each.status_code == 503)
    assert (await honest).status_code == 303


async def _finished(tasks: list[asyncio.Task[httpx.Response]]) -> int:
    return sum(task.done() for task in tasks)


async def test_K7_a_password_typed_on_another_machine_is_the_same(
    served: Served, browser: Browser
) -> None:
    stored = await served.runtime.passwords.hash("hinter der Br\u00fccke links")
    user = await add_user(served, password_hash=stored)
    for typed in ("hinter der Bru\u0308cke links", "hinter\u00a0der Br\u00fccke\u3000links"):
        async with a_browser(served, email=user.email, password=typed) as other:
            assert "code" in await other.sign_in()
    wrong = await browser.submit(
        await browser.begin(), email=user.email, password="hinter der Brucke links"
    )
    assert wrong.status_code == 200


async def test_a_client_without_passwords_shows_none_and_takes_none(
    served: Served, browser: Browser
) -> None:
    client = await add_client(served, login_methods=("magic_link",))
    url = await browser.begin(client_id=client.client_id)
    page = await browser.http.get(url)
    assert 'type="password"' not in page.text
    async with a_browser(served) as other:
        other_url = await other.begin()
        assert 'type="password"' in (await other.http.get(other_url)).text
    csrf = await _csrf_of(browser, url, page.text)
    answer = await browser.http.post(
        f"{url}/login", data={"_csrf": csrf, "email": browser.email, "password": PASSWORD}
    )
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def _csrf_of(browser: Browser, url: str, page: str) -> str:
    """What a page without a form does not show, somebody who reads the store knows."""
    uid = url.rpartition("/")[2]
    interaction = await interactions.find(browser.served.runtime, uid)
    assert interaction is not None
    return interaction.csrf


async def _answers_silently(browser: Browser, session: str | None) -> bool:
    async with a_browser(browser.served) as other:
        other.wears(session, browser.secret)
        return "code" in query_of(await other.authorize(prompt="none"))


async def _hash(pg: Postgres, user: User) -> str:
    row = await pg.fetchrow("SELECT password_hash FROM users WHERE id = %(id)s", _id(user))
    assert row is not None
    return str(row[0])


async def _holds(read: Callable[[], Awaitable[int]], expected: int) -> bool:
    return await read() == expected


def _id(user: User) -> dict[str, str]:
    return {"id": user.id}


def _sid(id_token: str) -> str:
    return str(claims_of(id_token)["sid"])


def _bare(page: str, email: str) -> str:
    """A page without what differs by design: what was typed, and the random values."""
    page = page.replace(email, "").replace(email.lower(), "")
    return re.sub(r"[A-Za-z0-9_-]{36,}", "*", page)


def _names(answer: httpx.Response) -> tuple[str, ...]:
    return tuple(sorted(set(answer.headers) - {"x-request-id", "date", "content-length", "etag"}))
