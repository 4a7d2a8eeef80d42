"""Self-registration: who may, what is said and mailed, what a link is worth (decisions/0045)."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from ipaddress import ip_network

import httpx
import pytest
import pytest_asyncio

from handlers.http.server import Server
from porta.config.settings import Settings
from porta.limits import even_time
from porta.runtime import Runtime
from storage.models.artifacts import Registration
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.handlers.flow import answered, submit
from tests.world.answers import hidden_fields
from tests.world.links import post
from tests.world.mail import letters_for
from tests.world.passkeys import Home
from tests.world.registrations import (
    CHOSEN,
    NEW,
    ask,
    come_from_elsewhere,
    mailed_link,
    new_address,
    open_home,
    register_path,
)

READY, LOOK, OVER = "Your account is ready", "Check your email", "no longer good"


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """One that can send mail, and whose clients come from many networks."""
    proxies = {"trusted_proxies": (ip_network("127.0.0.1"),)}
    return settings.model_copy(update={"smtp_host": "mail.example", **proxies})


@pytest_asyncio.fixture(loop_scope="session")
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    base_url = f"http://127.0.0.1:{server.port}"
    async with httpx.AsyncClient(base_url=base_url, timeout=30) as client:
        come_from_elsewhere(client)
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def home(runtime: Runtime) -> Home:
    return await open_home(runtime)


async def _person(runtime: Runtime, home: Home, email: str) -> User | None:
    return await runtime.storage.everywhere.users.find_by_email(home.id, email)


def _way_back(done: httpx.Response) -> str:
    """Return where the page says that the sign-in goes on."""
    found = re.search(r'href="(/interaction/[^"]+)"', done.text)
    assert found, done.text
    return found[1]


async def _counts(pg: Postgres) -> dict[str, int]:
    """Return how many rows of each kind there are that a stranger could have left."""
    row = await pg.fetchrow(
        "SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM users),"
        " (SELECT count(*) FROM artifacts WHERE kind = 'Registration')"
    )
    assert row is not None
    return dict(zip(("jobs", "users", "links"), row, strict=True))


async def test_somebody_makes_an_account_and_signs_in_where_they_began(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, home: Home
) -> None:
    path = await home.begin(http)
    page = await http.get(path)
    href = re.search(r'href="([^"]*/auth/register[^"]*)"', page.text)
    assert href, "the sign-in page leads there"
    email, before = new_address(), await _counts(pg)
    asked = await ask(http, href[1], email)
    assert (asked.status_code, LOOK in asked.text, email in asked.text) == (200, True, True)
    assert await _person(runtime, home, email) is None, "nothing is made of it yet"
    assert (await _counts(pg))["jobs"] == before["jobs"] + 1
    link = await mailed_link(runtime, pg, email)
    for method in ("GET", "HEAD", "GET"):
        assert (await http.request(method, link)).status_code == 200
    assert await _person(runtime, home, email) is None, "looking makes nothing"
    done = await post(http, link, **CHOSEN)
    assert (done.status_code, READY in done.text) == (200, True)
    path = _way_back(done)
    assert not [name for name in http.cookies if "session" in name], "it does not sign in"
    made = await _person(runtime, home, email)
    assert made is not None
    assert (made.status, made.email_verified, made.given_name) == ("active", True, "Ann")
    assert (await letters_for(runtime, pg, email))[0].subject.startswith("Welcome")
    signed_in = await submit(http, path, email=email, password=NEW)
    assert signed_in.status_code == 303
    assert "code" in answered((await http.get(signed_in.headers["Location"])).headers["Location"])
    rows = await pg.fetch(
        "SELECT event_type FROM audit_log WHERE user_id = %(id)s ORDER BY sequence",
        {"id": made.id},
    )
    assert [row[0] for row in rows][:2] == ["user.created", "user.registration.completed"]


async def test_prompt_create_leads_to_the_registration_and_back(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, home: Home
) -> None:
    discovery = (await http.get(f"/{home.slug}/.well-known/openid-configuration")).json()
    assert "create" in discovery["prompt_values_supported"]
    path = await home.begin(http, prompt="create")
    led = await http.get(path)
    assert (led.status_code, "/auth/register?interaction=" in led.headers["Location"]) == (
        303,
        True,
    )
    page = await http.get(led.headers["Location"])
    assert f"{path}?sign_in=1" in page.text, "the way to sign in instead"
    assert 'name="password"' in (await http.get(f"{path}?sign_in=1")).text
    email = new_address()
    await ask(http, led.headers["Location"], email)
    done = await post(http, await mailed_link(runtime, pg, email), **CHOSEN)
    assert _way_back(done).endswith("?sign_in=1")
    form = hidden_fields((await http.get(_way_back(done))).text)
    signed_in = await http.post(f"{path}/login", data=form | {"email": email, "password": NEW})
    sent = await http.get(signed_in.headers["Location"])
    assert "code" in answered(sent.headers["Location"])


async def test_where_it_is_closed_there_is_none_of_it(
    runtime: Runtime, http: httpx.AsyncClient
) -> None:
    home = await open_home(runtime, "closed")
    path = await home.begin(http, prompt="create")
    page = await http.get(path)
    assert (page.status_code, "/auth/register" in page.text) == (200, False)
    for answer in (
        await http.get(register_path(home)),
        await http.post(register_path(home), data={"email": new_address()}),
    ):
        assert answer.status_code == 404
    discovery = (await http.get(f"/{home.slug}/.well-known/openid-configuration")).json()
    assert "create" not in discovery["prompt_values_supported"]


async def test_a_link_is_worth_nothing_once_it_is_closed(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres
) -> None:
    home, email = await open_home(runtime), new_address()
    await ask(http, register_path(home), email)
    link = await mailed_link(runtime, pg, email)
    await runtime.storage.everywhere.organizations.update(home.id, {"registration": "closed"})
    for _ in range(100):
        answer = await http.get(link)
        if answer.status_code == 400:
            break
        await asyncio.sleep(0.05)
    assert OVER in answer.text
    assert await _person(runtime, home, email) is None


async def test_a_domain_is_exact_and_another_one_is_told_plainly(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres
) -> None:
    home, before = await open_home(runtime, "domain", "people.example"), await _counts(pg)
    for email in ("a@elsewhere.example", "a@sub.people.example", "a@people.example.evil.example"):
        told = await ask(http, register_path(home), email)
        assert (told.status_code, "address of this domain" in told.text) == (200, True)
        assert LOOK not in told.text
    assert await _counts(pg) == before
    asked = await ask(http, register_path(home), new_address().upper())
    assert LOOK in asked.text


async def test_known_and_unknown_addresses_are_answered_alike(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, home: Home,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(even_time, "STEP", 0.3)
    answers, changes = [], []
    for email in (home.user.email, "x" * (len(home.user.email) - 15) + "@people.example"):
        before, began = await _counts(pg), time.monotonic()
        answer = await ask(http, register_path(home), email)
        assert time.monotonic() - began >= 0.3
        after = await _counts(pg)
        changes.append({name: after[name] - before[name] for name in after})
        told = re.sub(r"[A-Za-z0-9_-]{43,}", "-", answer.text.replace(email, "…"))
        answers.append((answer.status_code, told, [*answer.headers]))
    assert answers[0] == answers[1]
    assert changes[0] == changes[1] == {"jobs": 1, "users": 0, "links": 1}
    known = (await letters_for(runtime, pg, home.user.email))[0]
    assert known.subject.startswith("You have an account")
    assert ("/auth/forgot-password" in known.text, "/auth/register/" in known.text) == (True, False)


@pytest.mark.parametrize("email", ["", "nobody", "a b@c.example", "a@b@c.example"])
async def test_what_is_no_address_is_mailed_nothing(
    http: httpx.AsyncClient, pg: Postgres, home: Home, email: str
) -> None:
    before = await _counts(pg)
    told = await ask(http, register_path(home), email)
    assert (told.status_code, LOOK in told.text) == (200, False)
    assert await _counts(pg) == before


async def test_of_fifty_at_once_one_makes_the_account(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, home: Home
) -> None:
    email, before = new_address(), await _counts(pg)
    links = []
    for _ in range(2):
        await ask(http, register_path(home), email)
        links.append(await mailed_link(runtime, pg, email))
    assert links[0] != links[1], "neither ends the other"
    forms = [hidden_fields((await http.get(link)).text) | CHOSEN for link in links]
    tried = await asyncio.gather(*(http.post(links[n % 2], data=forms[n % 2]) for n in range(50)))
    done = [each for each in tried if READY in each.text]
    assert len(done) == 1
    assert {each.status_code for each in tried} <= {200, 400, 429, 503}
    assert (await _counts(pg))["users"] == before["users"] + 1
    for link in links:
        assert OVER in (await http.get(link)).text, "an account has the address"


async def test_a_link_is_good_once_also_where_its_account_is_gone(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, home: Home
) -> None:
    email = new_address()
    await ask(http, register_path(home), email)
    link = await mailed_link(runtime, pg, email)
    await post(http, link, **CHOSEN)
    made = await _person(runtime, home, email)
    assert made is not None
    await pg.execute("UPDATE users SET email = 'x' || email WHERE id = %(id)s", {"id": made.id})
    assert OVER in (await http.get(link)).text
    token = link.rpartition("/")[2]
    assert await runtime.storage.artifacts.find(Registration, token, home.id) is None


async def test_a_weak_password_or_name_uses_no_link_up(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, home: Home
) -> None:
    email = new_address()
    await ask(http, register_path(home), email)
    link = await mailed_link(runtime, pg, email)
    wrong = {"password": "password", "confirmPassword": "x", "given_name": "A\u202eb"}
    told = await post(http, link, **CHOSEN | wrong)
    assert (told.status_code, READY in told.text) == (200, False)
    assert await _person(runtime, home, email) is None
    assert READY in (await post(http, link, **CHOSEN)).text


async def test_a_form_is_good_in_its_browser_alone_and_a_link_in_its_organization(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, home: Home
) -> None:
    email, other = new_address(), await open_home(runtime)
    await ask(http, register_path(home), email)
    link = await mailed_link(runtime, pg, email)
    form = hidden_fields((await http.get(link)).text) | CHOSEN
    http.cookies.clear()
    assert (await http.post(link, data=form)).status_code == 403
    assert (await http.get(link.replace(home.slug, other.slug))).status_code == 400
    assert await _person(runtime, home, email) is None


async def test_where_nobody_has_a_password_none_is_asked_for(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres
) -> None:
    home, email = await open_home(runtime, method="magic_link"), new_address()
    await ask(http, register_path(home), email)
    link = await mailed_link(runtime, pg, email)
    assert 'type="password"' not in (await http.get(link)).text
    assert READY in (await post(http, link, given_name="Ann")).text
    made = await _person(runtime, home, email)
    assert made is not None
    assert made.password_hash is None


async def test_limits_come_before_anything_is_stored_and_work_widens_them(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, home: Home
) -> None:
    path = register_path(home)
    bare = [await ask(http, path, new_address(), works=False) for _ in range(5)]
    assert [each.status_code for each in bare] == [200] * 4 + [429]
    assert 0 < int(bare[-1].headers["Retry-After"]) <= 3600
    before = await _counts(pg)
    assert (await ask(http, path, new_address(), works=False)).status_code == 429
    assert await _counts(pg) == before
    worked = [await ask(http, path, new_address()) for _ in range(6)]
    assert [each.status_code for each in worked] == [200] * 6


async def test_a_proof_counts_once(http: httpx.AsyncClient, home: Home) -> None:
    path = register_path(home)
    page = await http.get(path)
    puzzle = re.search(r'data-puzzle="([^"]+)"', page.text)
    assert puzzle
    from tests.world.puzzles import solve

    form = hidden_fields(page.text) | {"proof": solve(puzzle[1])}
    posted = [await http.post(path, data=form | {"email": new_address()}) for _ in range(6)]
    assert [each.status_code for each in posted] == [200] * 5 + [429], "one, and four without"


async def test_an_address_gets_few_mails_wherever_they_are_asked_for(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, home: Home
) -> None:
    for email in (home.user.email, new_address()):
        answers = []
        for _ in range(6):
            come_from_elsewhere(http)
            answers.append((await ask(http, register_path(home), email)).status_code)
        assert answers[-1] == 429
        assert len(await letters_for(runtime, pg, email)) <= 5
