"""A row of every table that belongs to an organization, for tests of row-level security."""

from __future__ import annotations

import uuid

from storage.postgres.driver import Postgres

_SESSION = "'{}', now() + interval '1 day'"
_BY_USER = "user_id, token_hash, expires_at) VALUES (%(user)s, %(text)s, now())"
ROWS = {
    "organizations": "(id, name, slug) VALUES (%(org)s, %(text)s, %(text)s)",
    "clients": "(id, organization_id, application_id, client_id, client_name, client_type)"
    " VALUES (%(client)s, %(org)s, %(app)s, %(text)s, 'C', 'public')",
    "client_secrets": "(client_id, secret_hash) VALUES (%(client)s, 'x')",
    "users": "(id, organization_id, email) VALUES (%(user)s, %(org)s, %(text)s || '@a.test')",
    "api_resources": "(organization_id, identifier, name) VALUES (%(org)s, %(text)s, 'A')",
    "assets": "(key, organization_id, content)"
    " VALUES ('tenants/' || %(org)s || '/x', %(org)s, 'x')",
    "branding_assets": "(organization_id, asset_type, content_type, data, file_size)"
    " VALUES (%(org)s, 'logo', 'image/png', 'x', 1)",
    "artifacts": "(id, kind, organization_id, payload, expires_at)"
    f" VALUES (%(text)s, 'Grant', %(org)s, {_SESSION})",
    "sessions": "(id, kind, organization_id, payload, expires_at, uid)"
    f" VALUES (%(text)s, 'Session', %(org)s, {_SESSION}, %(text)s)",
    "token_families": "(id, organization_id, client_id, account_id, grant_id, session_uid,"
    " expires_at) VALUES (%(text)s, %(org)s, 'c', %(user)s, 'g', 's', now())",
    "audit_log": "(organization_id, event_type, event_category) VALUES (%(org)s, 'x', 'y')",
    "jobs": "(id, kind, organization_id) OVERRIDING SYSTEM VALUE VALUES (%(number)s, 'x', %(org)s)",
    "job_results": "(job_id, owner, expires_at) VALUES (%(number)s, 'x', now())",
    "ring_keys": "(organization_id, kid, algorithm, public_key, private_key)"
    " VALUES (%(org)s, %(text)s, 'RS256', 'x', 'y')",
    "magic_link_tokens": f"({_BY_USER}",
    "password_reset_tokens": f"({_BY_USER}",
    "invitation_tokens": f"({_BY_USER}",
    "user_roles": "(user_id, role_id) VALUES (%(user)s, %(role)s)",
    "custom_claim_values": "(user_id, claim_id, value) VALUES (%(user)s, %(claim)s, '1')",
    "user_totp": "(user_id, encrypted_secret, encryption_iv, encryption_tag)"
    " VALUES (%(user)s, 'x', 'y', 'z')",
    "two_factor_otp_codes": "(user_id, code_hash, expires_at) VALUES (%(user)s, 'x', now())",
    "two_factor_recovery_codes": "(user_id, code_hash) VALUES (%(user)s, 'x')",
    "passkey_users": "(user_id, organization_id, handle) VALUES (%(user)s, %(org)s, %(text)s)",
    "passkeys": "(organization_id, user_id, credential_id, public_key, name, backup_eligible,"
    " backed_up) VALUES (%(org)s, %(user)s, %(text)s, 'x', 'P', TRUE, TRUE)",
    "trusted_devices": "(organization_id, user_id, digest, era, expires_at)"
    " VALUES (%(org)s, %(user)s, %(text)s, 0, now())",
    "ended_accounts": "(account_id, ended_at) VALUES (%(user)s, now())",
    "withdrawn_consents": "(account_id, client_id, withdrawn_at) VALUES (%(user)s, 'c', now())",
    "connections": "(id, organization_id, provider, name, issuer, client_id)"
    " VALUES (%(connection)s, %(org)s, 'oidc', 'C', 'x', 'c')",
    "domains": "(id, organization_id, domain, challenge, connection_id)"
    " VALUES (%(domain)s, %(org)s, 'a.test', 'x', %(connection)s)",
    "setup_links": "(id, organization_id, token_hash, domain_id, expires_at)"
    " VALUES (%(setup)s, %(org)s, %(text)s, %(domain)s, now())",
    "identities": "(organization_id, connection_id, user_id, issuer, subject)"
    " VALUES (%(org)s, %(connection)s, %(user)s, 'x', 's')",
    "delegations": "(id, user_id, organization_id) VALUES (%(delegation)s, %(user)s, %(org)s)",
    "delegation_roles": "(delegation_id, role_id) VALUES (%(delegation)s, %(role)s)",
}
"""By table, in an order in which they can be inserted: what follows INSERT INTO."""
_SHARED = """
    INSERT INTO applications (id, name, slug) VALUES (%(app)s, 'A', 'a') ON CONFLICT DO NOTHING;
    INSERT INTO roles (id, application_id, name, slug) VALUES (%(role)s, %(app)s, 'R', 'r')
        ON CONFLICT DO NOTHING;
    INSERT INTO custom_claim_definitions (id, application_id, claim_name)
        VALUES (%(claim)s, %(app)s, 'c') ON CONFLICT DO NOTHING
"""
A, B = str(uuid.UUID(int=0xA)), str(uuid.UUID(int=0xB))


def values_of(organization_id: str) -> dict[str, str]:
    """Return what the rows of an organization hold."""
    number = uuid.UUID(organization_id).int
    own = {"client": 1, "user": 2, "delegation": 3, "connection": 7, "domain": 8, "setup": 9}
    shared = {"app": 4, "role": 5, "claim": 6}
    return {
        "org": organization_id,
        "text": f"tenant-{number:x}",
        "number": str(1_000_000 + number),
        **{name: str(uuid.UUID(int=number * 100 + n)) for name, n in own.items()},
        **{name: str(uuid.UUID(int=n)) for name, n in shared.items()},
    }


async def furnish(owner: Postgres) -> None:
    """Give two organizations a row in each table."""
    for organization_id in (A, B):
        await owner.execute(_SHARED, values_of(organization_id))
        for table, rest in ROWS.items():
            await owner.execute(f"INSERT INTO {table} {rest}", values_of(organization_id))
