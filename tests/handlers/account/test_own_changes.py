"""Changes at one's own account by the day: what is counted, and what nothing ever stops."""

from __future__ import annotations

import re

import httpx
import pytest

from porta.audit.actors import Actor
from porta.limits import own_changes
from porta.runtime import Runtime
from porta.tenants import resolve
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.handlers.account.test_password import CHOSEN
from tests.handlers.account.test_security import _give_passkey
from tests.handlers.account.visits import (
    ACCOUNT,
    arrive,
    csrf_of,
    events_of,
    is_signed_in,
    signs_in,
)
from tests.handlers.flow import hidden

LANGUAGE, PASSWORD = f"{ACCOUNT}/language", f"{ACCOUNT}/password"


async def _send(http: httpx.AsyncClient, url: str, **form: str) -> httpx.Response:
    """Send a form, also where the page has none to show: its value is that of any other page."""
    return await http.post(url, data={"_csrf": await csrf_of(http, LANGUAGE)} | form)


async def _use_up(runtime: Runtime, user: User, section: str, left: int = 0) -> None:
    tenant = await resolve.resolve(runtime, "acme")
    for _ in range(own_changes.MOST - left):
        await own_changes.count(runtime, tenant, section, Actor(user_id=user.id))


async def test_a_day_has_so_many_changes_and_the_first_too_many_is_recorded_once(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres
) -> None:
    await arrive(http, someone, LANGUAGE)
    await _use_up(runtime, someone, "language", left=1)
    assert (await _send(http, LANGUAGE, language="de")).status_code == 303
    for _ in range(2):
        refused = await _send(http, LANGUAGE, language="fr")
        assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (429, True)
    kinds = [kind for kind, _ in await events_of(pg, someone)]
    assert kinds.count("rate_limit.own_change") == 1
    assert kinds.count("user.profile.updated") == 1


@pytest.mark.parametrize(
    ("section", "below", "form"),
    [
        ("profile", "", {"given_name": "Ada"}),
        ("email", "", {"email": "ada@new.example"}),
        ("security", "", {"choose": "email"}),
        ("security", "/app", {"code": "123456"}),
        ("security", "/passkey", {"credential": "{}"}),
        ("identities", "", {"connection": "none"}),
        ("security", "", {"choose": "email", "remove": "1"}),
        ("identities", "", {"connection": "none", "unlink": "none"}),
    ],
    ids=["profile", "email", "factor", "app", "passkey", "identity", "factor +", "identity +"],
)
async def test_what_writes_or_mails_is_counted(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres, section: str,
    below: str, form: dict[str, str],
) -> None:  # fmt: skip
    page = f"{ACCOUNT}/{section}"
    await arrive(http, someone, page)
    await _use_up(runtime, someone, section)
    before = await events_of(pg, someone)
    refused = await _send(http, f"{page}{below}", **form)
    assert refused.status_code == 429
    _is_told(refused)
    assert (await events_of(pg, someone))[len(before) :] == [("rate_limit.own_change", someone.id)]


def _is_told(refused: httpx.Response) -> None:
    """Look at what says that a day is over: the page itself, until when, and a way on."""
    page = refused.text
    assert "as often as a day allows" in page
    assert re.search(r"try again in \d+ hours?\. \(after .*\d\d:\d\d UTC", page), page
    assert int(refused.headers["Retry-After"]) > 0
    assert 'href="/acme/account' in page


@pytest.mark.parametrize(
    ("section", "form", "kept"),
    [
        ("profile", {"given_name": "Ada", "family_name": "", "version": "1"}, 'value="Ada"'),
        ("email", {"email": "ada@new.example"}, 'value="ada@new.example"'),
        ("language", {"language": "fr"}, "Français"),
    ],
    ids=["profile", "email", "language"],
)
async def test_what_was_typed_is_there_once_more(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, section: str, form: dict[str, str],
    kept: str,
) -> None:  # fmt: skip
    page = f"{ACCOUNT}/{section}"
    await arrive(http, someone, page)
    await _use_up(runtime, someone, section)
    assert kept in (await _send(http, page, **form)).text


async def test_an_app_that_was_scanned_is_good_afterwards_and_no_code_is_shown(
    http: httpx.AsyncClient, someone: User, runtime: Runtime
) -> None:
    page = f"{ACCOUNT}/security/app"
    await arrive(http, someone, f"{ACCOUNT}/security")
    box = hidden((await http.get(page)).text, "box")
    await _use_up(runtime, someone, "security")
    refused = (await _send(http, page, code="493817", box=box)).text
    assert hidden(refused, "box") == box
    assert "493817" not in refused


async def test_a_passkey_keeps_the_name_that_was_typed_for_it(
    http: httpx.AsyncClient, someone: User, runtime: Runtime
) -> None:
    passkey = await _give_passkey(runtime, someone)
    page = f"{ACCOUNT}/security"
    await arrive(http, someone, page)
    await _use_up(runtime, someone, "security")
    refused = await _send(http, page, rename="1", passkey=passkey, name="Old phone")
    assert (refused.status_code, 'value="Old phone"' in refused.text) == (429, True)
    assert "<details open>" in refused.text


async def test_no_password_is_shown_once_more(
    http: httpx.AsyncClient, someone: User, runtime: Runtime
) -> None:
    await arrive(http, someone, PASSWORD)
    await _use_up(runtime, someone, "password")
    refused = await _send(http, PASSWORD, **CHOSEN)
    assert refused.status_code == 429
    _is_told(refused)
    assert not [each for each in CHOSEN.values() if each in refused.text]


@pytest.mark.parametrize(
    ("section", "form"),
    [
        ("applications", {"client": "web"}),
        ("email", {"withdraw": "1"}),
        ("security", {"remove": "1", "passkey": "none"}),
        ("security", {"devices": "1"}),
        ("security", {"device": "none"}),
        ("identities", {"unlink": "none"}),
    ],
    ids=["application", "withdrawal", "passkey", "devices", "device", "identity"],
)
async def test_what_takes_something_away_from_a_thief_always_passes(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, section: str, form: dict[str, str]
) -> None:
    page = f"{ACCOUNT}/{section}"
    await arrive(http, someone, page)
    await _use_up(runtime, someone, section)
    assert (await _send(http, page, **form)).status_code == 303


async def test_all_others_are_signed_out_whatever_was_done_before(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User, runtime: Runtime
) -> None:
    await signs_in(elsewhere, someone)
    await arrive(http, someone)
    await _use_up(runtime, someone, "sessions")
    await _send(http, f"{ACCOUNT}/sessions", others="1")
    assert (await is_signed_in(http), await is_signed_in(elsewhere)) == (True, False)


async def test_a_new_password_counts_for_who_knew_the_one_before_alone(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres
) -> None:
    """Who has the cookies, and guesses, does not take the change away from the owner."""
    await arrive(http, someone, PASSWORD)
    await _use_up(runtime, someone, "password", left=1)
    for _ in range(2):
        wrong = await _send(http, PASSWORD, **(CHOSEN | {"current": "not that one at all"}))
        assert wrong.status_code == 200
    assert (await _send(http, PASSWORD, **CHOSEN)).status_code == 303
    again = CHOSEN | {"current": CHOSEN["password"]}
    refused = await _send(http, PASSWORD, **again)
    assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (429, True)
    kinds = [kind for kind, _ in await events_of(pg, someone)]
    assert kinds.count("user.password.changed") == 1
