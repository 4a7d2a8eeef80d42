"""What Porta 1.6.1 does at a database: the rows it reads, the keys it loads, what it writes."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from porta.security.encryption import Encrypted, decrypt, encrypt
from storage.postgres.driver import Postgres
from tests.world.databases import run_apart

KEY = "0f" * 32
"""SIGNING_KEY_ENCRYPTION_KEY of the installation."""
SECRET = "kq3v-confidential-secret-of-the-fixture-0123456789-abcdefghijklm"
PASSWORD = "correct horse battery staple"
DOCK, SHOP = (f"00000000-0000-4000-8000-0000000000{n:02}" for n in (4, 12))
CLEO, DORA, EGON = (f"00000000-0000-4000-8000-0000000000{n}" for n in (24, 25, 26))
_SCHEMA = Path(__file__).parents[1] / "storage" / "fixtures" / "porta_1x.sql"
_ROWS = Path(__file__).parent / "porta_1x_rows.sql"

# Columns as the data model of 1.x has them; of signing keys it loads these states alone.
_TIMES = "created_at, updated_at"
READS = {
    "organizations": f"id, name, slug, status, is_super_admin, branding_logo_url,"
    f" branding_favicon_url, branding_primary_color, branding_company_name, branding_custom_css,"
    f" default_locale, two_factor_policy, default_login_methods, {_TIMES}",
    "applications": f"id, name, slug, description, status, {_TIMES}",
    "application_modules": f"id, application_id, name, slug, description, status, {_TIMES}",
    "clients": f"id, organization_id, application_id, client_id, client_name, client_type,"
    f" application_type, redirect_uris, post_logout_redirect_uris, grant_types, response_types,"
    f" scope, token_endpoint_auth_method, allowed_origins, require_pkce, status, login_methods,"
    f" {_TIMES}",
    "client_secrets": "id, client_id, secret_hash, label, expires_at, status, last_used_at,"
    " created_at, secret_sha256",
    "users": f"id, organization_id, email, email_verified, password_hash, password_changed_at,"
    f" given_name, family_name, middle_name, nickname, preferred_username, profile_url,"
    f" picture_url, website_url, gender, birthdate, zoneinfo, locale, phone_number,"
    f" phone_number_verified, address_street, address_locality, address_region,"
    f" address_postal_code, address_country, status, locked_at, locked_reason, last_login_at,"
    f" login_count, two_factor_enabled, two_factor_method, failed_login_count,"
    f" last_failed_login_at, {_TIMES}",
    "magic_link_tokens": "id, user_id, token_hash, expires_at, used_at, created_at",
    "password_reset_tokens": "id, user_id, token_hash, expires_at, used_at, created_at",
    "invitation_tokens": "id, user_id, token_hash, expires_at, used_at, created_at, details,"
    " invited_by",
    "roles": f"id, application_id, name, slug, description, {_TIMES}",
    "permissions": "id, application_id, module_id, name, slug, description, created_at",
    "role_permissions": "role_id, permission_id, created_at",
    "user_roles": "user_id, role_id, assigned_by, created_at",
    "custom_claim_definitions": f"id, application_id, claim_name, claim_type, description,"
    f" include_in_id_token, include_in_access_token, include_in_userinfo, {_TIMES}",
    "custom_claim_values": f"id, user_id, claim_id, value, {_TIMES}",
    "system_config": f"id, key, value, value_type, description, is_sensitive, {_TIMES}",
    "signing_keys": "id, kid, algorithm, public_key, status, activated_at, retired_at,"
    " expires_at, created_at",
    "audit_log": "id, organization_id, user_id, actor_id, event_type, event_category,"
    " description, metadata, ip_address, user_agent, created_at",
    "oidc_payloads": "id, type, payload, grant_id, user_code, uid, expires_at, consumed_at,"
    " created_at",
    "user_totp": f"id, user_id, encrypted_secret, encryption_iv, encryption_tag, algorithm,"
    f" digits, period, verified, {_TIMES}",
    "two_factor_otp_codes": "id, user_id, code_hash, expires_at, used_at, created_at",
    "two_factor_recovery_codes": "id, user_id, code_hash, used_at, created_at",
    "branding_assets": f"id, organization_id, asset_type, content_type, data, file_size, {_TIMES}",
    "admin_sessions": "session_id, user_id, client_id, organization_id, grant_id, ip_address,"
    " user_agent, created_at, expires_at, last_activity_at, revoked_at",
    "pgmigrations": "id, name, run_on",
}
_KEYS = {
    "role_permissions": 2,
    "user_roles": 2,
    "oidc_payloads": 2,
}
"""How many of the first columns are the key of a table, where it is not one."""


_templates: dict[Callable[..., str], str] = {}
"""The name of a database of 1.x by what makes databases: it is copied, which costs less."""


def build(create_database: Callable[..., str], *changes: str) -> str:
    """Make a database of Porta 1.6.1 with rows in every table; return its URL."""
    if create_database not in _templates:
        template = create_database()
        run_apart(_fill(template, _SCHEMA.read_text("utf-8"), _ROWS.read_text("utf-8")))
        _templates[create_database] = name_of(template)
    url = create_database(_templates[create_database])
    if changes:
        run_apart(_fill(url, *changes))
    return url


def name_of(url: str) -> str:
    """Return the name of a database, to be copied."""
    return urlsplit(url).path.removeprefix("/")


async def _fill(url: str, *changes: str) -> None:
    pg = await Postgres.open(url, 1, statement_timeout=0)
    for sql in changes:
        await pg.execute(sql)
    await pg.close()


async def read(pg: Postgres) -> dict[str, dict[tuple[Any, ...], tuple[Any, ...]]]:
    """Return every row that 1.x reads, by table and key."""
    found = {}
    for table, columns in READS.items():
        where = " WHERE status IN ('active', 'retired')" if table == "signing_keys" else ""
        columns = columns.replace(" data,", " encode(data, 'hex'),")
        rows = await pg.fetch(f"SELECT {columns} FROM {table}{where}")
        found[table] = {tuple(row[: _KEYS.get(table, 1)]): tuple(row) for row in rows}
    return found


async def load_keys(pg: Postgres) -> list[str]:
    """Do what 1.x does with signing keys at its start; return their kids, that which signs first.

    It stops where one is of no use: here an assertion fails.
    """
    rows = await pg.fetch(
        "SELECT kid, algorithm, public_key, private_key, private_key_iv, private_key_tag,"
        " encrypted FROM signing_keys WHERE status IN ('active', 'retired')"
        " AND (expires_at IS NULL OR expires_at > now()) ORDER BY activated_at DESC"
    )
    for kid, algorithm, public_key, private_key, iv, tag, encrypted in rows:
        assert algorithm == "ES256", "jwks.keys is of no use given the other configuration"
        sealed = Encrypted(private_key, iv, tag)
        pem = decrypt(sealed, bytes.fromhex(KEY)) if encrypted else private_key
        loaded = load_pem_private_key(pem.encode(), None)
        assert isinstance(loaded, EllipticCurvePrivateKey)
        assert loaded.curve.name == "secp256r1"
        assert kid == hashlib.sha256(public_key.encode()).hexdigest()[:16]
    return [row[0] for row in rows]


def encrypted_key(kid: str, public_key: str, private_key: str, activated_at: float) -> str:
    """Return the statement with which 1.x stores a key that it makes at its start."""
    sealed = encrypt(private_key, bytes.fromhex(KEY))
    return (
        "INSERT INTO signing_keys (kid, algorithm, public_key, private_key, status, activated_at,"
        f" private_key_iv, private_key_tag, encrypted) VALUES ('{kid}', 'ES256', '{public_key}',"
        f" '{sealed.ciphertext}', 'active', to_timestamp({activated_at}), '{sealed.iv}',"
        f" '{sealed.tag}', TRUE)"
    )


async def leave_refresh_token(database: Postgres, *, grant: str | None = "", **changes: Any) -> str:
    """Leave a refresh token as 1.6.1 does; return its value.

    `grant` is the scope of its grant, else that of the token; None for one that is gone.
    """
    value, now = secrets.token_urlsafe(32), int(time.time())
    row = {"type": "RefreshToken", "expires_in": 86_400, "consumed": False, "grant_expires_in": 900}
    row |= {name: changes.pop(name) for name in row.keys() & changes.keys()}
    payload = {
        "iat": now - 60, "exp": now + 86_340, "jti": value, "kind": "RefreshToken",
        "accountId": CLEO, "clientId": "dock-web", "grantId": f"grant-of-{value}"[:43],
        "gty": "authorization_code", "scope": "openid profile offline_access",
        "sessionUid": "a-session-of-1x",
        "authTime": now - 600, "nonce": "n-1x", "iiat": now - 600, "rotations": 0, "claims": {},
        **changes,
    }  # fmt: skip
    await database.execute(
        "INSERT INTO oidc_payloads (id, type, payload, grant_id, expires_at, consumed_at)"
        " VALUES (%(id)s, %(type)s, %(payload)s, %(grant)s, now() + make_interval(secs => %(ttl)s),"
        " CASE WHEN %(consumed)s THEN now() END)",
        {
            "id": value,
            "type": row["type"],
            "payload": json.dumps(payload),
            "grant": payload["grantId"],
            "ttl": row["expires_in"],
            "consumed": row["consumed"],
        },
    )
    if grant is not None:
        held = {"kind": "Grant", "openid": {"scope": grant or payload["scope"]}}
        await database.execute(
            "INSERT INTO oidc_payloads (id, type, payload, expires_at) VALUES (%(id)s, 'Grant',"
            " %(payload)s, now() + make_interval(secs => %(ttl)s)) ON CONFLICT DO NOTHING",
            {
                "id": payload["grantId"],
                "payload": json.dumps(held),
                "ttl": row["grant_expires_in"],
            },
        )
    return value


WRITES = {
    "an organization": "INSERT INTO organizations (name, slug, branding_company_name,"
    " default_locale) VALUES ('New', 'new', 'New', 'en')",
    "a suspension": "UPDATE organizations SET status = 'suspended' WHERE slug = 'acme'",
    "an application": "INSERT INTO applications (name, slug, description) VALUES ('A', 'a-new',"
    " NULL)",
    "a module": f"INSERT INTO application_modules (application_id, name, slug) VALUES ('{SHOP}',"
    " 'M', 'm-new')",
    "a client": f"INSERT INTO clients (organization_id, application_id, client_id, client_name,"
    f" client_type, application_type, redirect_uris, post_logout_redirect_uris, grant_types,"
    f" response_types, scope, token_endpoint_auth_method, allowed_origins, require_pkce,"
    f" login_methods) VALUES ('{DOCK}', '{SHOP}', 'made-by-1x', 'C', 'confidential', 'web',"
    " '{https://c.example/cb}', '{}', '{authorization_code}', '{code}', 'openid',"
    " 'client_secret_basic', '{}', TRUE, NULL)",
    "a secret": "INSERT INTO client_secrets (client_id, secret_hash, secret_sha256, label,"
    " expires_at) SELECT id, 'hash', repeat('d', 64), NULL, NULL FROM clients WHERE client_id ="
    " 'dock-web'",
    "a person": f"INSERT INTO users (organization_id, email, email_verified, password_hash,"
    f" password_changed_at, given_name) VALUES ('{DOCK}', 'new@dock.example', FALSE, NULL, NULL,"
    " 'New')",
    "a sign-in": f"UPDATE users SET last_login_at = NOW(), login_count = login_count + 1,"
    f" failed_login_count = 0, last_failed_login_at = NULL WHERE id = '{CLEO}'",
    "a wrong password": f"UPDATE users SET failed_login_count = failed_login_count + 1,"
    f" last_failed_login_at = NOW() WHERE id = '{DORA}'",
    "a lock": f"UPDATE users SET status = 'locked', locked_at = NOW(), locked_reason ="
    f" 'auto_lockout' WHERE id = '{DORA}'",
    "a password": f"UPDATE users SET password_hash = 'x', password_changed_at = NOW() WHERE id ="
    f" '{EGON}'",
    "a magic link": f"INSERT INTO magic_link_tokens (user_id, token_hash, expires_at) VALUES"
    f" ('{CLEO}', repeat('e', 64), NOW())",
    "a reset": f"INSERT INTO password_reset_tokens (user_id, token_hash, expires_at) VALUES"
    f" ('{CLEO}', repeat('e', 64), NOW())",
    "an invitation": f"INSERT INTO invitation_tokens (user_id, token_hash, expires_at, details,"
    f" invited_by) VALUES ('{CLEO}', repeat('e', 64), NOW(), '{{}}', '{DORA}')",
    "a role": f"INSERT INTO roles (application_id, name, slug) VALUES ('{SHOP}', 'R', 'r')",
    "a permission": f"INSERT INTO permissions (application_id, module_id, name, slug) VALUES"
    f" ('{SHOP}', NULL, 'P', 'shop:p:p')",
    "a role for a person": f"INSERT INTO user_roles (user_id, role_id, assigned_by) VALUES"
    f" ('{DORA}', '00000000-0000-4000-8000-000000000044', NULL)",
    "a claim": f"INSERT INTO custom_claim_definitions (application_id, claim_name, claim_type)"
    f" VALUES ('{SHOP}', 'cost', 'number')",
    "a setting": "UPDATE system_config SET value = '\"1800\"' WHERE key = 'access_token_ttl'",
    "a rotation": "UPDATE signing_keys SET status = 'retired', retired_at = NOW() WHERE status ="
    " 'active'",
    "an entry of the audit log": f"INSERT INTO audit_log (organization_id, user_id, actor_id,"
    f" event_type, event_category, description, metadata, ip_address, user_agent) VALUES"
    f" ('{DOCK}', '{CLEO}', NULL, 'user.login.password', 'authentication', NULL, '{{}}',"
    " '192.0.2.1', 'UA')",
    "a clean-up of the audit log": "DELETE FROM audit_log WHERE created_at < NOW() - INTERVAL"
    " '390 days'",
    "an artifact": "INSERT INTO oidc_payloads (id, type, payload, grant_id, user_code, uid,"
    " expires_at) VALUES ('x', 'AccessToken', '{}', 'g', NULL, NULL, NOW()) ON CONFLICT (id,"
    " type) DO UPDATE SET payload = EXCLUDED.payload",
    "a consumption": "UPDATE oidc_payloads SET consumed_at = NOW() WHERE type = 'RefreshToken'",
    "a purge": "DELETE FROM oidc_payloads WHERE expires_at < NOW() + INTERVAL '2 days'",
    "a TOTP secret": f"INSERT INTO user_totp (user_id, encrypted_secret, encryption_iv,"
    f" encryption_tag) VALUES ('{CLEO}', '00', '00', '00')",
    "an OTP": f"INSERT INTO two_factor_otp_codes (user_id, code_hash, expires_at) VALUES"
    f" ('{CLEO}', repeat('e', 64), NOW())",
    "a recovery code": f"INSERT INTO two_factor_recovery_codes (user_id, code_hash) VALUES"
    f" ('{CLEO}', 'x')",
    "a logo": f"INSERT INTO branding_assets (organization_id, asset_type, content_type, data,"
    f" file_size) VALUES ('{DOCK}', 'favicon', 'image/png', '\\x00', 1)",
    "an admin session": f"INSERT INTO admin_sessions (session_id, user_id, expires_at) VALUES"
    f" ('y', '{CLEO}', NOW() + INTERVAL '1 day') ON CONFLICT (session_id) DO UPDATE SET"
    " last_activity_at = NOW()",
    "the end of a person": f"DELETE FROM users WHERE id = '{EGON}'",
    "the end of an organization": "DELETE FROM organizations WHERE slug = 'gone'",
}
"""A statement of each kind, with the columns that 1.x names."""
