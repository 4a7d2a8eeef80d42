"""Every form of one's own account: what it does for its owner, and for nobody else, nowhere else,
at no other time (decisions/0043). A section that is added needs its line of FORMS.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial

import httpx
import pytest
import pytest_asyncio
from pyotp import TOTP

from handlers.account import SECTIONS
from porta.audit.actors import SYSTEM
from porta.browser import account_visits
from porta.config.settings import Settings
from porta.runtime import Runtime
from porta.services import organizations
from porta.services.organization_fields import OrganizationPatch
from porta.tenants import resolve
from storage.models.connections import Connection
from storage.models.interactions import WaitingIdentity
from storage.models.sign_ins import Link
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.factories import new_id
from tests.handlers.account.visits import FIREFOX, somebody_waits
from tests.handlers.flow import csrf, hidden, parameters, redeem_at, submit
from tests.porta.pages.page_documents import TEMPLATES
from tests.world.authenticators import Authenticator
from tests.world.house import PASSWORD
from tests.world.passkeys import Home, furnish, give_passkey, options_in
from tests.world.ports import free_port
from tests.world.runtime import clock_ahead
from tests.world.second_factors import choose, person_with_totp
from tests.world.served import settings_for
from tests.world.waiting import eventually

NEW = "seven green bottles on a wall"
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def settings(database_url: str, redis_url: str) -> Settings:
    """Settings of an issuer with a name, for passkeys, that mails."""
    port = free_port()
    return settings_for(
        database_url, redis_url, port=port, issuer_base_url=f"http://localhost:{port}",
        smtp_host="mail.example",
    )  # fmt: skip


@pytest_asyncio.fixture(loop_scope="session")
async def http(runtime: Runtime, server: object) -> AsyncIterator[httpx.AsyncClient]:
    assert server
    base_url = runtime.settings.issuer_base_url
    async with httpx.AsyncClient(base_url=base_url, timeout=20) as client:
        yield client


@dataclass(slots=True)
class Owner:
    """Somebody with one of everything, signed in at a browser, and at another one."""

    runtime: Runtime
    pg: Postgres
    http: httpx.AsyncClient
    elsewhere: httpx.AsyncClient
    home: Home
    user: User
    totp: TOTP
    held: Authenticator
    passkey: str
    connection: str

    def page(self, section: str, below: str = "") -> str:
        return f"/{self.home.slug}/account/{section}{below}"

    async def show(self, section: str, below: str = "") -> str:
        return (await self.http.get(self.page(section, below))).text

    async def csrf(self) -> str:
        """Return what every form here is known by, in this session."""
        return hidden(await self.show("language"), "_csrf")

    async def one(self, statement: str) -> str:
        row = await self.pg.fetchrow(statement, {"id": self.user.id})
        assert row is not None
        return str(row[0])

    async def own_session(self, agent: str = "python-httpx") -> str:
        return await self.one(
            "SELECT uid FROM sessions WHERE account_id = %(id)s AND consumed_at IS NULL"
            f" AND strpos(payload ->> 'user_agent', '{agent}') > 0 ORDER BY created_at DESC LIMIT 1"
        )


Form = Callable[[Owner], Awaitable[dict[str, str]]]


def _just(**form: str) -> Form:
    async def made(_: Owner) -> dict[str, str]:
        return form

    return made


async def _profile(owner: Owner) -> dict[str, str]:
    return {"given_name": "Mallory", "version": hidden(await owner.show("profile"), "version")}


async def _other_session(owner: Owner) -> dict[str, str]:
    return {"session": await owner.own_session("Firefox")}


async def _app(owner: Owner) -> dict[str, str]:
    """Another app in the place of the one there is."""
    page = await owner.show("security", "/app")
    found = re.search(r"[?&]secret=([A-Z2-7]+)|<code>([A-Z2-7 ]{16,})</code>", page)
    assert found is not None, page
    secret = (found[1] or found[2]).replace(" ", "")
    code = TOTP(secret).generate_otp(int(owner.runtime.clock() // 30))
    return {"box": hidden(page, "box"), "code": code}


async def _another_passkey(owner: Owner) -> dict[str, str]:
    made = Authenticator(owner.runtime.settings.issuer_base_url)
    return {"credential": made.create(options_in(await owner.show("security", "/passkey")))}


def _the_passkey(**form: str) -> Form:
    async def made(owner: Owner) -> dict[str, str]:
        return form | {"passkey": owner.passkey}

    return made


async def _device(owner: Owner) -> dict[str, str]:
    return {"device": await owner.one("SELECT id FROM trusted_devices WHERE user_id = %(id)s")}


async def _unlink(owner: Owner) -> dict[str, str]:
    return {"unlink": await owner.one("SELECT id FROM identities WHERE user_id = %(id)s")}


async def _link(owner: Owner) -> dict[str, str]:
    """Say yes to somebody who waits to be linked, in this session."""
    link = Link(
        connection_id=owner.connection, issuer="https://github.com", subject=new_id(),
        email=None, name="mallory", at=int(owner.runtime.clock()),
    )  # fmt: skip
    waiting = partial(
        WaitingIdentity, organization_id=owner.home.id, session_uid=await owner.own_session(),
        account_id=owner.user.id, link=link,
    )  # fmt: skip
    value = await owner.runtime.storage.everywhere.artifacts.create(waiting, 600)
    return {"waiting": value, "decision": "link"}


async def _connection(owner: Owner) -> dict[str, str]:
    return {"connection": owner.connection}


async def _application(owner: Owner) -> dict[str, str]:
    return {"client": owner.home.client_id}


async def _deletion(owner: Owner) -> dict[str, str]:
    return {"confirm": owner.user.email}


FORMS: dict[str, tuple[str, str, Form]] = {
    "profile": ("profile", "", _profile),
    "another address": ("email", "", _just(email="mallory@new.example")),
    "address given up": ("email", "", _just(withdraw="1")),
    "password": ("password", "", _just(
        current=PASSWORD, password=NEW, confirmPassword=NEW, others="1",
    )),
    "recovery codes": ("security", "", _just(codes="1")),
    "codes by mail": ("security", "", _just(choose="email")),
    "passkey chosen": ("security", "", _just(choose="passkey")),
    "factor off": ("security", "", _just(off="1")),
    "passkey renamed": ("security", "", _the_passkey(rename="1", name="Mallory's")),
    "passkey removed": ("security", "", _the_passkey(remove="1")),
    "device": ("security", "", _device),
    "devices": ("security", "", _just(devices="1")),
    "app": ("security", "/app", _app),
    "passkey added": ("security", "/passkey", _another_passkey),
    "identity unlinked": ("identities", "", _unlink),
    "identity linked": ("identities", "", _link),
    "way to a provider": ("identities", "", _connection),
    "session": ("sessions", "", _other_session),
    "sessions": ("sessions", "", _just(others="1")),
    "application": ("applications", "", _application),
    "language": ("language", "", _just(language="de")),
    "data": ("data", "", _just(download="1")),
    "deletion": ("data", "", _deletion),
}  # fmt: skip
HELD = sorted(FORMS.keys() - {"data", "way to a provider"})
"""Those that write what is the person's: they hold the person meanwhile."""
_NO_FORM = {"identities/[^/]+/callback"}


def test_every_form_is_looked_at() -> None:
    """By the sections that there are, and by the buttons and fields of their pages."""
    served = {f"{each.name}{below}" for each in SECTIONS for below in _belows(each.further)}
    assert served - _NO_FORM == {f"{section}{below}" for section, below, _ in FORMS.values()}
    buttons = set()
    for path in (TEMPLATES / "pages").glob("account_*.html"):
        source = path.read_text()
        for part in re.findall(r'{% include "../(partials/\w+\.html)" %}', source):
            source += (TEMPLATES / part).read_text()
        buttons |= set(re.findall(r'<button[^>]* name="(\w+)"', source))
    known = {
        "client", "download", "withdraw", "unlink", "connection", "language", "decision",
        "choose", "codes", "off", "rename", "remove", "device", "devices", "session", "others",
    }  # fmt: skip
    assert buttons == known, "a button that is added needs its line of FORMS"


def _belows(further: Iterable[tuple[str, object]]) -> list[str]:
    return ["", *(below for below, _ in further)]


@pytest_asyncio.fixture(loop_scope="session")
async def owner(runtime: Runtime, http: httpx.AsyncClient, pg: Postgres) -> AsyncIterator[Owner]:
    headers = {"User-Agent": FIREFOX}
    async with httpx.AsyncClient(base_url=http.base_url, timeout=20, headers=headers) as other:
        yield await _settle(runtime, pg, http, other)


async def _settle(
    runtime: Runtime, pg: Postgres, http: httpx.AsyncClient, other: httpx.AsyncClient
) -> Owner:
    home = await furnish(runtime, "password", "passkey", "magic_link")
    async with runtime.storage.everywhere.transaction() as tx:
        patch = OrganizationPatch.parse({"trusted_device_days": 30, "account_deletion": True})
        await organizations.update(tx, SYSTEM, home.slug, patch)

    async def is_seen() -> bool:
        return (await resolve.resolve(runtime, home.slug)).organization.account_deletion

    await eventually(is_seen)
    user, totp = await person_with_totp(runtime, pg, "ABCD2345", slug=home.slug)
    held = Authenticator(runtime.settings.issuer_base_url)
    owner = Owner(
        runtime, pg, http, other, home, user, totp, held, "", connection=new_id(),
    )  # fmt: skip
    await runtime.storage.everywhere.users.update(user.id, home.id, {"email_verified": True})
    await choose(pg, user, None)
    await _sign_in(owner, other)
    await choose(pg, user, "totp")
    await _sign_in(owner, http, trust_device="1")
    owner.passkey = await give_passkey(runtime, user, held)
    await _link_one(owner)
    await http.post(
        owner.page("email"), data={"_csrf": await owner.csrf(), "email": "first@new.example"}
    )
    return owner


async def _sign_in(owner: Owner, http: httpx.AsyncClient, **more: str) -> None:
    """Sign in at the client, which gets its tokens."""
    asked = {"client_id": owner.home.client_id, "scope": "openid offline_access"}
    begun = await http.get(f"/{owner.home.slug}/auth", params=parameters(**asked))
    path = begun.headers["Location"]
    answer = await submit(http, path, email=owner.user.email)
    if answer.headers.get("Location") == path:
        code = owner.totp.generate_otp(int(owner.runtime.clock() // 30))
        form = {"_csrf": await csrf(http, path), "method": "totp", "code": code, **more}
        answer = await http.post(f"{path}/two-factor", data=form)
    answer = await http.get(answer.headers["Location"])
    slug, client_id = owner.home.slug, owner.home.client_id
    tokens = await redeem_at(http, answer.headers["Location"], slug, client_id=client_id)
    assert "refresh_token" in tokens, tokens


async def _link_one(owner: Owner) -> None:
    storage = owner.runtime.storage.everywhere
    connection = Connection(
        id=owner.connection, organization_id=owner.home.id, provider="github", name="GitHub",
        issuer="https://github.com", client_id="x",
    )  # fmt: skip
    await storage.connections.insert(connection)
    await storage.identities.add(
        connection.id, owner.home.id, user_id=owner.user.id, issuer=connection.issuer,
        subject=new_id(), email=None,
    )  # fmt: skip

    async def is_known() -> bool:
        return bool(await owner.runtime.connections(owner.home.id))

    await eventually(is_known)


async def _kept(owner: Owner) -> str:
    """Return all that is kept of a person and that a form of theirs may change."""
    rows = await owner.pg.fetch(
        """
        SELECT 'user', to_jsonb(u) - 'last_login_at' FROM users u WHERE id = %(id)s
        UNION ALL SELECT 'totp', to_jsonb(t) FROM user_totp t WHERE user_id = %(id)s
        UNION ALL SELECT 'code', to_jsonb(t) FROM two_factor_recovery_codes t
            WHERE user_id = %(id)s
        UNION ALL SELECT 'passkey', to_jsonb(t) FROM passkeys t WHERE user_id = %(id)s
        UNION ALL SELECT 'device', to_jsonb(t) FROM trusted_devices t WHERE user_id = %(id)s
        UNION ALL SELECT 'identity', to_jsonb(t) FROM identities t WHERE user_id = %(id)s
        UNION ALL SELECT 'family', to_jsonb(t) FROM token_families t WHERE account_id = %(id)s
        UNION ALL SELECT 'change', to_jsonb(t) FROM artifacts t
            WHERE account_id = %(id)s AND kind IN ('EmailChange', 'FormerAddresses')
        UNION ALL SELECT 'session', jsonb_build_array(uid, consumed_at) FROM sessions
            WHERE account_id = %(id)s
        UNION ALL SELECT 'mail', to_jsonb(count(*)) FROM jobs
            WHERE payload ->> 'user_id' = %(id)s::text
        UNION ALL SELECT 'done', to_jsonb(count(*)) FROM audit_log WHERE actor_id = %(id)s
            AND event_type NOT LIKE 'rate_limit.%%'
        ORDER BY 1, 2
        """,
        {"id": owner.user.id},
    )
    return str(rows)


async def _send(
    owner: Owner, name: str, form: dict[str, str], by: httpx.AsyncClient | None = None
) -> httpx.Response:
    section, below, _ = FORMS[name]
    return await (by or owner.http).post(owner.page(section, below), data=form)


@pytest.mark.parametrize("name", FORMS)
async def test_its_owner_does_what_it_says(owner: Owner, name: str) -> None:
    form = await FORMS[name][2](owner)
    before = await _kept(owner)
    done = await _send(owner, name, {"_csrf": await owner.csrf(), **form})
    if name == "way to a provider":  # what is asked for there is kept for the way alone
        assert done.headers["Location"].startswith("https://github.com/"), done.text
    else:
        assert await _kept(owner) != before, done.text
    assert ("Content-Disposition" in done.headers) == (name == "data")


async def _nothing(owner: Owner) -> None:
    del owner


async def _signs_in_anew(owner: Owner) -> None:
    """The session is another one then, of the same person in the same browser."""
    await _session_ends(owner)
    _forget_session(owner)
    await _sign_in(owner, owner.http)


def _forget_session(owner: Owner) -> None:
    for each in [each for each in owner.http.cookies.jar if each.name.startswith("session_")]:
        owner.http.cookies.delete(each.name, each.domain, each.path)


def _is(status: str) -> Callable[[Owner], Awaitable[None]]:
    async def made(owner: Owner) -> None:
        await owner.pg.execute(
            "UPDATE users SET status = %(status)s WHERE id = %(id)s",
            {"status": status, "id": owner.user.id},
        )

    return made


async def _session_ends(owner: Owner) -> None:
    await owner.pg.execute(
        "UPDATE sessions SET consumed_at = now() WHERE uid = %(uid)s",
        {"uid": await owner.own_session()},
    )


async def _organization_stops(owner: Owner) -> None:
    async with owner.runtime.storage.everywhere.transaction() as tx:
        await organizations.suspend(tx, SYSTEM, owner.home.slug)

    async def is_seen() -> bool:
        return (await owner.http.get(owner.page("language"))).status_code == 403

    await eventually(is_seen)


@dataclass(frozen=True)
class Refusal:
    """What has happened since a page was shown, and how its forms are answered."""

    happens: Callable[[Owner], Awaitable[None]]
    status: int
    leads_to: str = ""
    csrf: str | None = None
    """What the form says it is, where that is not what the page said."""


REFUSALS = {
    "no value": Refusal(_nothing, 403, csrf=""),
    "a made-up value": Refusal(_nothing, 403, csrf="x" * 43),
    "a page of before": Refusal(_signs_in_anew, 403),
    "locked": Refusal(_is("locked"), 303, "/account/"),
    "suspended": Refusal(_is("suspended"), 303, "/account/"),
    "inactive": Refusal(_is("inactive"), 303, "/account/"),
    "session ended": Refusal(_session_ends, 303, "/account/"),
    "organization suspended": Refusal(_organization_stops, 403),
}


async def _refused_everywhere(
    owner: Owner, forms: dict[str, dict[str, str]], wanted: Refusal,
    by: httpx.AsyncClient | None = None,
) -> None:  # fmt: skip
    before = await _kept(owner)
    for name, form in forms.items():
        answer = await _send(owner, name, form, by)
        assert answer.status_code == wanted.status, (name, answer.text)
        assert wanted.leads_to in answer.headers.get("Location", ""), name
        assert "Content-Disposition" not in answer.headers
        assert await _kept(owner) == before, name


async def _shown(owner: Owner, names: Iterable[str] = FORMS) -> dict[str, dict[str, str]]:
    """Return the forms as their pages show them now, filled in."""
    value = await owner.csrf()
    return {name: {"_csrf": value, **await FORMS[name][2](owner)} for name in names}


@pytest.mark.parametrize("why", REFUSALS)
async def test_nothing_is_done_for_whoever_is_not_its_owner_by_then(owner: Owner, why: str) -> None:
    wanted = REFUSALS[why]
    forms = await _shown(owner)
    if wanted.csrf is not None:
        for form in forms.values():
            form["_csrf"] = wanted.csrf
    await wanted.happens(owner)
    await _refused_everywhere(owner, forms, wanted)


async def test_nothing_is_done_in_another_browser(owner: Owner) -> None:
    """Neither of the same person, nor with the cookie of the session alone."""
    forms = await _shown(owner)
    await _refused_everywhere(owner, forms, Refusal(_nothing, 403), owner.elsewhere)
    stolen = {
        each.name: each.value or "" for each in owner.http.cookies.jar if "session" in each.name
    }
    assert stolen
    cookie = "; ".join(f"{name}={value}" for name, value in stolen.items())
    async with httpx.AsyncClient(
        base_url=owner.http.base_url, timeout=20, headers={"Cookie": cookie}
    ) as thief:
        await _refused_everywhere(owner, forms, Refusal(_nothing, 303, "/account/"), thief)


async def test_everything_asks_for_a_sign_in_that_is_not_long_ago(owner: Owner) -> None:
    forms = await _shown(owner)
    with clock_ahead(owner.runtime) as ahead:
        ahead.append(account_visits.RECENT + 1)
        await _refused_everywhere(owner, forms, Refusal(_nothing, 303, "/interaction/"))


async def test_everything_asks_whoever_a_trusted_device_let_in_for_the_factor(
    owner: Owner,
) -> None:
    _forget_session(owner)
    begun = await owner.home.begin(owner.http)
    posted = await submit(owner.http, begun, email=owner.user.email)
    assert "/auth/" in posted.headers["Location"], "no second factor was asked for"
    forms = await _shown(owner, FORMS.keys() - {"app", "passkey added"})
    await _refused_everywhere(owner, forms, Refusal(_nothing, 303, "/interaction/"))


@pytest.mark.parametrize("why", ["suspended", "ended"])
async def test_nothing_is_done_for_who_is_stopped_while_it_is_on_the_way(
    owner: Owner, why: str
) -> None:
    """The request was let in, and waits for the person whom somebody else holds."""
    session = await owner.own_session()
    for name in HELD:
        form, before = (await _shown(owner, [name]))[name], await _kept(owner)
        for _ in range(5):
            answer = await _stopped_meanwhile(owner, name, form, why)
            await owner.pg.execute(
                "UPDATE users SET status = 'active' WHERE id = %(id)s", {"id": owner.user.id}
            )
            await owner.pg.execute(
                "UPDATE sessions SET consumed_at = NULL WHERE uid = %(uid)s", {"uid": session}
            )
            if answer.status_code != 503:  # a machine so busy that nobody waits so long
                break
        assert answer.status_code == 303, (name, answer.text)
        assert "/account/" in answer.headers["Location"], name
        assert "told=" not in answer.headers["Location"], name
        assert _without_version(await _kept(owner)) == _without_version(before), name


async def _stopped_meanwhile(
    owner: Owner, name: str, form: dict[str, str], why: str
) -> httpx.Response:
    async with owner.runtime.storage.everywhere.transaction() as tx:
        assert await tx.users.find(owner.user.id, hold=True) is not None
        waiting = asyncio.create_task(_send(owner, name, form))

        async def waits_or_is_done() -> bool:
            await tx.users.find(owner.user.id)  # the server ends a transaction that is long idle
            return waiting.done() or await somebody_waits(owner.pg)

        await eventually(waits_or_is_done)
        if why == "suspended":
            key = owner.user.id, owner.home.id
            assert await tx.users.set_status(*key, "suspended", expected="active")
        else:
            await _session_ends(owner)
    return await waiting


def _without_version(kept: str) -> str:
    """What the change of the status itself writes is none of the form's."""
    return re.sub(r'"(version|updated_at)": [^,}]+', "", kept)
