"""An address that somebody else has changed: whoever has the one of before takes it back.

The one who got in is in a session, and asks for an address of theirs; what they do then leaves the
letters that went out before as good as they were (decisions/0056).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio
from msgspec.structs import replace

from porta.audit.actors import SYSTEM
from porta.errors import Invalid
from porta.limits.origin import Origin
from porta.runtime import Runtime
from porta.security import link_tokens
from porta.services import email_change, email_undo, former_addresses, users
from porta.services.user_fields import UserPatch
from porta.tenants import resolve
from storage.models.artifacts import EmailChange, FormerLetter
from storage.models.passkeys import NewPasskey
from storage.models.users import User, UserProfile
from storage.postgres.driver import Postgres
from tests import factories
from tests.handlers.account.visits import arrive, events_of, is_signed_in, send
from tests.handlers.flow import begin, submit
from tests.world.answers import hidden_fields
from tests.world.house import PASSWORD, furnish
from tests.world.links import person, post
from tests.world.mail import letters_for
from tests.world.runtime import clock_ahead
from tests.world.second_factors import person_with_totp
from tests.world.served import Served, beside, settings_at, unseeded

PAGE = "/acme/account/email"
DAY = 86_400
ORIGIN = Origin("192.0.2.9", "")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(database_url: str, redis_url: str) -> AsyncIterator[Served]:
    settings = settings_at(database_url, redis_url, smtp_host="mail.example")
    async with unseeded(settings, furnish) as running:
        yield running


@pytest.fixture
def runtime(served: Served) -> Runtime:
    return served.runtime


@pytest_asyncio.fixture(loop_scope="session")
async def thief(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that is signed in as somebody else."""
    async with httpx.AsyncClient(base_url=served.base_url, timeout=20) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def owner(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    """The browser of who reads the mail of the address of before."""
    async with httpx.AsyncClient(base_url=served.base_url, timeout=20) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def someone(runtime: Runtime) -> User:
    return await person(runtime)


@pytest.fixture
def later(runtime: Runtime) -> Iterator[list[float]]:
    """Seconds that have passed meanwhile."""
    with clock_ahead(runtime) as ahead:
        yield ahead


@dataclass(frozen=True, slots=True)
class Asked:
    """An address that was asked for, the link to it, and the one that refuses it."""

    email: str
    link: str
    refusal: str


def _new() -> str:
    return f"{factories.new_id()}@thief.example"


async def _link_at(served: Served, pg: Postgres, address: str) -> str:
    """Return path and query of the link in the newest letter to an address."""
    letter = (await letters_for(served.runtime, pg, address))[0]
    base = re.escape(served.runtime.settings.issuer_base_url)
    found = re.search(rf"^{base}(/acme/auth/.+)$", letter.text, re.M)
    assert found, letter.text
    return found[1]


async def _ask(
    served: Served, pg: Postgres, thief: httpx.AsyncClient, old: str, new: str = ""
) -> Asked:
    """Ask for another address at the account, where somebody is signed in."""
    new = new or _new()
    done = await send(thief, PAGE, email=new)
    assert done.headers["Location"] == f"{PAGE}?told=email", done.text
    return Asked(new, await _link_at(served, pg, new), await _link_at(served, pg, old))


async def _takes(runtime: Runtime, pg: Postgres, email: str) -> User:
    """Have somebody else have an address by now."""
    other = await person(runtime)
    await pg.execute(
        "UPDATE users SET email = %(email)s WHERE id = %(id)s", {"id": other.id, "email": email}
    )
    return other


async def _now(runtime: Runtime, user: User) -> UserProfile:
    found = await runtime.storage.everywhere.users.find(user.id)
    assert found is not None
    return found


async def test_the_letter_about_the_first_wish_is_good_after_the_second(
    served: Served, thief: httpx.AsyncClient, owner: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    """Whoever got in asks once more, and takes no letter back by that."""
    await arrive(thief, someone, PAGE)
    first = await _ask(served, pg, thief, someone.email)
    second = await _ask(served, pg, thief, someone.email)
    page = await owner.get(first.refusal)
    assert (page.status_code, first.email in page.text) == (200, True)
    assert "The change is off" in (await post(owner, first.refusal)).text
    assert not await is_signed_in(thief)
    assert (await post(thief, second.link)).status_code == 400
    assert (await _now(served.runtime, someone)).email == someone.email
    assert (await post(owner, second.refusal)).status_code == 400, "what came later is over too"


async def _settles(runtime: Runtime, user: User) -> None:
    """Have whoever got in make the account theirs: password, passkey, identity, app and codes."""
    key, storage = (user.id, user.organization_id), runtime.storage
    async with storage.transaction() as tx:
        await tx.user_passwords.set(*key, await runtime.passwords.hash("a password of theirs"))
        await tx.passkeys.handle(*key, factories.new_id())
        new = NewPasskey(
            credential_id=factories.new_id(), public_key=b"k", sign_count=0,
            backup_eligible=True, backed_up=True,
        )  # fmt: skip
        assert await tx.passkeys.add(*key, "Theirs", new)
        await tx.second_factors.choose(*key, "totp")
        await tx.second_factors.set_totp(*key, ("s", "i", "t"), 1)
        await tx.second_factors.replace_recovery_codes(*key, ("h1", "h2"))


async def test_an_address_is_taken_back_days_later_with_all_that_somebody_else_has(
    served: Served, thief: httpx.AsyncClient, owner: httpx.AsyncClient, someone: User,
    pg: Postgres, later: list[float],
) -> None:  # fmt: skip
    runtime, key = served.runtime, (someone.id, someone.organization_id)
    await arrive(thief, someone, PAGE)
    asked = await _ask(served, pg, thief, someone.email)
    assert (await post(thief, asked.link)).status_code == 200
    await _settles(runtime, someone)
    told = (await letters_for(runtime, pg, someone.email))[0]
    assert "has another address now" in told.text
    assert "good for 7 days" in told.text
    later.append(6 * DAY)
    link = await _link_at(served, pg, someone.email)
    assert link != asked.refusal
    page = await owner.get(link)
    assert "Take the address back" in page.text
    assert asked.email not in page.text, "nor is anybody told where it went"
    for scanner in (owner.get, owner.head):
        assert (await scanner(link)).status_code == 200
    assert (await _now(runtime, someone)).email == asked.email
    done = await post(owner, link)
    assert "The address is yours again" in done.text
    assert "/acme/auth/forgot-password" in done.text
    after, storage = await _now(runtime, someone), runtime.storage.everywhere
    assert (after.email, after.email_verified, after.password_hash) == (someone.email, True, None)
    assert not await is_signed_in(thief)
    assert await storage.passkeys.list(*key) == ()
    assert not after.two_factor_enabled
    assert await storage.second_factors.find_totp(*key) is None
    assert await storage.second_factors.list_recovery_codes(*key, 20) == []
    assert "former address again" in (await letters_for(runtime, pg, asked.email))[0].text
    assert ("user.email_change.undone", None) in await events_of(pg, someone)
    for each in (link, asked.refusal):
        assert (await post(owner, each)).status_code == 400, "once, and the other with it"


async def test_what_was_there_long_before_stays(
    served: Served, thief: httpx.AsyncClient, owner: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    """A passkey of the owner, an app: they are no one else's."""
    runtime, key = served.runtime, (someone.id, someone.organization_id)
    await arrive(thief, someone, PAGE)
    asked = await _ask(served, pg, thief, someone.email)
    await _settles(runtime, someone)
    for table in ("passkeys", "user_totp", "two_factor_recovery_codes"):
        await pg.execute(
            f"UPDATE {table} SET created_at = created_at - interval '2 days'"
            " WHERE user_id = %(id)s",
            {"id": someone.id},
        )
    assert (await post(thief, asked.link)).status_code == 200
    assert (await post(owner, asked.refusal)).status_code == 200
    after, storage = await _now(runtime, someone), runtime.storage.everywhere
    assert (after.email, after.two_factor_method) == (someone.email, "totp")
    assert len(await storage.passkeys.list(*key)) == 1
    assert await storage.second_factors.find_totp(*key) is not None
    assert len(await storage.second_factors.list_recovery_codes(*key, 20)) == 2


async def test_who_is_half_way_in_when_it_is_undone_gets_no_further(
    served: Served, thief: httpx.AsyncClient, owner: httpx.AsyncClient, pg: Postgres,
    later: list[float],
) -> None:  # fmt: skip
    """They have shown the password of before, and the second factor is theirs too."""
    runtime = served.runtime
    someone, totp = await person_with_totp(runtime, pg)
    await pg.execute(
        "UPDATE user_totp SET created_at = now() - interval '2 days' WHERE user_id = %(id)s",
        {"id": someone.id},
    )
    letter = link_tokens.new_token()
    now = runtime.clock()
    kept = FormerLetter(
        digest=letter.digest, email=f"{factories.new_id()}@acme.example", wanted=someone.email,
        at=now, until=now + DAY,
    )  # fmt: skip
    await former_addresses.remember(runtime.storage, someone, kept, now)
    later.append(-5)
    path = await begin(thief)
    await submit(thief, path, email=someone.email, password=PASSWORD)
    later.clear()
    form = hidden_fields((await thief.get(path)).text) | {"method": "totp"}
    assert "code" in form or "_csrf" in form
    undo = f"/acme/auth/refuse-email-change/{someone.id}{letter.value}"
    assert "The address is yours again" in (await post(owner, undo)).text
    form["code"] = totp.generate_otp(int(runtime.clock() // 30))
    await thief.post(f"{path}/two-factor", data=form)
    assert not await is_signed_in(thief)


async def test_of_many_changes_the_first_owner_has_the_last_word(
    served: Served, thief: httpx.AsyncClient, owner: httpx.AsyncClient, someone: User,
    pg: Postgres, later: list[float],
) -> None:  # fmt: skip
    """Not whoever has one of the addresses between, who takes theirs back first."""
    runtime = served.runtime
    await arrive(thief, someone, PAGE)
    first = await _ask(served, pg, thief, someone.email)
    assert (await post(thief, first.link)).status_code == 200
    later.append(5)
    second = await _ask(served, pg, thief, first.email)
    assert (await post(thief, second.link)).status_code == 200
    assert (await _now(runtime, someone)).email == second.email
    assert (await post(thief, second.refusal)).status_code == 200
    assert (await _now(runtime, someone)).email == first.email
    assert (await post(owner, first.refusal)).status_code == 200
    assert (await _now(runtime, someone)).email == someone.email
    assert (await post(thief, second.refusal)).status_code == 400


async def test_whoever_goes_home_by_themselves_leaves_the_other_mailbox_no_letter(
    served: Served, thief: httpx.AsyncClient, owner: httpx.AsyncClient, someone: User,
    pg: Postgres, later: list[float],
) -> None:  # fmt: skip
    """It would be good for longer than theirs."""
    runtime = served.runtime
    await arrive(thief, someone, PAGE)
    first = await _ask(served, pg, thief, someone.email)
    assert (await post(thief, first.link)).status_code == 200
    later.append(60)
    await arrive(owner, await _now(runtime, someone), PAGE)
    before = len(await letters_for(runtime, pg, first.email))
    await send(owner, PAGE, email=someone.email)
    home = await _link_at(served, pg, someone.email)
    assert len(await letters_for(runtime, pg, first.email)) == before, "nor can it be refused"
    assert (await post(owner, home)).status_code == 200
    (told, *_) = await letters_for(runtime, pg, first.email)
    assert "former address again" in told.text
    assert "Everybody is signed out" in told.text
    assert not await is_signed_in(thief)
    assert "refuse-email-change" not in told.text + told.html
    kept = await former_addresses._letters(runtime.storage, await _now(runtime, someone))
    assert {each.email for each in kept} == {someone.email}
    assert (await _now(runtime, someone)).email == someone.email


async def test_whoever_had_it_first_is_not_outlived_by_who_came_after(
    served: Served, thief: httpx.AsyncClient, owner: httpx.AsyncClient, someone: User,
    pg: Postgres, later: list[float],
) -> None:  # fmt: skip
    """The owner moves on from there: the letter to the mailbox between is newer than theirs."""
    runtime = served.runtime
    await arrive(thief, someone, PAGE)
    first = await _ask(served, pg, thief, someone.email)
    assert (await post(thief, first.link)).status_code == 200
    later.append(5 * DAY)
    await arrive(owner, await _now(runtime, someone), PAGE)
    second = await _ask(served, pg, owner, first.email)
    assert (await post(owner, second.link)).status_code == 200
    later.append(6 * DAY)
    assert (await post(thief, second.refusal)).status_code == 200
    assert (await _now(runtime, someone)).email == first.email
    assert (await post(owner, first.refusal)).status_code == 200
    assert (await _now(runtime, someone)).email == someone.email


async def test_no_letter_is_sent_that_could_not_be_kept(
    served: Served, thief: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    runtime = served.runtime
    now = runtime.clock()
    for number in range(former_addresses.MOST - 1):
        letter = FormerLetter(
            digest=f"{number:043}", email="a@b.test", wanted="c@d.test", at=now, until=now + DAY
        )
        await former_addresses.remember(runtime.storage, someone, letter, now)
    await arrive(thief, someone, PAGE)
    refused = await send(thief, PAGE, email=_new())
    assert refused.status_code == 429
    assert DAY - 60 < int(refused.headers["Retry-After"]) <= DAY
    assert await letters_for(runtime, pg, someone.email) == []


@pytest.mark.parametrize("status", ["locked", "inactive"])
async def test_where_somebody_has_the_address_by_now_a_lock_stays_one(
    served: Served, thief: httpx.AsyncClient, owner: httpx.AsyncClient, someone: User,
    pg: Postgres, status: str,
) -> None:  # fmt: skip
    await arrive(thief, someone, PAGE)
    asked = await _ask(served, pg, thief, someone.email)
    assert (await post(thief, asked.link)).status_code == 200
    await _takes(served.runtime, pg, someone.email)
    await pg.execute(
        "UPDATE users SET status = %(status)s WHERE id = %(id)s",
        {"id": someone.id, "status": status},
    )
    assert (await post(owner, asked.refusal)).status_code == 200
    assert (await _now(served.runtime, someone)).status == status


async def test_nobody_suspends_the_super_admin_user(
    served: Served, thief: httpx.AsyncClient, owner: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    runtime, everywhere = served.runtime, served.runtime.storage.everywhere
    await arrive(thief, someone, PAGE)
    asked = await _ask(served, pg, thief, someone.email)
    assert (await post(thief, asked.link)).status_code == 200
    await _takes(runtime, pg, someone.email)
    await everywhere.system_config.put("super_admin_user_id", someone.id, "string")
    try:
        assert (await post(owner, asked.refusal)).status_code == 400
    finally:
        await pg.execute("DELETE FROM system_config WHERE key = 'super_admin_user_id'")
    after = await _now(runtime, someone)
    assert (after.email, after.status) == (asked.email, "active")


async def test_after_its_time_a_letter_is_over_and_says_what_to_do(
    served: Served, thief: httpx.AsyncClient, owner: httpx.AsyncClient, someone: User,
    pg: Postgres, later: list[float],
) -> None:  # fmt: skip
    await arrive(thief, someone, PAGE)
    asked = await _ask(served, pg, thief, someone.email)
    assert (await post(thief, asked.link)).status_code == 200
    later.append(7 * DAY + 1)
    over = await owner.get(asked.refusal)
    assert (over.status_code, "tell your administrator at once" in over.text) == (400, True)
    assert (await _now(served.runtime, someone)).email == asked.email


async def test_where_somebody_has_the_address_by_now_the_account_is_suspended(
    served: Served, thief: httpx.AsyncClient, owner: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    runtime = served.runtime
    await arrive(thief, someone, PAGE)
    asked = await _ask(served, pg, thief, someone.email)
    assert (await post(thief, asked.link)).status_code == 200
    other = await _takes(runtime, pg, someone.email)
    done = await post(owner, asked.refusal)
    assert (done.status_code, "The account is suspended" in done.text) == (200, True)
    after = await _now(runtime, someone)
    assert (after.email, after.status, after.password_hash) == (asked.email, "suspended", None)
    assert (await _now(runtime, other)).email == someone.email
    assert not await is_signed_in(thief)
    told = [each.text for each in await letters_for(runtime, pg, asked.email)]
    assert not [each for each in told if "former address again" in each], "it has not"


async def test_a_lock_keeps_nobody_from_taking_their_address_back_and_stays(
    served: Served, thief: httpx.AsyncClient, owner: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    await arrive(thief, someone, PAGE)
    asked = await _ask(served, pg, thief, someone.email)
    assert (await post(thief, asked.link)).status_code == 200
    await pg.execute("UPDATE users SET status = 'suspended' WHERE id = %(id)s", {"id": someone.id})
    assert (await post(owner, asked.refusal)).status_code == 200
    after = await _now(served.runtime, someone)
    assert (after.email, after.status) == (someone.email, "suspended")


async def test_what_an_administrator_says_no_letter_undoes(
    served: Served, thief: httpx.AsyncClient, owner: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    runtime = served.runtime
    await arrive(thief, someone, PAGE)
    asked = await _ask(served, pg, thief, someone.email)
    other = f"{factories.new_id()}@acme.example"
    async with runtime.storage.everywhere.transaction() as tx:
        await users.update(
            tx, SYSTEM, someone.id, UserPatch.parse({"email": other}), post=runtime.post
        )
    told = (await letters_for(runtime, pg, someone.email))[0]
    assert "An administrator gave the account" in told.text
    for link in (asked.link, asked.refusal):
        assert (await post(owner, link)).status_code == 400
    assert (await _now(runtime, someone)).email == other


async def test_a_letter_is_nothing_elsewhere_nor_by_a_form_of_nobody(
    served: Served, thief: httpx.AsyncClient, owner: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    await arrive(thief, someone, PAGE)
    asked = await _ask(served, pg, thief, someone.email)
    assert (await post(thief, asked.link)).status_code == 200
    altered = asked.refusal[:-1] + ("A" if asked.refusal[-1] != "A" else "B")
    nobodys = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", factories.new_id(), asked.refusal)
    for link in (altered, nobodys, asked.refusal.replace("/acme/", "/globex/")):
        assert (await owner.get(link)).status_code == 400
    assert (await owner.post(asked.refusal, data={"_csrf": "x" * 43})).status_code == 403
    assert (await _now(served.runtime, someone)).email == asked.email


async def test_a_letter_of_the_version_before_refuses_and_undoes_nothing_more(
    served: Served, thief: httpx.AsyncClient, owner: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    """It kept one wish a person and no letters; what this version keeps is known by letters."""
    runtime = served.runtime
    await arrive(thief, someone, PAGE)
    await _ask(served, pg, thief, someone.email)
    value = EmailChange.value_of(someone.id)
    wish = await runtime.storage.artifacts.find(EmailChange, value, someone.organization_id)
    assert wish is not None
    token = link_tokens.new_token()
    link = f"/acme/auth/refuse-email-change/{someone.id}{token.value}"
    storage = runtime.storage
    await storage.artifacts.save(replace(wish, refusal=token.digest), 600)
    assert (await owner.get(link)).status_code == 400
    await storage.artifacts.save(replace(wish, refusal=token.digest, asked_at=0), 600)
    assert "The change is off" in (await post(owner, link)).text
    assert not await is_signed_in(thief)
    assert (await post(owner, link)).status_code == 400


@pytest.mark.parametrize("rounds", [4])
async def test_at_two_servers_at_once_the_owner_is_left_with_the_address(
    served: Served, thief: httpx.AsyncClient, runtime: Runtime, pg: Postgres, rounds: int
) -> None:
    """Whichever comes first: a change that is refused is not made, one that was made is undone."""
    tenant = await resolve.resolve(runtime, "acme")
    async with beside(served) as another:
        for _ in range(rounds):
            someone = await person(runtime)
            thief.cookies.clear()
            await arrive(thief, someone, PAGE)
            asked = await _ask(served, pg, thief, someone.email)
            confirmation, refusal = (
                each.rpartition("/")[2] for each in (asked.link, asked.refusal)
            )
            done = await asyncio.gather(
                email_change.complete(runtime, tenant, confirmation, ORIGIN),
                email_undo.refuse(another.runtime, tenant, refusal, ORIGIN),
                email_undo.refuse(runtime, tenant, refusal, ORIGIN),
                return_exceptions=True,
            )
            assert [type(each) for each in done].count(email_undo.Refusable) == 1, done
            assert all(isinstance(each, (str, email_undo.Refusable, Invalid)) for each in done), (
                done
            )
            assert (await _now(runtime, someone)).email == someone.email
            assert not await is_signed_in(thief)
