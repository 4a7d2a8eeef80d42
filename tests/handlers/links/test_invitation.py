"""Invitations accepted: what a link is worth, to whom, and what whoever sent it may still give."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from handlers import app
from handlers.http.server import Server
from porta.audit.actors import Actor
from porta.runtime import Runtime
from storage.models.organizations import Organization
from storage.postgres.driver import Postgres
from tests import factories
from tests.handlers.flow import begin, submit
from tests.world.administrators import Installation, installed
from tests.world.answers import hidden_fields
from tests.world.guests import invited
from tests.world.links import post
from tests.world.log import Log
from tests.world.mail import letters_to
from tests.world.ports import free_port
from tests.world.waiting import eventually

NEW = "seven green bottles on a wall"
CHOSEN = {"password": NEW, "confirmPassword": NEW}
READY = "Your account is ready"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def installation(runtime: Runtime, server: Server) -> AsyncIterator[Installation]:
    async with installed(runtime, f"http://127.0.0.1:{server.port}/api/admin") as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def acme(runtime: Runtime) -> Organization:
    found = await runtime.storage.everywhere.organizations.find_by_slug("acme")
    assert found is not None
    return found


async def events(pg: Postgres, id: str) -> dict[str, Any]:
    rows = await pg.fetch(
        "SELECT event_type, metadata::text FROM audit_log WHERE user_id = %(id)s ORDER BY sequence",
        {"id": id},
    )
    return {event_type: msgspec.json.decode(metadata) for event_type, metadata in rows}


async def roles_of(runtime: Runtime, home: Organization, id: str) -> set[str]:
    held = await runtime.storage.everywhere.user_roles.of_user(id, home.id)
    return {role.id for role in held}


async def new_role(installation: Installation) -> dict[str, str]:
    application_id = await installation.app()
    role = factories.role(application_id)
    await installation.runtime.storage.everywhere.roles.insert(role)
    return {"applicationId": application_id, "roleId": role.id}


async def new_claim(installation: Installation) -> dict[str, Any]:
    application_id = await installation.app()
    body = {"claimName": "level", "claimType": "number"}
    made = await installation.post(f"/applications/{application_id}/claims", body)
    return {"applicationId": application_id, "claimDefinitionId": made["id"], "value": 7}


async def test_one_press_makes_an_account(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, acme: Organization,
    installation: Installation,
) -> None:  # fmt: skip
    role, claim = await new_role(installation), await new_claim(installation)
    admin = installation.made.user
    actor = Actor(user_id=admin.id, permissions=frozenset({
        "admin:user:invite", "admin:role:assign", "admin:claim:update",
    }))  # fmt: skip
    guest = await invited(runtime, pg, acme, actor, roles=[role], claims=[claim], clientId="web")
    page = await http.get(guest.link)
    for words in ("You are invited to", "Acme Ltd.", guest.email, admin.email, "First name"):
        assert words in page.text
    assert await roles_of(runtime, acme, guest.id) == set()
    done = await post(http, guest.link, **CHOSEN, given_name="Ann", family_name=" Lee ")
    assert (done.status_code, READY in done.text) == (200, True), done.text
    assert 'href="https://app.example/"' in done.text, "to the client"
    assert not [name for name in http.cookies if "session" in name], "it does not sign in"
    user = await runtime.storage.everywhere.users.find(guest.id)
    assert user is not None
    assert (user.status, user.email_verified) == ("active", True)
    assert (user.given_name, user.family_name) == ("Ann", "Lee")
    assert await roles_of(runtime, acme, guest.id) == {role["roleId"]}
    ((_, value),) = await runtime.storage.everywhere.claims.of_user(guest.id, acme.id)
    assert value.value == 7
    signed_in = await submit(http, await begin(http), email=guest.email, password=NEW)
    assert signed_in.status_code == 303
    told = await events(pg, guest.id)
    assert told["user.invite.accepted"]["password"] is True
    applied = told["user.invite.pre_assignments_applied"]
    assert applied == {
        "role_ids": [role["roleId"]], "claim_ids": [claim["claimDefinitionId"]], "left_out": [],
    }  # fmt: skip
    ((assigned_by,),) = await pg.fetch(
        "SELECT assigned_by::text FROM user_roles WHERE user_id = %(id)s", {"id": guest.id}
    )
    assert assigned_by == admin.id
    (welcome, _) = await letters_to(runtime, pg, guest.id)
    assert welcome.subject == "Welcome to Acme Ltd."
    for part in (welcome.text, welcome.html):
        assert guest.email in part
        assert "https://app.example/" in part
        assert NEW not in part


async def test_a_link_is_good_once_and_a_newer_one_ends_it(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, acme: Organization
) -> None:
    older = await invited(runtime, pg, acme)
    newer = await invited(runtime, pg, acme, email=older.email)
    over = await http.get(older.link)
    assert (over.status_code, "no longer good" in over.text) == (400, True)
    assert "ask whoever invited you" in over.text
    assert READY in (await post(http, newer.link, **CHOSEN)).text
    again = await post(http, newer.link, password="another one of mine", confirmPassword="")
    assert again.status_code in (400, 403)
    assert (await http.get(newer.link)).status_code == 400


async def test_of_fifty_uses_at_two_servers_one_succeeds(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, acme: Organization
) -> None:
    guest = await invited(runtime, pg, acme)
    form = hidden_fields((await http.get(guest.link)).text) | CHOSEN
    async with another_server(runtime) as url:
        tries = (
            http.post(f"{url if n % 2 else ''}{guest.link}", data=form, headers=_cookies(http))
            for n in range(50)
        )
        tried = await asyncio.gather(*tries)
    assert len([each for each in tried if READY in each.text]) == 1
    assert {each.status_code for each in tried} <= {200, 400, 429, 503}
    rows = "SELECT count(*) FROM audit_log WHERE user_id = %(id)s AND event_type = %(type)s"
    key = {"id": guest.id, "type": "user.invite.accepted"}
    assert await pg.fetch(rows, key) == [(1,)]
    assert len(await letters_to(runtime, pg, guest.id)) == 2, "the invitation, and one welcome"


@asynccontextmanager
async def another_server(runtime: Runtime) -> AsyncIterator[str]:
    """Serve the same databases from another runtime, on another port."""
    port = free_port()
    settings = runtime.settings.model_copy(update={"port": port})
    opened = await Runtime.open(settings)
    started = await app.start(opened, settings)
    yield f"http://127.0.0.1:{port}"
    await started.stop()
    await opened.close()


def _cookies(http: httpx.AsyncClient) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in http.cookies.items())}


async def test_scanners_and_forged_forms_use_nothing_up(
    runtime: Runtime, http: httpx.AsyncClient, server: Server, pg: Postgres, acme: Organization
) -> None:
    guest = await invited(runtime, pg, acme)
    async with httpx.AsyncClient(base_url=http.base_url, timeout=20) as scanner:
        for _ in range(3):
            assert (await scanner.get(guest.link)).status_code == 200
            assert (await scanner.head(guest.link)).status_code == 200
        seen = hidden_fields((await scanner.get(guest.link)).text)
    for form in ({}, {"_csrf": "x" * 43}, seen):
        forged = await http.post(guest.link, data={**form, **CHOSEN})
        assert forged.status_code == 403, "of no browser, or of another"
    assert READY in (await post(http, guest.link, **CHOSEN)).text


async def test_g8_its_address_is_told_to_nobody(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, acme: Organization, log: Log
) -> None:
    guest = await invited(runtime, pg, acme)
    for answer in (
        await http.get(guest.link), await http.head(guest.link),
        await http.post(guest.link, data={}), await http.get(guest.link + "x"),
        await post(http, guest.link, password="x"), await http.put(guest.link),
        await post(http, guest.link, **CHOSEN), await http.get(guest.link),
    ):  # fmt: skip
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "https:" not in answer.headers["Content-Security-Policy"]
    written = log.text()
    assert guest.link.rpartition("/")[2] not in written
    assert NEW not in written


async def test_everything_that_is_wrong_is_told_at_once_and_costs_no_link(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, acme: Organization
) -> None:
    guest = await invited(runtime, pg, acme)
    weak = await post(
        http, guest.link, password="password", confirmPassword="passwort",
        given_name="Ann\u202e", family_name="Lee <b>",
    )  # fmt: skip
    for words in (
        "too short", "first that are tried", "not the same", "A name cannot", "Lee &lt;b&gt;",
    ):  # fmt: skip
        assert words in weak.text, words
    made_of_names = "Quentin Quentin Quentin"
    names = {"given_name": "Quentin", "password": made_of_names, "confirmPassword": made_of_names}
    assert "made of names" in (await post(http, guest.link, **names)).text
    huge = "n" * 300
    assert "A name cannot" in (await post(http, guest.link, **CHOSEN, given_name=huge)).text
    auf_deutsch = await post(http, f"{guest.link}?lang=de", password="x", confirmPassword="x")
    assert "zu kurz" in auf_deutsch.text
    assert "Ihr Konto ist bereit" in (await post(http, guest.link, **CHOSEN)).text


async def test_a_password_that_is_there_stays(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, acme: Organization,
    installation: Installation,
) -> None:  # fmt: skip
    role = await new_role(installation)
    mine = "an old password of my own"
    person = factories.user(
        id=factories.new_id(), organization_id=acme.id, email="old@guest.example",
        password_hash=await runtime.passwords.hash(mine),
    )  # fmt: skip
    await runtime.storage.everywhere.users.insert(person)
    guest = await invited(runtime, pg, acme, email=person.email, roles=[role])
    page = await http.get(guest.link)
    assert 'type="password"' not in page.text
    assert "the way you are used to" in page.text
    done = await post(http, guest.link, **CHOSEN, given_name="Mallory")
    assert READY in done.text
    stored = await runtime.storage.everywhere.users.find(person.id)
    assert stored is not None
    assert (stored.password_hash, stored.given_name) == (person.password_hash, person.given_name)
    assert await roles_of(runtime, acme, person.id) == {role["roleId"]}


async def test_j2_what_the_inviter_may_not_give_by_then_is_left_out_and_told(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, acme: Organization,
    installation: Installation,
) -> None:  # fmt: skip
    storage = runtime.storage.everywhere
    kept, gone, claim = (
        await new_role(installation), await new_role(installation), await new_claim(installation),
    )  # fmt: skip
    inviter = await installation.person_with(
        "admin:user:invite", "admin:role:assign", "admin:claim:update"
    )
    rights = frozenset({"admin:user:invite", "admin:role:assign", "admin:claim:update"})
    actor = Actor(user_id=inviter.id, permissions=rights)
    carried = {"roles": [kept, gone], "claims": [claim]}
    guest = await invited(runtime, pg, acme, actor, **carried)
    await storage.roles.delete(gone["roleId"])
    await pg.execute(
        "DELETE FROM role_permissions WHERE permission_id IN"
        " (SELECT id FROM permissions WHERE slug = 'admin:claim:update') AND role_id IN"
        " (SELECT role_id FROM user_roles WHERE user_id = %(id)s)",
        {"id": inviter.id},
    )
    done = await post(http, guest.link, **CHOSEN)
    assert (READY in done.text, "Some of what was meant for you" in done.text) == (True, True)
    assert await roles_of(runtime, acme, guest.id) == {kept["roleId"]}
    assert (await events(pg, guest.id))["user.invite.pre_assignments_applied"] == {
        "role_ids": [kept["roleId"]],
        "claim_ids": [],
        "left_out": [
            {"kind": "role", "id": gone["roleId"], "reason": "not_found"},
            {"kind": "claim", "id": claim["claimDefinitionId"], "reason": "forbidden"},
        ],
    }


@pytest.mark.parametrize("how", ["suspended", "deleted", "delegated elsewhere"])
async def test_j2_who_administers_no_more_gives_nothing(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, acme: Organization,
    installation: Installation, how: str,
) -> None:  # fmt: skip
    role = await new_role(installation)
    rights = ("admin:user:invite", "admin:role:assign")
    inviter = await installation.person_with(*rights)
    actor = Actor(user_id=inviter.id, permissions=frozenset(rights))
    guest = await invited(runtime, pg, acme, actor, roles=[role])
    if how == "suspended":
        await installation.post(f"/users/{inviter.id}/suspend", {})
    elif how == "deleted":
        await pg.execute("DELETE FROM users WHERE id = %(id)s", {"id": inviter.id})
    else:
        other = await installation.organization()
        await installation.delegate(other.id, "porta-super-admin", user=inviter)
    done = await post(http, guest.link, **CHOSEN)
    assert (READY in done.text, "Some of what was meant for you" in done.text) == (True, True)
    assert await roles_of(runtime, acme, guest.id) == set()


async def test_a_link_is_worth_nothing_at_another_address_organization_or_hour(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, acme: Organization
) -> None:
    guest = await invited(runtime, pg, acme)
    assert (await http.get(guest.link.replace("/acme/", "/globex/"))).status_code == 400
    move = "UPDATE users SET email = %(email)s WHERE id = %(id)s"
    await pg.execute(move, {"email": "x" + guest.email, "id": guest.id})
    assert (await http.get(guest.link)).status_code == 400
    await pg.execute(move, {"email": guest.email, "id": guest.id})
    for status, answered in (("suspended", 400), ("inactive", 400), ("active", 200)):
        await pg.execute(
            "UPDATE users SET status = %(status)s WHERE id = %(id)s",
            {"status": status, "id": guest.id},
        )
        assert (await http.get(guest.link)).status_code == answered
    for token in ("x", "%00" * 20, secrets.token_urlsafe(32), "a" * 5000):
        unknown = await http.get(f"/acme/auth/accept-invite/{token}")
        assert unknown.status_code in (400, 404, 414)
    await pg.execute(
        "UPDATE invitation_tokens SET expires_at = now() WHERE id = %(id)s",
        {"id": guest.invitation_id},
    )
    assert (await http.get(guest.link)).status_code == 400


async def test_what_was_taken_back_says_what_to_do(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, acme: Organization,
    installation: Installation,
) -> None:  # fmt: skip
    guest = await invited(runtime, pg, acme)
    path = f"/organizations/{acme.id}/invitations/{guest.invitation_id}"
    assert (await installation.http.delete(path)).status_code == 204
    over = await http.get(guest.link)
    assert (over.status_code, "ask whoever invited you" in over.text) == (400, True)
    assert (await events(pg, guest.id))["user.invite.revoked"] == {
        "invitation_id": guest.invitation_id
    }


async def test_a_pending_invitation_of_porta_1x_is_accepted(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, acme: Organization,
    installation: Installation,
) -> None:  # fmt: skip
    role, token = await new_role(installation), secrets.token_urlsafe(32)
    person = factories.user(
        id=factories.new_id(), organization_id=acme.id, email="ix@guest.example", password_hash=None
    )
    await runtime.storage.everywhere.users.insert(person)
    details = {"roles": [role], "claims": [], "personalMessage": "Hi", "inviterName": "boss@x.test"}
    await pg.execute(
        "INSERT INTO invitation_tokens (user_id, token_hash, expires_at, details, invited_by)"
        " VALUES (%(id)s, %(hash)s, now() + interval '7 days', %(details)s::jsonb, %(by)s)",
        {
            "id": person.id, "hash": hashlib.sha256(token.encode()).hexdigest(),
            "details": msgspec.json.encode(details).decode(), "by": installation.made.user.id,
        },
    )  # fmt: skip
    link = f"/acme/auth/accept-invite/{token}"
    assert "boss@x.test" in (await http.get(link)).text
    assert READY in (await post(http, link, **CHOSEN)).text
    assert await roles_of(runtime, acme, person.id) == {role["roleId"]}


async def test_where_nobody_has_a_password_none_is_asked_for(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres
) -> None:
    slug = f"o{secrets.token_hex(4)}"
    home = factories.organization(
        id=factories.new_id(), name=slug, slug=slug, default_login_methods=("magic_link",)
    )
    await runtime.storage.everywhere.organizations.insert(home)
    guest = await invited(runtime, pg, home, givenName="Ann")

    async def known() -> bool:
        return (await http.get(guest.link)).status_code == 200

    await eventually(known)
    page = await http.get(guest.link)
    assert ('type="password"' in page.text, "Last name" in page.text) == (False, True)
    assert READY in (await post(http, guest.link, **CHOSEN)).text
    stored = await runtime.storage.everywhere.users.find(guest.id)
    assert stored is not None
    assert (stored.password_hash, stored.email_verified) == (None, True)
