"""Guessing over all methods, at two processes at once: as often as a limit says, and no more (F.7).

Beside it what may happen once: of 50 uses of one link, code, time step or answer one succeeds.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import pytest_asyncio

from porta.audit.actors import Actor
from porta.runtime import Runtime
from porta.services import administration, setup_links
from porta.services.permissions import PERMISSIONS
from porta.services.setup_links import NewSetupLink
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.factories import new_id
from tests.handlers.account import visits
from tests.handlers.flow import begin, csrf, hidden, submit
from tests.world import registrations
from tests.world.administrators import SUPER
from tests.world.answers import hidden_fields
from tests.world.authenticators import Authenticator
from tests.world.browser import new_address
from tests.world.guests import invited
from tests.world.house import PASSWORD, furnish
from tests.world.links import code_for, mailed_links, person, take_magic_links
from tests.world.mail import letters_for, mailed_codes
from tests.world.passkeys import furnish as furnish_passkeys
from tests.world.passkeys import give_passkey, options_at
from tests.world.ports import free_port
from tests.world.registrations import open_home, register_path
from tests.world.second_factors import choose, person_with_totp
from tests.world.served import Served, settings_for
from tests.world.serving import answers, serving
from tests.world.setups import Holder
from tests.world.upstream import connect, provider
from tests.world.waiting import eventually

PARALLEL = 50
NEW = "seven green bottles on a wall"
CHOSEN = {"password": NEW, "confirmPassword": NEW}
RECOVERY = "ABCD2345"


@dataclass(slots=True)
class House:
    """Two processes on the same databases, and a browser at the first."""

    runtime: Runtime
    pg: Postgres
    urls: tuple[str, str]
    http: httpx.AsyncClient

    async def everywhere(
        self, path: str, form: Callable[[int], dict[str, str]] | None
    ) -> list[httpx.Response]:
        """Post forms 50 times at once, in turn to each process and from one address, as this
        browser; without a form, get the path as often.
        """
        cookies = "; ".join(f"{each.name}={each.value}" for each in self.http.cookies.jar)
        headers = {"Cookie": cookies, "X-Forwarded-For": new_address()}
        limits = httpx.Limits(max_connections=PARALLEL)
        async with httpx.AsyncClient(limits=limits, timeout=60, headers=headers) as http:
            await asyncio.gather(*(http.get(f"{self.urls[n % 2]}/live") for n in range(PARALLEL)))
            asked = [
                http.build_request(
                    "POST" if form else "GET",
                    self.urls[n % 2] + path,
                    data=form(n) if form else None,
                )
                for n in range(PARALLEL)
            ]
            return await asyncio.gather(*map(http.send, asked))

    async def half_way(self, user: User) -> str:
        """Show the password of somebody; return the path of the interaction."""
        path = await begin(self.http)
        posted = await submit(self.http, path, email=user.email)
        assert (posted.status_code, posted.headers["Location"]) == (303, path), posted.text
        return path

    async def link(self, user: User) -> tuple[str, str]:
        """Ask for a magic link; return the path of the interaction, and the link."""
        path = await begin(self.http)
        form = {"_csrf": await csrf(self.http, path), "email": user.email}
        assert (await self.http.post(f"{path}/magic-link", data=form)).status_code == 200
        return path, (await mailed_links(self.runtime, self.pg, user))[0]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def processes(
    database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Runtime, tuple[str, str]]]:
    """Return two servers, each a process, and a runtime beside them, which runs no jobs."""
    ports, folder = (free_port(), free_port()), tmp_path_factory.mktemp("guessing")
    issuer = f"http://localhost:{ports[0]}"  # browsers know no passkeys of addresses
    settings = settings_for(
        database_url, redis_url, issuer_base_url=issuer, smtp_host="127.0.0.1",
        outbound_private_addresses=True,
    )  # fmt: skip
    runtime = await Runtime.open(settings)
    await furnish(runtime)
    await take_magic_links(runtime, "web")
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "ISSUER_BASE_URL": issuer,
        "TWO_FACTOR_ENCRYPTION_KEY": "cd" * 32,
        "TRUSTED_PROXIES": "127.0.0.1",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_FROM": "id@acme.example",
        "JOBS_IN_SERVER": "false",
        "OUTBOUND_PRIVATE_ADDRESSES": "true",
        "ARGON2_MEMORY_KIB": "8192",
        "ARGON2_PASSES": "1",
    }
    async with AsyncExitStack() as stack:
        for port in ports:
            stack.enter_context(serving(folder / f"{port}.log", port, **environment))
        for port in ports:
            await eventually(partial(answers, port), 60)
        yield runtime, (f"http://localhost:{ports[0]}", f"http://localhost:{ports[1]}")
    await runtime.close()


@pytest_asyncio.fixture(loop_scope="session")
async def house(processes: tuple[Runtime, tuple[str, str]], pg: Postgres) -> AsyncIterator[House]:
    runtime, urls = processes
    headers = {"X-Forwarded-For": new_address()}
    async with httpx.AsyncClient(base_url=urls[0], timeout=30, headers=headers) as http:
        yield House(runtime, pg, urls, http)


@dataclass(slots=True)
class Posted:
    """A form that is posted many times: where, what, and how often it is counted through."""

    path: str
    form: Callable[[int], dict[str, str]]
    most: int


async def _form(house: House, path: str, **more: str) -> dict[str, str]:
    return {"_csrf": await csrf(house.http, path), **more}


async def _password(house: House) -> Posted:
    user, path = await person(house.runtime), await begin(house.http)
    form = await _form(house, path, email=user.email)
    return Posted(f"{path}/login", lambda n: form | {"password": f"a guess, {n:06}"}, 10)


async def _totp(house: House) -> Posted:
    user, _ = await person_with_totp(house.runtime, house.pg)
    path = await house.half_way(user)
    form = await _form(house, path, method="totp")
    return Posted(f"{path}/two-factor", lambda n: form | {"code": f"{n:06}"}, 5)


async def _recovery_code(house: House) -> Posted:
    user, _ = await person_with_totp(house.runtime, house.pg, RECOVERY)
    path = await house.half_way(user)
    form = await _form(house, path, method="recovery_code")
    return Posted(f"{path}/two-factor", lambda n: form | {"code": f"WXYZ22{n:02}"}, 5)


async def _email_otp(house: House) -> Posted:
    user = await person(house.runtime)
    await choose(house.pg, user, "email")
    path = await house.half_way(user)
    form = await _form(house, path, method="email_otp")
    return Posted(f"{path}/two-factor", lambda n: form | {"code": f"{n:06}"}, 5)


async def _another_mail(house: House) -> Posted:
    posted = await _email_otp(house)
    form = posted.form(0)
    # One was mailed when it was asked for.
    return Posted(f"{posted.path}/resend", lambda n: form, 2)


async def _another_method(house: House) -> Posted:
    user, _ = await person_with_totp(house.runtime, house.pg)
    path = await house.half_way(user)
    form = await _form(house, path)
    return Posted(f"{path}/two-factor/resend", lambda n: form | {"method": f"m{n}"}, 30)


async def _passkey(house: House) -> Posted:
    path, answer = await _passkey_answer(house, origin="https://elsewhere.example")
    form = await _form(house, path, credential=answer)
    return Posted(f"{path}/passkey", lambda n: form, 10)


async def _passkey_answer(house: House, **client: Any) -> tuple[str, str]:
    home = await furnish_passkeys(house.runtime, "passkey")
    held = Authenticator(house.runtime.settings.issuer_base_url)
    await give_passkey(house.runtime, home.user, held)
    path = await home.begin(house.http)
    return path, held.get(await options_at(house.http, path), **client)


async def _magic_link_code(house: House) -> Posted:
    path, _ = await house.link(await person(house.runtime))
    form = await _form(house, path)
    return Posted(f"{path}/magic-link/code", lambda n: form | {"code": f"{n:08}"}, 5)


async def _magic_link_request(house: House) -> Posted:
    user, path = await person(house.runtime), await begin(house.http)
    form = await _form(house, path, email=user.email)
    return Posted(f"{path}/magic-link", lambda n: form, 5)


async def _magic_link_where_there_is_none(house: House) -> Posted:
    """Each is in the audit trail, until there were too many."""
    user, path = await person(house.runtime), await begin(house.http, client_id="third")
    form = await _form(house, path, email=user.email)
    return Posted(f"{path}/magic-link", lambda n: form, 5)


async def _reset_request(house: House) -> Posted:
    user, path = await person(house.runtime), "/acme/auth/forgot-password"
    form = await _form(house, path, email=user.email)
    return Posted(path, lambda n: form, 5)


async def _reset_use(house: House) -> Posted:
    link = await _reset_link(house, await person(house.runtime))
    form = await _form(house, link, **CHOSEN)
    return Posted(link, lambda n: form, 10)


async def _invitation_use(house: House) -> Posted:
    home = await house.runtime.storage.everywhere.organizations.find_by_slug("acme")
    assert home is not None
    guest = await invited(house.runtime, house.pg, home)
    form = await _form(house, guest.link, **CHOSEN)
    return Posted(guest.link, lambda n: form, 10)


async def _federation(house: House) -> Posted:
    path = await begin(house.http)
    form = await _form(house, path)
    return Posted(f"{path}/federation", lambda n: form | {"connection": new_id()}, 20)


async def _account_form(house: House, page: str, **more: str) -> dict[str, str]:
    """Go to a page of somebody's account, signing in on the way; return a form of it."""
    shown = await visits.arrive(house.http, await person(house.runtime), page)
    return {"_csrf": hidden(shown.text, "_csrf"), **more}


async def _account_password(house: House) -> Posted:
    page = "/acme/account/password"
    form = await _account_form(house, page, **CHOSEN)
    return Posted(page, lambda n: form | {"current": f"a guess, {n:06}"}, 10)


async def _email_change(house: House) -> Posted:
    page = "/acme/account/email"
    form = await _account_form(house, page)
    return Posted(page, lambda n: form | {"email": f"{n}-{new_id()}@new.example"}, 5)


async def _own_data(house: House) -> Posted:
    page = "/acme/account/data"
    form = await _account_form(house, page, download="1")
    return Posted(page, lambda n: form, 3)


async def _registration(house: House) -> Posted:
    """Without work that was proven, and for one address."""
    home = await open_home(house.runtime)
    path, email = register_path(home), registrations.new_address()
    form = await _form(house, path, email=email)
    config = (await house.runtime.snapshot()).config
    most = min(config.rate_limit_registration_max, config.rate_limit_registration_address_max // 5)
    return Posted(path, lambda n: form, most)


async def _reset_link(house: House, user: User) -> str:
    path = "/acme/auth/forgot-password"
    form = await _form(house, path, email=user.email)
    assert (await house.http.post(path, data=form)).status_code == 200
    return (await mailed_links(house.runtime, house.pg, user))[0]


GUESSES = (
    _password, _totp, _recovery_code, _email_otp, _another_mail, _another_method, _passkey,
    _magic_link_code, _magic_link_request, _magic_link_where_there_is_none, _reset_request,
    _federation, _account_password, _email_change, _own_data, _registration,
)  # fmt: skip


@pytest.mark.parametrize("made", GUESSES, ids=lambda made: made.__name__.strip("_"))
async def test_F7_fifty_guesses_at_two_processes_do_not_outrun_a_limit(
    house: House, made: Callable[[House], Awaitable[Posted]]
) -> None:
    posted = await made(house)
    answers = await house.everywhere(posted.path, posted.form)
    refused = [each for each in answers if each.status_code == 429]
    assert len(answers) - len(refused) == posted.most, {a.status_code for a in answers}
    assert all(int(each.headers["Retry-After"]) > 0 for each in refused)
    assert not any(each.status_code >= 500 for each in answers if made is not _federation)


async def _right_press(house: House) -> Posted:
    _, link = await house.link(await person(house.runtime))
    form = await _form(house, link)
    return Posted(link, lambda n: form, 1)


async def _right_magic_link_code(house: House) -> Posted:
    path, link = await house.link(await person(house.runtime))
    async with httpx.AsyncClient(base_url=house.urls[1], timeout=30) as elsewhere:
        code = await code_for(elsewhere, link)
    form = await _form(house, path, code=code)
    return Posted(f"{path}/magic-link/code", lambda n: form, 1)


async def _right_step(house: House) -> Posted:
    user, totp = await person_with_totp(house.runtime, house.pg)
    path = await house.half_way(user)
    code = totp.generate_otp(int(house.runtime.clock() // 30))
    form = await _form(house, path, method="totp", code=code)
    return Posted(f"{path}/two-factor", lambda n: form, 1)


async def _right_recovery_code(house: House) -> Posted:
    user, _ = await person_with_totp(house.runtime, house.pg, RECOVERY)
    path = await house.half_way(user)
    form = await _form(house, path, method="recovery_code", code=RECOVERY)
    return Posted(f"{path}/two-factor", lambda n: form, 1)


async def _right_email_otp(house: House) -> Posted:
    user = await person(house.runtime)
    await choose(house.pg, user, "email")
    path = await house.half_way(user)
    (code,) = await mailed_codes(house.runtime, house.pg, user.id)
    form = await _form(house, path, method="email_otp", code=code)
    return Posted(f"{path}/two-factor", lambda n: form, 1)


async def _right_passkey(house: House) -> Posted:
    path, answer = await _passkey_answer(house)
    form = await _form(house, path, credential=answer)
    return Posted(f"{path}/passkey", lambda n: form, 1)


async def _registration_use(house: House) -> Posted:
    home, email = await open_home(house.runtime), registrations.new_address()
    await registrations.ask(house.http, register_path(home), email)
    link = await registrations.mailed_link(house.runtime, house.pg, email)
    form = await _form(house, link, **registrations.CHOSEN)
    return Posted(link, lambda n: form, 1)


async def _another_address(house: House) -> tuple[User, str, str]:
    """Ask for another address; return the link that went there, and the one to that of before."""
    user, page = await person(house.runtime), "/acme/account/email"
    await visits.arrive(house.http, user, page)
    new = registrations.new_address()
    await visits.send(house.http, page, email=new)
    there, here = [
        (await letters_for(house.runtime, house.pg, each))[0].text for each in (new, user.email)
    ]
    links = [re.search(r"/acme/auth/[a-z-]*email-change/\S+", each) for each in (there, here)]
    assert links[0]
    assert links[1]
    return user, links[0][0], links[1][0]


async def _email_change_use(house: House) -> Posted:
    _, link, _ = await _another_address(house)
    form = await _form(house, link)
    return Posted(link, lambda n: form, 1)


async def _email_undo_use(house: House) -> Posted:
    """Undo a change that was made, by the link that went to the address of before."""
    _, link, refusal = await _another_address(house)
    made = await house.http.post(link, data=await _form(house, link))
    assert "The new address is yours" in made.text
    form = await _form(house, refusal)
    return Posted(refusal, lambda n: form, 1)


USES = (
    _right_press, _right_magic_link_code, _right_step, _right_recovery_code, _right_email_otp,
    _right_passkey, _reset_use, _invitation_use, _registration_use, _email_change_use,
    _email_undo_use,
)  # fmt: skip
DONE = (
    "Your password is changed", "account is ready", "The new address is yours",
    "The address is yours again", "The link is used up",
)  # fmt: skip
"""What the pages say that a use of a link led to."""


@pytest.mark.parametrize("made", USES, ids=lambda made: made.__name__.strip("_"))
async def test_G_fifty_uses_at_two_processes_of_what_is_good_once(
    house: House, made: Callable[[House], Awaitable[Posted]]
) -> None:
    posted = await made(house)
    answers = await house.everywhere(posted.path, posted.form)
    statuses = {each.status_code for each in answers}
    assert [_succeeded(each) for each in answers].count(True) == 1, statuses
    assert not any(each.status_code == 500 for each in answers)


def _succeeded(answer: httpx.Response) -> bool:
    """Whether somebody is signed in by it, or a page says that it is done."""
    if any(each.startswith("session_") for each in answer.headers.get_list("set-cookie")):
        return True
    return any(words in answer.text for words in DONE)


async def test_G_fifty_callbacks_with_one_state_at_two_processes(house: House) -> None:
    user = await person(house.runtime)
    async with provider() as upstream:
        upstream.claims |= {"email": user.email, "email_verified": True}
        served = Served(house.runtime, house.http, house.urls[0])
        connection = await connect(served, upstream, authoritative_domains=["acme.example"])

        async def begun() -> str:
            path = await begin(house.http)
            form = await _form(house, path, connection=connection.id)
            answer = await house.http.post(f"{path}/federation", data=form)
            return str(answer.headers.get("Location", ""))

        urls: list[str] = []

        async def is_known() -> bool:
            urls.append(await begun())
            return urls[-1].startswith(upstream.base)

        await eventually(is_known)
        back = f"/acme/federation/{connection.id}/callback"
        query = urlencode(upstream.grant(urls[-1]))
        answers = await house.everywhere(f"{back}?{query}", None)
        assert [_succeeded(each) for each in answers].count(True) == 1
        assert len([path for path, *_ in upstream.seen if path == "/token"]) == 1


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def administrator(processes: tuple[Runtime, tuple[str, str]]) -> Actor:
    """Return somebody who may make set-up links."""
    storage, passwords = processes[0].storage.everywhere, processes[0].passwords
    made = await administration.initialize(storage, SUPER, passwords)
    return Actor(user_id=made.user.id, permissions=frozenset(PERMISSIONS))


async def _setup_link(house: House, administrator: Actor, slug: str) -> str:
    """Have an administrator send a set-up link; return its path."""
    email = registrations.new_address()
    asked = {"provider": "openid", "name": f"Workforce {email[:8]}", "email": email}
    async with house.runtime.storage.everywhere.transaction() as tx:
        wanted = NewSetupLink.parse(asked)
        await setup_links.create(tx, administrator, slug, wanted, post=house.runtime.post)
    (letter,) = await letters_for(house.runtime, house.pg, email)
    link = re.search(rf"/{slug}/auth/setup/\S+", letter.text)
    assert link
    return link[0]


async def test_G_fifty_browsers_at_two_processes_begin_with_one_set_up_link(
    house: House, administrator: Actor
) -> None:
    home = await open_home(house.runtime)
    link = await _setup_link(house, administrator, home.slug)
    async with AsyncExitStack() as stack:
        browsers = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=house.urls[n % 2], timeout=60)
            )
            for n in range(PARALLEL)
        ]
        pages = [await each.get(link) for each in browsers]
        forms = [hidden_fields(each.text) | {"step": "begin"} for each in pages]
        answers = await asyncio.gather(
            *(each.post(link, data=form) for each, form in zip(browsers, forms, strict=True))
        )
        statuses = [each.status_code for each in answers]
        assert set(statuses) <= {303, 409, 503}
        assert statuses.count(303) == 1
        later = [(await each.get(link)).status_code for each in browsers]
    assert later == [200 if each == 303 else 409 for each in statuses]


async def test_G_fifty_presses_at_two_processes_finish_one_set_up(
    house: House, administrator: Actor
) -> None:
    home = await open_home(house.runtime)
    link = await _setup_link(house, administrator, home.slug)
    async with provider() as upstream:
        upstream.claims |= {"email": "grace@acme.example", "email_verified": True}
        holder = Holder(house.http, link)
        await holder.begin()
        tested = await holder.pass_test(upstream)
        form = hidden_fields(tested.text)
        assert form["step"] == "finish"
        answers = await house.everywhere(link, lambda n: form)
    assert [_succeeded(each) for each in answers].count(True) == 1
    assert not any(each.status_code == 500 for each in answers)
    found = await house.runtime.storage.everywhere.connections.find_each([home.id])
    assert len(found[home.id]) == 1


async def test_F7_past_the_limit_an_owner_is_led_on_by_mail_and_stays_in(house: House) -> None:
    """Though strangers guess on, and lock the account again: who chose the password is none."""
    user, http = await person(house.runtime), house.http
    path = await begin(http)
    form = await _form(house, path, email=user.email)
    for n in range(10):
        answer = await http.post(f"{path}/login", data=form | {"password": f"a guess, {n:06}"})
        assert (answer.status_code, "You need not wait" in answer.text) == (200, False)
    answer = await http.post(f"{path}/login", data=form | {"password": PASSWORD})
    assert (answer.status_code, "a link to sign in mailed" in answer.text) == (429, True)
    await _lock(house, user)
    link = await _reset_link(house, user)
    changed = await http.post(link, data=await _form(house, link, **CHOSEN))
    assert "Your password is changed" in changed.text
    await _lock(house, user)
    async with httpx.AsyncClient(base_url=house.urls[1], timeout=30) as stranger:
        refused = await submit(stranger, await begin(stranger), email=user.email, password=NEW)
        assert (refused.status_code, _succeeded(refused)) == (200, False)
    assert _succeeded(await submit(http, await begin(http), email=user.email, password=NEW))


async def _lock(house: House, user: User) -> None:
    """Lock an account as the last of a hundred wrong guesses does."""
    row = await house.pg.fetchrow(
        "UPDATE users SET status = 'locked', locked_reason = 'auto_lockout', locked_at = now(),"
        " failed_login_count = 100, last_failed_login_at = now() WHERE id = %(id)s RETURNING 1",
        {"id": user.id},
    )
    assert row == (1,)


async def test_G3_another_password_by_mail_buys_no_guesses_at_a_second_factor(
    house: House,
) -> None:
    user, _ = await person_with_totp(house.runtime, house.pg)
    posted = await _wrong_codes(house, user, PASSWORD)
    link = await _reset_link(house, user)
    await house.http.post(link, data=await _form(house, link, **CHOSEN))
    assert await _wrong_codes(house, user, NEW) == [429]
    assert posted == [200] * 5 + [429]


async def _wrong_codes(house: House, user: User, password: str) -> list[int]:
    """Show wrong codes until the limit; return the statuses."""
    path = await begin(house.http)
    await submit(house.http, path, email=user.email, password=password)
    form, told = await _form(house, path, method="totp"), list[int]()
    while 429 not in told and len(told) < 20:
        answer = await house.http.post(f"{path}/two-factor", data=form | {"code": "000000"})
        told.append(answer.status_code)
    return told
