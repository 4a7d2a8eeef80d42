"""Invitations: a link that is good once, and a mail that says so in the person's language."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import uuid4

import pytest
import pytest_asyncio

from porta.audit.actors import SYSTEM, Actor
from porta.emails.message import Letter
from porta.emails.post import SEND_MAIL
from porta.errors import Conflict, Forbidden, Invalid, NotFound, TooManyRequests
from porta.jobs import JOBS
from porta.runtime import Runtime
from porta.services import invitations
from porta.services.invitations import Invitation, Invited, NewInvitation
from storage.models.organizations import Brand, BrandTexts, Organization
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.porta.emails.smtp_servers import serving
from tests.porta.jobs.workers import working
from tests.world.served import settings_for
from tests.world.waiting import eventually

ISSUER = "https://id.example.com/base"
ACME = Organization(
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
ANN = User(
    id=str(uuid4()), organization_id=ACME.id, email="ann@acme.test", given_name="Ann <i>",
    locale="de-CH",
)  # fmt: skip


@pytest_asyncio.fixture
async def runtime(database_url: str, pg: Postgres) -> AsyncIterator[Runtime]:
    opened = await Runtime.open(
        settings_for(database_url, None, issuer_base_url=ISSUER, smtp_from="Porta <id@example.com>")
    )
    if await opened.storage.everywhere.organizations.find_by_id(ACME.id) is None:
        await opened.storage.everywhere.organizations.insert(ACME)
        await opened.storage.everywhere.users.insert(ANN)
    yield opened
    await opened.close()
    await pg.execute("DELETE FROM jobs; DELETE FROM invitation_tokens; DELETE FROM audit_log")


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
    try:
        with pytest.raises(Conflict, match=status):
            await invite(runtime)
    finally:
        await pg.execute("UPDATE users SET status = 'active'")


async def test_borders_and_permissions_hold(runtime: Runtime) -> None:
    with pytest.raises(Forbidden):
        await invite(runtime, Actor(permissions=frozenset({"admin:user:read"})))
    rights = frozenset({"admin:user:invite"})
    with pytest.raises(NotFound):
        await invite(runtime, Actor(permissions=rights, organization_id=str(uuid4())))
    for wrong in ({"personalMessage": "x" * 501}, {"link": "https://evil.test"}, {"locale": 1}):
        with pytest.raises(Invalid):
            await invite(runtime, **wrong)


async def test_a_preview_stores_nothing_and_leads_nowhere(runtime: Runtime, pg: Postgres) -> None:
    nobody = User(id="", organization_id=ACME.id, email="new@acme.test")
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
