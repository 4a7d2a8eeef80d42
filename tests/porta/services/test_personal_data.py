"""Personal data of one person: told whole, erased whole, and nobody else's (GDPR Art. 15, 17, 20).

Every place that a person's data is kept in holds a mark; after the purge the whole database is
searched for it.
"""

from __future__ import annotations

import secrets
from functools import partial
from uuid import uuid4

import pytest

from porta.audit.actors import SYSTEM, Actor
from porta.errors import Forbidden, NotFound
from porta.services import personal_data, user_roles
from porta.services.permissions import ADMINISTRATION, PERMISSIONS
from porta.services.user_roles import RoleIds
from storage.models.artifact import artifact_id
from storage.models.artifacts import EmailChange, FormerAddresses, FormerLetter
from storage.models.users import UserProfile
from storage.postgres.driver import Postgres
from storage.repositories.personal_data import _ROWS as ERASED
from storage.router import Storage
from tests.world.administered import make_application, make_organization, make_user

ALL = frozenset(PERMISSIONS)
OTHERWISE = {"audit_log", "ended_accounts"}
"""The trail is shortened by its own service, and an id whose sign-ins end is nothing but that."""
_OF_1X = """
CREATE TABLE IF NOT EXISTS oidc_payloads (
    id VARCHAR(255) NOT NULL, type VARCHAR(50) NOT NULL, payload JSONB NOT NULL,
    grant_id VARCHAR(255), user_code VARCHAR(255), uid VARCHAR(255), expires_at TIMESTAMPTZ,
    consumed_at TIMESTAMPTZ, created_at TIMESTAMPTZ NOT NULL DEFAULT now(), PRIMARY KEY (id, type))
"""
_FURNISH = """
INSERT INTO roles (id, application_id, name, slug) VALUES (%(role)s, %(app)s, 'Clerk', %(slug)s);
INSERT INTO user_roles (user_id, role_id) VALUES (%(user)s, %(role)s);
INSERT INTO custom_claim_definitions (id, application_id, claim_name)
    VALUES (%(claim)s, %(app)s, %(name)s);
INSERT INTO custom_claim_values (user_id, claim_id, value)
    VALUES (%(user)s, %(claim)s, to_jsonb(%(mark)s::text));
INSERT INTO user_totp (user_id, encrypted_secret, encryption_iv, encryption_tag)
    VALUES (%(user)s, %(mark)s, '', '');
INSERT INTO two_factor_otp_codes (user_id, code_hash, expires_at)
    VALUES (%(user)s, %(mark)s, now());
INSERT INTO two_factor_recovery_codes (user_id, code_hash) VALUES (%(user)s, %(mark)s);
INSERT INTO passkey_users (user_id, organization_id, handle) VALUES (%(user)s, %(home)s, %(mark)s);
INSERT INTO passkeys (organization_id, user_id, credential_id, public_key, name, backup_eligible,
    backed_up) VALUES (%(home)s, %(user)s, %(mark)s, 'k', %(mark)s, TRUE, TRUE);
INSERT INTO trusted_devices (organization_id, user_id, digest, era, user_agent, expires_at)
    VALUES (%(home)s, %(user)s, %(mark)s, 0, %(mark)s, now() + interval '1 day');
INSERT INTO connections (id, organization_id, provider, name, issuer, client_id)
    VALUES (%(claim)s, %(home)s, 'openid', %(slug)s, 'https://id.example', 'c');
INSERT INTO identities (organization_id, connection_id, user_id, issuer, subject, email)
    VALUES (%(home)s, %(claim)s, %(user)s, 'https://id.example', %(mark)s, %(mark)s);
INSERT INTO invitation_tokens (user_id, token_hash, expires_at)
    VALUES (%(user)s, %(mark)s, now());
INSERT INTO password_reset_tokens (user_id, token_hash, expires_at)
    VALUES (%(user)s, %(mark)s, now());
INSERT INTO magic_link_tokens (user_id, token_hash, expires_at)
    VALUES (%(user)s, %(mark)s, now());
INSERT INTO jobs (kind, organization_id, payload) VALUES ('send_mail', %(home)s,
    json_build_object('user_id', %(user)s::text, 'to', %(mark)s::text));
INSERT INTO jobs (kind, organization_id, payload, dead_at) VALUES ('send_mail', %(home)s,
    json_build_object('user_id', %(user)s::text, 'to', %(mark)s::text), now());
INSERT INTO sessions (id, kind, organization_id, payload, uid, account_id, expires_at)
    VALUES ('s' || %(mark)s, 'Session', %(home)s, json_build_object('user_agent', %(mark)s::text,
        'expires_at', 9e9), 'u' || %(mark)s, %(user)s, now() + interval '1 day');
INSERT INTO withdrawn_consents (account_id, client_id, withdrawn_at)
    VALUES (%(user)s, %(mark)s, now());
INSERT INTO token_families (id, organization_id, client_id, account_id, grant_id, session_uid,
    expires_at) VALUES ('f' || %(mark)s, %(home)s, 'shop', %(user)s, 'g' || %(mark)s,
    'u' || %(mark)s, now() + interval '1 day');
INSERT INTO artifacts (id, kind, organization_id, payload, grant_id, account_id, expires_at)
    VALUES ('t' || %(mark)s, 'RefreshToken', %(home)s,
        json_build_object('address', %(mark)s::text), 'g' || %(mark)s, %(user)s,
        now() + interval '1 day');
INSERT INTO artifacts (id, kind, organization_id, payload, account_id, expires_at)
    VALUES ('g' || %(mark)s, 'Grant', %(home)s, json_build_object('account_id', %(user)s::text,
        'organization_id', %(home)s::text, 'client_id', 'shop', 'session_uid', 'u' || %(mark)s,
        'created_at', 1, 'expires_at', 9e9, 'consents',
        json_build_array(json_build_object('scope', json_build_array('openid')))), %(user)s,
        now() + interval '1 day');
INSERT INTO oidc_payloads (id, type, payload) VALUES (%(mark)s, 'RefreshToken',
    json_build_object('accountId', %(user)s::text)::jsonb);
INSERT INTO admin_sessions (session_id, user_id, user_agent, expires_at)
    VALUES (%(mark)s, %(user)s, %(mark)s, now() + interval '1 day');
INSERT INTO audit_log (organization_id, user_id, event_type, event_category, ip_address,
    user_agent, metadata) VALUES (%(home)s, %(user)s, 'user.login.password', 'authentication',
    '192.0.2.7', %(mark)s, jsonb_build_object('browser', %(mark)s::text));
INSERT INTO audit_log (organization_id, actor_id, event_type, event_category, user_agent)
    VALUES (%(home)s, %(user)s, 'user.invited', 'admin', %(mark)s)
"""


async def furnished(storage: Storage, pg: Postgres, mark: str) -> UserProfile:
    """Make a person, of whom there is something at every place."""
    home = await make_organization(storage, f"o{secrets.token_hex(6)}")
    app = await make_application(storage, f"a{secrets.token_hex(6)}")
    texts = ("givenName", "familyName", "middleName", "nickname", "preferredUsername")
    person = await make_user(
        storage, home.id, f"{mark}@acme.test", **dict.fromkeys(texts, mark), gender=mark[:20],
        zoneinfo=mark[:20], phoneNumber=mark[:20], pictureUrl=f"https://acme.test/{mark}",
        profileUrl=f"https://acme.test/{mark}", websiteUrl=f"https://acme.test/{mark}",
        address={"street": mark, "locality": mark, "region": mark},
    )  # fmt: skip
    await pg.execute(_OF_1X)
    (owner,) = (await pg.fetch("SELECT current_user"))[0]
    await pg.execute(f'GRANT ALL ON oidc_payloads TO "{owner}_administrator"')
    given = {"user": person.id, "home": home.id, "app": app.id, "mark": mark}
    made = {"role": str(uuid4()), "claim": str(uuid4()), "slug": mark[:20], "name": mark}
    await pg.execute(_FURNISH, {**given, **made})
    await storage.artifacts.save(_wanted(person, f"{mark}@new.test"), 60)
    await storage.artifacts.save(_letters(person, f"{mark}@new.test"), 60)
    return person


def _wanted(person: UserProfile, address: str) -> EmailChange:
    """Return the wish of a person for another address."""
    return EmailChange(
        id=artifact_id(EmailChange.value_of(person.id)), organization_id=person.organization_id,
        account_id=person.id, session_uid="u", email=address, sent_from=person.email,
        confirmation="c", refusal="r",
    )  # fmt: skip


def _letters(person: UserProfile, address: str) -> FormerAddresses:
    """Return what is known of letters to an address that a person had."""
    letter = FormerLetter(digest="d", email=address, wanted=address, at=0, until=9e9)
    return FormerAddresses(
        id=artifact_id(FormerAddresses.value_of(person.id)),
        organization_id=person.organization_id, account_id=person.id, letters=(letter,),
    )  # fmt: skip


async def found_in(pg: Postgres, text: str) -> set[str]:
    """Return the tables that hold `text` anywhere."""
    tables = await pg.fetch(
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    found = set()
    for (table,) in tables:
        rows = await pg.fetch(
            f'SELECT 1 FROM "{table}" t WHERE t::text LIKE %(like)s LIMIT 1',
            {"like": f"%{text}%"},
        )
        found |= {table} if rows else set()
    return found


async def _invites(storage: Storage, pg: Postgres, inviter: UserProfile, name: str) -> None:
    """Leave an invitation that `inviter` sent to somebody of another organization."""
    home = await make_organization(storage, f"o{secrets.token_hex(6)}")
    guest = await make_user(storage, home.id, f"{secrets.token_hex(6)}@guest.test")
    await pg.execute(
        "INSERT INTO invitation_tokens (user_id, token_hash, expires_at, invited_by, details)"
        " VALUES (%(guest)s, %(hash)s, now(), %(by)s, jsonb_build_object('roles', '[]'::jsonb,"
        " 'inviterName', %(name)s::text))",
        {"guest": guest.id, "hash": secrets.token_hex(32), "by": inviter.id, "name": name},
    )


async def purge(storage: Storage, target: str, *, dry_run: bool = False) -> personal_data.Purged:
    async with storage.transaction() as tx:
        return await personal_data.purge(tx, SYSTEM, target, dry_run=dry_run)


async def test_nothing_of_a_purged_person_is_left_and_all_of_another_is(
    storage: Storage, pg: Postgres
) -> None:
    mark, other = f"m{secrets.token_hex(12)}", f"m{secrets.token_hex(12)}"
    person, neighbour = await furnished(storage, pg, mark), await furnished(storage, pg, other)
    for inviter, name in ((person, mark), (neighbour, other)):
        await _invites(storage, pg, inviter, name)
    everywhere = await found_in(pg, mark)
    shared = {"custom_claim_definitions"}  # it bears the mark as its name, and is an application's
    assert everywhere >= {"users", "artifacts", "sessions", "jobs", "audit_log", "oidc_payloads"}
    counted = await purge(storage, person.id, dry_run=True)
    assert await found_in(pg, mark) == everywhere
    purged = await purge(storage, person.id)
    assert (purged.counts, purged.anonymized_audit_entries) == (
        counted.counts,
        counted.anonymized_audit_entries,
    )
    assert min(count for name, count in purged.counts.items() if name != "delegations") > 0
    assert await found_in(pg, mark) == shared
    assert await found_in(pg, other) == everywhere
    assert await storage.users.find(neighbour.id) == neighbour
    ((details,),) = await pg.fetch(
        "SELECT details::text FROM invitation_tokens WHERE invited_by = %(id)s", {"id": person.id}
    )
    assert details == '{"roles": []}', "what it gives stays"
    left = await storage.users.find(person.id)
    assert left is not None
    assert (left.email, left.status) == (purged.anonymized_email, "inactive")
    ((actor, told),) = await pg.fetch(
        "SELECT actor_id, metadata #>> '{counts,sessions}' FROM audit_log"
        " WHERE user_id = %(id)s AND event_type = 'user.purged'",
        {"id": person.id},
    )
    assert (actor, told) == (None, str(purged.counts["sessions"]))


async def test_every_table_that_names_a_person_is_erased_from(pg: Postgres) -> None:
    """A table that is added with a person in it needs its line of what is erased."""
    rows = await pg.fetch(
        "SELECT table_name::text FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name IN ('user_id', 'account_id')"
    )
    erased = {table for _, table, _ in ERASED}
    assert {row[0] for row in rows} - erased == OTHERWISE


async def test_a_second_purge_finds_nothing(storage: Storage, pg: Postgres) -> None:
    person = await furnished(storage, pg, f"m{secrets.token_hex(12)}")
    first = await purge(storage, person.id)
    again = await purge(storage, person.id)
    assert sum(again.counts.values()) == 0
    assert again.anonymized_email == first.anonymized_email


async def test_all_of_a_person_is_told_but_no_secret(storage: Storage, pg: Postgres) -> None:
    mark = f"m{secrets.token_hex(12)}"
    person = await furnished(storage, pg, mark)
    await pg.execute(
        "UPDATE users SET two_factor_put_off_until = to_timestamp(4e9) WHERE id = %(id)s",
        {"id": person.id},
    )
    told = await personal_data.export(storage, SYSTEM, person.id)
    assert told.user == person
    assert told.email_change is not None
    assert told.email_change.email == f"{mark}@new.test"
    assert [each.email for each in told.letters] == [f"{mark}@new.test"]
    assert [each.user_agent for each in told.devices] == [mark]
    assert told.put_off_until == 4e9
    assert [role.role_name for role in told.roles] == ["Clerk"]
    assert [value.value for _, value in told.claims] == [mark]
    assert [grant.consents[0].scope for grant in told.grants] == [("openid",)]
    assert [each.client_id for each in told.authorizations] == ["shop"]
    assert [each.user_agent for each in told.sessions] == [mark]
    assert {each.kind for each in told.links} == {"invitation", "password_reset", "magic_link"}
    assert {each.event_type for each in told.happened} >= {"user.created", "user.login.password"}
    assert [each.event_type for each in told.done] == ["user.invited"]
    after = await personal_data.export(storage, SYSTEM, person.id)
    assert "user.exported" in {each.event_type for each in after.happened}


@pytest.mark.parametrize("missing", ["admin:user:read", "admin:role:read", "admin:claim:read"])
async def test_who_may_not_read_a_part_is_not_handed_the_whole(
    storage: Storage, pg: Postgres, missing: str
) -> None:
    person = await furnished(storage, pg, f"m{secrets.token_hex(12)}")
    with pytest.raises(Forbidden, match=missing):
        await personal_data.export(storage, Actor(permissions=ALL - {missing}), person.id)


async def test_of_another_organization_nobody_is_told_or_purged(
    storage: Storage, pg: Postgres
) -> None:
    person = await furnished(storage, pg, f"m{secrets.token_hex(12)}")
    bound = Actor(permissions=ALL, organization_id=str(uuid4()))
    for operation in (personal_data.export, personal_data.purge):
        with pytest.raises(NotFound):
            await operation(storage, bound, person.id)
        with pytest.raises(NotFound):
            await partial(operation, within=str(uuid4()))(storage, SYSTEM, person.id)
    assert await storage.users.find(person.id) == person


async def test_administrators_are_not_purged(storage: Storage, pg: Postgres) -> None:
    """Not the super-admin, nobody of that organization, and nobody who may more than who asks."""
    ((admin_home,),) = await pg.fetch("SELECT id FROM organizations WHERE is_super_admin")
    member = await make_user(storage, admin_home, f"{uuid4().hex}@admin.test")
    with pytest.raises(Forbidden, match="super-admin organization"):
        await purge(storage, member.id)
    await storage.system_config.put("super_admin_user_id", member.id, "string")
    with pytest.raises(Forbidden, match="super-admin user"):
        await purge(storage, member.id)
    person = await furnished(storage, pg, f"m{secrets.token_hex(12)}")
    application = await storage.applications.find_by_slug(ADMINISTRATION)
    if application is None:
        application = await make_application(storage, ADMINISTRATION)
    ids = {"role": str(uuid4()), "permission": str(uuid4()), "app": application.id}
    await pg.execute(
        "INSERT INTO roles (id, application_id, name, slug)"
        " VALUES (%(role)s, %(app)s, 'R', 'keeper');"
        "INSERT INTO permissions (id, application_id, name, slug)"
        " VALUES (%(permission)s, %(app)s, 'P', 'admin:key:rotate');"
        "INSERT INTO role_permissions (role_id, permission_id) VALUES (%(role)s, %(permission)s)",
        ids,
    )
    command = RoleIds.parse({"roleIds": [ids["role"]]})
    await user_roles.assign(storage, SYSTEM, person.id, command)
    with pytest.raises(Forbidden, match="may what you may not"):
        await personal_data.purge(
            storage, Actor(permissions=frozenset({"admin:user:archive"})), person.id
        )
