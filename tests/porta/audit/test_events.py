"""The audit trail: events by name and category, written where the change is written."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from porta.audit import events
from porta.audit.actors import Actor
from porta.audit.event_types import BY_CATEGORY, EVENTS
from porta.limits.origin import Origin
from storage.models.audit import ERASED
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.world.rows import build_world


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def storage(database_url: str) -> AsyncIterator[Storage]:
    opened = await Storage.open(database_url)
    yield opened.everywhere
    await opened.close()


def test_every_name_stands_once_with_a_known_category() -> None:
    assert set(EVENTS.values()) == {"admin", "gdpr", "authentication", "security", "auth"}
    listed = [name for names in BY_CATEGORY.values() for name in names]
    assert len(listed) == len(set(listed)) == len(EVENTS)
    for names in BY_CATEGORY.values():
        assert list(names) == sorted(names)


@pytest.mark.parametrize(
    ("event_type", "category"),
    [
        ("user.login.password", "authentication"),
        ("user.login.password.failed", "security"),
        ("user.consent.granted", "authentication"),
        ("user.auto_locked", "security"),
        ("rate_limit.login", "security"),
        ("org.suspended", "admin"),
        ("client.secret.generated", "admin"),
        ("user.purged", "gdpr"),
        ("2fa.recovery.used", "auth"),
    ],
)
def test_the_names_of_porta_1_keep_their_category(event_type: str, category: str) -> None:
    assert EVENTS[event_type] == category


_OF_1X = """
    2fa.challenge.started 2fa.disabled 2fa.otp.resent 2fa.otp.sent 2fa.recovery.regenerated
    2fa.recovery.used 2fa.setup.email 2fa.setup.email.complete 2fa.setup.totp.complete
    2fa.setup.totp.failed 2fa.verify.failed 2fa.verify.success admin.import app.activated
    app.archived app.created app.deactivated app.module.created app.module.deactivated
    app.module.updated app.updated auth.prompt_login.session_reset claim.defined
    claim.deleted claim.updated claim.value.deleted claim.value.set client.activated
    client.created client.deactivated client.revoked client.secret.failed
    client.secret.generated client.secret.revoked client.secret.verified client.updated
    email.send.failed email.send.success org.2fa.policyChanged org.activated org.archived
    org.branding.updated org.created org.destroyed org.restored org.suspended org.updated
    permission.created permission.deleted permission.updated rate_limit.2fa_verify
    rate_limit.login rate_limit.magic_link rate_limit.password_reset role.created
    role.deleted role.permissions.assigned role.permissions.removed role.updated
    security.login_method_disabled user.2fa.codesRegenerated user.2fa.disabled
    user.2fa.reset user.activated user.auto_locked user.auto_unlocked user.consent.denied
    user.consent.granted user.created user.deactivated user.email.verified
    user.invite.accepted user.invite.pre_assignments_applied user.invited user.locked
    user.login.magic_link user.login.password user.login.password.failed
    user.magic_link.failed user.magic_link.sent user.password.cleared user.password.set
    user.password_reset.completed user.password_reset.failed user.password_reset.requested
    user.purged user.reactivated user.roles.assigned user.roles.removed user.suspended
    user.unlocked user.updated
"""


def _documented() -> list[tuple[str, str, str]]:
    """Type, category and version of each line of the document."""
    text = (Path(__file__).parents[3] / "docs" / "audit-events.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `([\w.]+)`°? \| (\w+) \| (\d) \| ", text, re.MULTILINE)


def test_every_event_is_documented_with_its_category_and_version() -> None:
    documented = _documented()
    assert [name for name, _, _ in documented] == sorted(EVENTS), "one line each, in order"
    assert {name: category for name, category, _ in documented} == EVENTS


def test_the_document_marks_the_events_that_nothing_records_yet() -> None:
    root = Path(__file__).parents[3]
    text = (root / "docs" / "audit-events.md").read_text(encoding="utf-8")
    table = root / "porta" / "audit" / "event_types.py"
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("porta", "handlers")
        for path in sorted((root / folder).rglob("*.py"))
        if path != table
    )
    recorded = {name for name in EVENTS if f'"{name}"' in code} | {ERASED}
    marked = set(re.findall(r"^\| `([\w.]+)`° ", text, re.MULTILINE))
    assert marked == set(EVENTS) - recorded


def test_every_event_of_porta_1_is_kept() -> None:
    kept = [name for name, _, version in _documented() if version == "1"]
    assert kept == sorted(_OF_1X.split())


async def test_who_and_from_where(storage: Storage, pg: Postgres) -> None:
    world, marker = await build_world(pg), str(uuid4())
    actor = Actor(world.user.id, Origin("192.0.2.1", "curl/8", "request-1"))
    await events.record(
        storage,
        "org.updated",
        organization_id=world.organization.id,
        description=marker,
        actor=actor,
    )
    elsewhere = Origin("192.0.2.2")
    await events.record(storage, "org.updated", description=marker, actor=actor, origin=elsewhere)
    rows = await pg.fetch(
        """
        SELECT organization_id, user_id, actor_id, host(ip_address), user_agent, request_id
        FROM audit_log WHERE description = %(marker)s ORDER BY sequence
        """,
        {"marker": marker},
    )
    assert rows == [
        (world.organization.id, None, world.user.id, "192.0.2.1", "curl/8", "request-1"),
        (None, None, world.user.id, "192.0.2.2", None, None),
    ]


async def test_what_is_recorded(storage: Storage, pg: Postgres) -> None:
    marker = str(uuid4())
    await events.record(
        storage,
        "user.login.password",
        description=marker,
        metadata={"client_id": "web"},
        origin=Origin("2001:db8::1", "Mozilla/5.0"),
    )
    row = await pg.fetchrow(
        """
        SELECT event_type, event_category, host(ip_address), user_agent, metadata ->> 'client_id'
        FROM audit_log WHERE description = %(marker)s
        """,
        {"marker": marker},
    )
    assert row == ("user.login.password", "authentication", "2001:db8::1", "Mozilla/5.0", "web")


async def test_what_is_not_in_the_table_is_not_recorded(storage: Storage, pg: Postgres) -> None:
    marker = str(uuid4())
    with pytest.raises(ValueError, match=r"user\.exploded is no event"):
        await events.record(storage, "user.exploded", description=marker)
    found = await pg.fetch(
        "SELECT 1 FROM audit_log WHERE description = %(marker)s", {"marker": marker}
    )
    assert found == []


async def test_a_rolled_back_change_leaves_no_event(storage: Storage, pg: Postgres) -> None:
    marker = str(uuid4())

    async def change() -> None:
        async with storage.transaction() as tx:
            await events.record(tx, "org.created", description=marker)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await change()
    found = await pg.fetch(
        "SELECT 1 FROM audit_log WHERE description = %(marker)s", {"marker": marker}
    )
    assert found == []
