"""Invitations: a link that is good once, and a mail that says so in the person's language."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from functools import partial
from uuid import uuid4

import pytest
import pytest_asyncio

from porta.audit.actors import SYSTEM, Actor
from porta.emails.message import Letter
from porta.emails.post import SEND_MAIL
from porta.errors import Conflict, Forbidden, Invalid, NotFound, TooManyRequests
from porta.jobs import JOBS
from porta.limits.origin import Origin
from porta.runtime import Runtime
from porta.services import invitation_acceptance, invitations
from porta.services.invitation_fields import Invitation, NewInvitation
from porta.services.invitations import Invited
from porta.services.welcome import Typed
from porta.tenants import resolve
from storage.models.organizations import Brand, BrandTexts
from storage.models.pages import Page
from storage.postgres.driver import Postgres
from tests import factories
from tests.porta.emails.smtp_servers import serving
from tests.porta.jobs.workers import working
from tests.world.served import settings_for
from tests.world.waiting import eventually

ISSUER = "https://id.example.com/base"
ACME = factories.organization(
    id=str(uuid4()),
    name="Acme <b>",
    slug="acme",
    branding_primary_color="#ffee00",
    branding_logo_url="https://acme.test/logo.png",
    brand=Brand(
        support_url="https://acme.test/help",
        texts=(BrandTexts(language="de", help="Hilfe & mehr"),),
    ),
)
_CHOSEN = "seven green bottles on a wall"
_WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)
ANN = factories.user(
    id=str(uuid4()), organization_id=ACME.id, email="ann@acme.test", given_name="Ann <i>",
    locale="de-CH",
)  # fmt: skip

BEN = factories.user(id=str(uuid4()), organization_id=ACME.id, email="ben@acme.test")


@pytest_asyncio.fixture
async def runtime(database_url: str, pg: Postgres) -> AsyncIterator[Runtime]:
    opened = await Runtime.open(
        settings_for(database_url, None, issuer_base_url=ISSUER, smtp_from="Porta <id@example.com>")
    )
    if await opened.storage.everywhere.organizations.find_by_id(ACME.id) is None:
        await opened.storage.everywhere.organizations.insert(ACME)
    for person in (ANN, BEN):  # as they are here, whatever an earlier test made of them
        await opened.storage.everywhere.users.insert(person)
    yield opened
    await opened.close()
    await pg.execute(
        "DELETE FROM jobs; DELETE FROM invitation_tokens; DELETE FROM audit_log;"
        "DELETE FROM user_roles; DELETE FROM users"
    )


async def invite(
    runtime: Runtime, actor: Actor = SYSTEM, email: str = ANN.email, **command: object
) -> Invited:
    async with runtime.storage.everywhere.transaction() as tx:
        asked = NewInvitation.parse({"email": email, **command})
        return await invitations.invite(tx, actor, ACME.id, asked, post=runtime.post)


async def queued(runtime: Runtime) -> Letter:
    """Return the letter that waits, and take its job away."""
    claimed = await runtime.storage.everywhere.jobs.claim([SEND_MAIL.name], lease=60.0)
    assert claimed is not None
    assert claimed.organization_id == ACME.id
    mail = SEND_MAIL.decode(claimed.payload)
    assert (mail.to, mail.template, mail.user_id) == (ANN.email, "invitation", ANN.id)
    letter = runtime.post.open(mail)
    assert letter is not None
    return letter


async def test_token_and_mail_stand_or_fall_together(runtime: Runtime, pg: Postgres) -> None:
    invited = await invite(runtime)
    letter = await queued(runtime)
    (link,) = set(re.findall(r"https://id\.example\.com\S+?(?=[\s\"<])", letter.text + letter.html))
    prefix = f"{ISSUER}/acme/auth/accept-invite/"
    assert link.startswith(prefix)
    token = link.removeprefix(prefix)
    assert len(token) == 43
    rows = await pg.fetch(
        "SELECT token_hash, user_id::text, used_at, EXTRACT(EPOCH FROM expires_at)::float8,"
        " expires_at - created_at = interval '7 days' FROM invitation_tokens"
    )
    digest = hashlib.sha256(token.encode()).hexdigest()
    assert rows == [(digest, ANN.id, None, invited.sent.expires_at, True)]
    with suppress(ZeroDivisionError):
        async with runtime.storage.everywhere.transaction() as tx:
            asked = NewInvitation(email=ANN.email)
            await invitations.invite(tx, SYSTEM, ACME.id, asked, post=runtime.post)
            raise ZeroDivisionError
    assert await pg.fetch("SELECT used_at, count(*) OVER () FROM invitation_tokens") == [(None, 1)]
    assert await runtime.storage.everywhere.jobs.claim([SEND_MAIL.name], lease=60.0) is None


async def test_the_link_is_nowhere_in_the_database(runtime: Runtime, pg: Postgres) -> None:
    await invite(runtime, personal_message="my words")
    ((payload,),) = await pg.fetch("SELECT payload FROM jobs")
    letter = await queued(runtime)
    token = letter.text.split("accept-invite/")[1].split()[0]
    for secret in (token, "my words", "accept-invite"):
        assert secret not in payload
    told = await pg.fetch("SELECT event_type, metadata::text, user_id::text FROM audit_log")
    (id,) = (await pg.fetch("SELECT id::text FROM invitation_tokens"))[0]
    nothing = f'{{"role_ids": [], "claim_ids": [], "invitation_id": "{id}"}}'
    assert told == [("user.invited", nothing, ANN.id)]
    assert runtime.post.open(SEND_MAIL.decode(payload)) == letter


async def test_a_newer_invitation_ends_the_earlier_ones(runtime: Runtime, pg: Postgres) -> None:
    for _ in range(3):
        await invite(runtime)
    ends = await pg.fetch("SELECT used_at IS NULL FROM invitation_tokens ORDER BY created_at")
    assert ends == [(False,), (False,), (True,)]


async def test_one_person_is_not_flooded(runtime: Runtime, pg: Postgres) -> None:
    for _ in range(5):
        await invite(runtime)
    with pytest.raises(TooManyRequests) as refusal:
        await invite(runtime)
    assert refusal.value.retry_after
    assert await pg.fetch("SELECT count(*) FROM jobs") == [(5,)]


async def test_it_speaks_the_language_of_the_person_and_wears_the_brand(runtime: Runtime) -> None:
    await invite(runtime, personal_message="Bis bald,\n<script>alert(1)</script>")
    letter = await queued(runtime)
    assert letter.subject == "Ihre Einladung zu Acme <b>"
    assert letter.language == "de"
    assert letter.sender_name == "Acme <b>"
    assert "Guten Tag Ann <i>," in letter.text
    assert "> Bis bald,\n> <script>alert(1)</script>" in letter.text
    assert "7 Tage" in letter.text
    assert "Hilfe & mehr" in letter.text
    assert "\n\n\n" not in letter.text
    html = letter.html
    assert '<html lang="de" dir="ltr">' in html
    assert "Ann &lt;i&gt;" in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script" not in html
    assert "<b>" not in html
    assert 'src="https://acme.test/logo.png"' in html
    assert "background:#ffee00;color:#000000" in html, "readable on the organization's colour"
    assert "https://acme.test/help" in html
    assert max(map(len, html.splitlines())) < 998 * 4


async def test_english_with_an_inviter(runtime: Runtime) -> None:
    actor = Actor(user_id=ANN.id, permissions=frozenset({"admin:user:invite"}))
    await invite(runtime, actor, locale="en")
    letter = await queued(runtime)
    assert letter.subject == "ann@acme.test invites you to Acme <b>"
    assert "ann@acme.test invites you to Acme <b>. Choose how" in letter.text


@pytest.mark.parametrize("status", ["inactive", "suspended", "locked"])
async def test_who_is_not_active_is_not_invited(
    runtime: Runtime, pg: Postgres, status: str
) -> None:
    await pg.execute("UPDATE users SET status = %(status)s", {"status": status})
    with pytest.raises(Conflict, match=status):
        await invite(runtime)


async def test_borders_and_permissions_hold(runtime: Runtime) -> None:
    with pytest.raises(Forbidden):
        await invite(runtime, Actor(permissions=frozenset({"admin:user:read"})))
    rights = frozenset({"admin:user:invite"})
    with pytest.raises(NotFound):
        await invite(runtime, Actor(permissions=rights, organization_id=str(uuid4())))
    for wrong in ({"personalMessage": "x" * 501}, {"link": "https://evil.test"}, {"locale": 1}):
        with pytest.raises(Invalid):
            await invite(runtime, **wrong)


async def _role(runtime: Runtime, application_slug: str, *permissions: str) -> dict[str, str]:
    """Make a role of an application, which is made too."""
    storage = runtime.storage.everywhere
    application = factories.application(slug=application_slug)
    found = await storage.applications.find_by_key(application_slug)
    if found is None:
        await storage.applications.insert(application)
    id = found.id if found else application.id
    role = factories.role(id)
    await storage.roles.insert(role)
    for slug in permissions:
        await storage.roles.insert_permission(granted := factories.permission(id, slug))
        await storage.roles.grant(role.id, [granted.id])
    return {"applicationId": id, "roleId": role.id}


def _rights(*permissions: str) -> frozenset[str]:
    return frozenset({"admin:user:invite", *permissions})


async def test_j2_nobody_invites_to_what_they_do_not_hold(runtime: Runtime, pg: Postgres) -> None:
    shop = await _role(runtime, "shop")
    admin = await _role(runtime, "porta-admin", "admin:org:archive")
    assigning = Actor(permissions=_rights("admin:role:assign"))
    for actor, role in ((Actor(permissions=_rights()), shop), (assigning, admin)):
        with pytest.raises(Forbidden):
            await invite(runtime, actor, roles=[role])
    claim = {"applicationId": shop["applicationId"], "claimDefinitionId": ANN.id, "value": 1}
    with pytest.raises(Forbidden, match="admin:claim:update"):
        await invite(runtime, assigning, claims=[claim])
    assert await pg.fetch("SELECT count(*) FROM invitation_tokens") == [(0,)]
    await invite(runtime, assigning, roles=[shop])
    holding = Actor(permissions=_rights("admin:role:assign", "admin:org:archive"))
    await invite(runtime, holding, roles=[admin])
    ((details, sent_to),) = await pg.fetch(
        "SELECT details::text, sent_to::text FROM invitation_tokens WHERE used_at IS NULL"
    )
    assert (json.loads(details), sent_to) == ({"roles": [admin]}, ANN.email)


async def test_who_sends_it_once_more_has_to_hold_it_too(runtime: Runtime) -> None:
    role = await _role(runtime, "shop")
    sent = (await invite(runtime, roles=[role])).sent
    again = partial(invitations.resend, organization_id=ACME.id, target=sent.id, post=runtime.post)
    with pytest.raises(Forbidden):
        async with runtime.storage.everywhere.transaction() as tx:
            await again(tx, Actor(permissions=_rights()))
    await runtime.storage.everywhere.roles.delete(role["roleId"])
    async with runtime.storage.everywhere.transaction() as tx:
        await again(tx, Actor(permissions=_rights()))
    page = Page(limit=10, sort="created_at", order="desc")
    (left,) = (await runtime.storage.everywhere.invitations.list_page(ACME.id, page)).rows
    assert left.details.roles == (), "what was deleted since is left out"


async def test_who_may_more_is_not_invited_by_who_may_less(runtime: Runtime) -> None:
    chief = await runtime.storage.everywhere.users.insert(
        factories.user(id=str(uuid4()), organization_id=ACME.id, email="chief@acme.test")
    )
    assert chief is not None
    role = await _role(runtime, "porta-admin", "admin:key:rotate")
    await runtime.storage.everywhere.user_roles.assign(chief.id, ACME.id, [role["roleId"]])
    with pytest.raises(Forbidden, match="what you may not"):
        await invite(runtime, Actor(permissions=_rights()), chief.email)


async def test_an_inviter_and_an_address_have_limits_of_their_own(
    runtime: Runtime, pg: Postgres
) -> None:
    client = str(uuid4())
    inviter = Actor(permissions=_rights(), client_id=client)
    await pg.execute(
        "INSERT INTO invitation_tokens (user_id, token_hash, expires_at, used_at,"
        " invited_by_client) SELECT %(user)s, 'h' || n, now(), now(), %(client)s"
        " FROM generate_series(1, 199) n",
        {"user": ANN.id, "client": client},
    )
    await pg.execute("UPDATE invitation_tokens SET user_id = %(other)s", {"other": BEN.id})
    await invite(runtime, inviter)
    with pytest.raises(TooManyRequests, match="you sent"):
        await invite(runtime, inviter)
    await pg.execute(
        "UPDATE invitation_tokens SET organization_id = %(id)s WHERE invited_by_client = %(by)s",
        {"id": str(uuid4()), "by": client},
    )
    await invite(runtime, inviter)  # what they sent elsewhere is no matter of this organization
    elsewhere = factories.organization(id=str(uuid4()), slug="elsewhere")
    await runtime.storage.everywhere.organizations.insert(elsewhere)
    twin = factories.user(id=str(uuid4()), organization_id=elsewhere.id, email=ANN.email)
    await runtime.storage.everywhere.users.insert(twin)
    await pg.execute(
        "INSERT INTO invitation_tokens (user_id, token_hash, expires_at)"
        " SELECT %(user)s, 'i' || n, now() FROM generate_series(1, 9) n",
        {"user": twin.id},
    )
    with pytest.raises(TooManyRequests, match="this address"):
        await invite(runtime)


async def test_two_who_invite_a_new_person_at_once_make_one(runtime: Runtime, pg: Postgres) -> None:
    made = await asyncio.gather(
        *(invite(runtime, email="twin@acme.test", given_name="T") for _ in range(4))
    )
    assert sorted(each.created for each in made) == [False, False, False, True]
    assert len({each.user.id for each in made}) == 1
    alive = "SELECT count(*) FROM invitation_tokens WHERE used_at IS NULL"
    assert await pg.fetch(alive) == [(1,)]


async def test_parallel_invitations_do_not_outrun_the_limit(runtime: Runtime, pg: Postgres) -> None:
    told = await asyncio.gather(*(invite(runtime) for _ in range(12)), return_exceptions=True)
    refused = [each for each in told if isinstance(each, TooManyRequests)]
    assert len(refused) == 7, told
    assert await pg.fetch("SELECT count(*) FROM jobs") == [(5,)]


async def test_sent_once_more_while_it_is_accepted_one_waits_for_the_other(
    runtime: Runtime, pg: Postgres
) -> None:
    invited = await invite(runtime)
    token = re.findall(r"/accept-invite/(\S+)", (await queued(runtime)).text)[0]

    async def accept(there: Runtime) -> None:
        tenant = await resolve.resolve(there, ACME.slug)
        typed = Typed({"family_name": "Lee"}, _CHOSEN, _CHOSEN)
        await invitation_acceptance.accept(there, tenant, token, typed, Origin("127.0.0.1"))

    async def resend() -> None:
        async with runtime.storage.everywhere.transaction() as tx:
            await invitations.resend(tx, SYSTEM, ACME.id, invited.sent.id, post=runtime.post)

    async def waiting(number: int) -> bool:
        return await pg.fetch(_WAITING) == [(number,)]

    another = await Runtime.open(runtime.settings)
    async with asyncio.TaskGroup() as begun, runtime.storage.everywhere.transaction() as tx:
        await tx.users.find(ANN.id, hold=True)
        first = begun.create_task(accept(another))
        await eventually(partial(waiting, 1))
        second = begun.create_task(_outcome(resend()))
        await eventually(partial(waiting, 2))
    await another.close()
    assert (first.exception(), second.result()) == (None, "Invitation not found")


async def _outcome(work: Awaitable[None]) -> str:
    try:
        await work
    except NotFound as refusal:
        return refusal.message
    return "done"


async def test_one_of_1x_is_listed_with_its_organization(runtime: Runtime, pg: Postgres) -> None:
    await pg.execute(
        "INSERT INTO invitation_tokens (user_id, token_hash, expires_at, details)"
        " VALUES (%(user)s, 'x', now() + interval '1 day', '{\"personalMessage\": \"Hi\"}')",
        {"user": ANN.id},
    )
    page = Page(limit=10, sort="created_at", order="desc")
    (found,) = (await runtime.storage.everywhere.invitations.list_page(ACME.id, page)).rows
    assert (found.email, found.details.personal_message) == (ANN.email, "Hi")


async def test_a_preview_stores_nothing_and_leads_nowhere(runtime: Runtime, pg: Postgres) -> None:
    nobody = factories.user(id="", organization_id=ACME.id, email="new@acme.test")
    letter = await invitations.preview(
        runtime.storage.everywhere, SYSTEM, ACME.id, nobody, Invitation(), post=runtime.post
    )
    assert "/auth/accept-invite/PREVIEW_TOKEN" in letter.text
    assert "Hello,\n" in letter.text
    for table in ("jobs", "invitation_tokens", "audit_log"):
        assert await pg.fetch(f"SELECT count(*) FROM {table}") == [(0,)]


async def test_a_worker_sends_it_and_tells_the_audit_trail(
    database_url: str, runtime: Runtime, pg: Postgres
) -> None:
    async with serving() as (caught, server):
        sending = await Runtime.open(
            settings_for(
                database_url, None, issuer_base_url=ISSUER, smtp_from="Porta <id@example.com>",
                smtp_host=server.host, smtp_port=server.port,
            )
        )  # fmt: skip
        try:
            async with working(sending, *JOBS):
                await invite(runtime)

                async def done() -> bool:
                    return await pg.fetch("SELECT payload FROM jobs WHERE done_at IS NOT NULL") == [
                        ("{}",)
                    ]

                await eventually(done, 30.0)
                caught.rcpt = "550 5.1.1 <{address}> unknown"
                await invite(runtime)

                async def dead() -> bool:
                    return bool(await pg.fetch("SELECT 1 FROM jobs WHERE dead_at IS NOT NULL"))

                await eventually(dead, 30.0)
                caught.rcpt = "450 4.2.1 busy"
                await invite(runtime)

                async def waits() -> bool:
                    return bool(await pg.fetch("SELECT 1 FROM jobs WHERE last_error LIKE '450%'"))

                await eventually(waits, 30.0)
        finally:
            await sending.close()
    ((sender, recipients, content),) = caught.messages
    assert (sender, recipients) == ("id@example.com", ["ann@acme.test"])
    assert b"Auto-Submitted: auto-generated" in content
    told = await pg.fetch(
        "SELECT event_type, metadata ->> 'template', metadata ->> 'error' FROM audit_log"
        " WHERE event_type LIKE 'email.%' ORDER BY sequence"
    )
    assert told == [
        ("email.send.success", "invitation", None),
        ("email.send.failed", "invitation", "550 5.1.1 <…> unknown"),
    ]


async def test_what_expired_while_it_waited_is_not_sent(runtime: Runtime, pg: Postgres) -> None:
    await invite(runtime)
    clock = runtime.clock
    runtime.clock = lambda: clock() + 8 * 86400
    async with working(runtime, *JOBS):

        async def dead() -> bool:
            return bool(await pg.fetch("SELECT 1 FROM jobs WHERE last_error LIKE '%expired%'"))

        await eventually(dead, 30.0)
