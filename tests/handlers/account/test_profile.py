"""What a person says of themselves at their own account, and in which language they are told."""

from __future__ import annotations

import httpx
import msgspec
import pytest

from porta.runtime import Runtime
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.handlers.account.visits import arrive, csrf_of, send
from tests.handlers.flow import hidden
from tests.world.links import post as press
from tests.world.mail import letters_to

PAGE, LANGUAGE = "/acme/account/profile", "/acme/account/language"


async def _stored(runtime: Runtime, user: User) -> User:
    found = await runtime.storage.everywhere.users.find(user.id)
    assert found is not None
    return found


async def _send(http: httpx.AsyncClient, **form: str) -> httpx.Response:
    page = (await http.get(PAGE)).text
    shown = {"_csrf": hidden(page, "_csrf"), "version": hidden(page, "version")}
    return await http.post(PAGE, data=shown | form)


async def test_a_profile_is_changed_and_the_trail_tells_that_and_not_to_what(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, pg: Postgres
) -> None:
    await arrive(http, someone, PAGE)
    done = await _send(
        http, given_name=" Ada ", nickname="Countess", birthdate="1815-12-10",
        picture_url="https://pictures.example/ada.jpg", zoneinfo="Europe/London",
    )  # fmt: skip
    assert done.headers["Location"] == f"{PAGE}?told=profile", done.text
    after = await _stored(runtime, someone)
    assert (after.given_name, after.nickname, after.birthdate) == ("Ada", "Countess", "1815-12-10")
    assert (after.picture_url, after.family_name) == ("https://pictures.example/ada.jpg", None)
    row = await pg.fetchrow(
        "SELECT actor_id::text, metadata::text FROM audit_log WHERE user_id = %(id)s"
        " AND event_type = 'user.profile.updated'",
        {"id": someone.id},
    )
    assert row is not None
    assert row[0] == someone.id
    assert "nickname" in msgspec.json.decode(row[1])["changed"]
    assert "Countess" not in row[1]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("given_name", "A\nda"),
        ("birthdate", "tomorrow"),
        ("picture_url", "javascript:alert(1)"),
        ("picture_url", "data:image/png;base64,AAAA"),
        ("zoneinfo", "x" * 51),
    ],
    ids=["two lines", "no date", "script", "data", "long"],
)
async def test_what_administrators_could_not_say_a_person_cannot(
    http: httpx.AsyncClient, someone: User, runtime: Runtime, field: str, value: str
) -> None:
    await arrive(http, someone, PAGE)
    refused = await _send(http, **{"nickname": "Countess", field: value})
    assert (refused.status_code, 'aria-invalid="true"' in refused.text) == (200, True)
    assert (await _stored(runtime, someone)).nickname is None


async def test_what_is_no_version_is_that_of_nobody(
    http: httpx.AsyncClient, someone: User, runtime: Runtime
) -> None:
    await arrive(http, someone, PAGE)
    shown = {"_csrf": await csrf_of(http, PAGE), "nickname": "Countess"}
    for version in (
        "", "x", "-1", "1x", "1234567890x", "2147483648", "9" * 200, "\u0661", "\u00b2",
    ):  # fmt: skip
        refused = await http.post(PAGE, data=shown | {"version": version})
        assert refused.status_code == 412, version
    assert (await _stored(runtime, someone)).nickname is None


async def test_nobody_says_more_of_themselves_than_the_page_asks(
    http: httpx.AsyncClient, someone: User, runtime: Runtime
) -> None:
    await arrive(http, someone, PAGE)
    more = {"email": "root@acme.example", "email_verified": "1", "preferred_username": "admin"}
    await _send(http, nickname="Countess", status="active", **more)
    after = await _stored(runtime, someone)
    assert (after.nickname, after.email) == ("Countess", someone.email)
    assert (after.preferred_username, after.email_verified) == (None, someone.email_verified)


async def test_of_two_windows_the_second_is_told(
    http: httpx.AsyncClient, someone: User, runtime: Runtime
) -> None:
    await arrive(http, someone, PAGE)
    page = (await http.get(PAGE)).text
    stale = {"_csrf": hidden(page, "_csrf"), "version": hidden(page, "version")}
    await _send(http, nickname="Countess")
    for version in (stale["version"], "", "x" * 20, "9" * 30):
        told = await http.post(PAGE, data=stale | {"version": version, "nickname": "Late"})
        assert (told.status_code, "changed meanwhile" in told.text) == (412, True), version
    assert (await _stored(runtime, someone)).nickname == "Countess"


async def test_a_language_is_that_of_pages_in_other_browsers_and_of_mails(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, someone: User, runtime: Runtime,
    pg: Postgres,
) -> None:  # fmt: skip
    await arrive(http, someone, LANGUAGE)
    done = await send(http, LANGUAGE, language="de")
    assert "In dieser Sprache" not in done.text
    assert '<html lang="de"' in (await http.get(done.headers["Location"])).text
    assert '<html lang="de"' in (await arrive(elsewhere, someone)).text
    # What is chosen in a browser comes first there.
    assert '<html lang="fr"' in (await elsewhere.get("/acme/account?lang=fr")).text
    await press(elsewhere, "/acme/auth/forgot-password", email=someone.email)
    assert "Passwort" in (await letters_to(runtime, pg, someone.id))[0].text
    await send(http, LANGUAGE, language="")
    assert (await _stored(runtime, someone)).locale is None
    assert '<html lang="en"' in (await http.get(LANGUAGE)).text


async def test_a_language_that_there_is_not_is_no_choice(
    http: httpx.AsyncClient, someone: User, runtime: Runtime
) -> None:
    await arrive(http, someone, LANGUAGE)
    form = {"_csrf": await csrf_of(http, LANGUAGE), "language": "tlh"}
    assert (await http.post(LANGUAGE, data=form)).headers["Location"] == LANGUAGE
    assert (await _stored(runtime, someone)).locale is None
