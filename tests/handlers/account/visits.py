"""Visits to one's own account: the sign-in that leads there, and forms that are sent there."""

from __future__ import annotations

import httpx

from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.handlers.flow import answered, begin, hidden, parameters, submit
from tests.world.house import PASSWORD

ACCOUNT = "/acme/account"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"


async def arrive(
    http: httpx.AsyncClient, user: User, page: str = ACCOUNT, password: str = PASSWORD
) -> httpx.Response:
    """Go to a page of the account, signing in on the way, and return it."""
    asked = await http.get(page)
    assert asked.status_code == 303, asked.text
    return await confirm(http, user, asked.headers["Location"], page, password)


async def confirm(
    http: httpx.AsyncClient,
    user: User,
    path: str,
    page: str = ACCOUNT,
    password: str = PASSWORD,
) -> httpx.Response:
    """Sign in at the interaction at `path`, which leads to `page`, and return that."""
    posted = await submit(http, path, email=user.email, password=password)
    assert posted.status_code == 303, posted.text
    arrived = await http.get(posted.headers["Location"])
    assert (arrived.status_code, arrived.headers["Location"]) == (303, page), arrived.text
    return await http.get(page)


async def signs_in(
    http: httpx.AsyncClient, user: User, client_id: str = "web", password: str = PASSWORD
) -> httpx.Response:
    """Sign in at a client, and return the answer to the form."""
    path = await begin(http, client_id=client_id)
    return await submit(http, path, email=user.email, password=password)


async def is_signed_in(http: httpx.AsyncClient) -> bool:
    """Whether the browser is signed in."""
    quiet = await http.get("/acme/auth", params=parameters(prompt="none"))
    return "code" in answered(quiet.headers["Location"])


async def csrf_of(http: httpx.AsyncClient, page: str) -> str:
    """Return what a form of this page is known by."""
    return hidden((await http.get(page)).text, "_csrf")


async def send(http: httpx.AsyncClient, url: str, /, **form: str) -> httpx.Response:
    """Open a page of the account, and send its form with these values."""
    return await http.post(url, data={"_csrf": await csrf_of(http, url)} | form)


async def events_of(pg: Postgres, user: User) -> list[tuple[str, str | None]]:
    """Return what was recorded of a person, with who did it."""
    rows = await pg.fetch(
        "SELECT event_type, actor_id::text FROM audit_log WHERE user_id = %(id)s ORDER BY sequence",
        {"id": user.id},
    )
    return [(row[0], row[1]) for row in rows]


async def somebody_waits(pg: Postgres, how_many: int = 1) -> bool:
    """Whether so many statements in this database wait for a row that is held."""
    row = await pg.fetchrow(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock'"
    )
    return row is not None and row[0] >= how_many
