"""Personal data of one person, across tables: read for them, and erased (GDPR Art. 15, 17)."""

from __future__ import annotations

from storage.models.artifacts import ARTIFACTS, Grant
from storage.models.personal_data import AssignedRole, Authorization, SentLink
from storage.postgres.statement import Executor
from storage.stores import decode

_GRANT = ARTIFACTS[Grant]
_MINE = "user_id = %(user_id)s"
_OF_ACCOUNT = "account_id = %(user_id)s AND (organization_id = %(organization_id)s) IS TRUE"
# By the indexes of grants: there is none of accounts, for each token would pay for it.
_ISSUED = f"""id IN (
    SELECT a.id FROM artifacts a JOIN token_families f ON a.grant_id = f.grant_id
    WHERE f.{_OF_ACCOUNT.replace(" AND (", " AND (f.")}
    UNION SELECT a.id FROM artifacts a JOIN sessions s ON a.payload ->> 'session_uid' = s.uid
    WHERE a.kind = 'Grant' AND s.{_OF_ACCOUNT.replace(" AND (", " AND (s.")}
)"""  # noqa: S608
_ROWS: tuple[tuple[str, str, str], ...] = (
    ("roles", "user_roles", _MINE),
    ("claims", "custom_claim_values", _MINE),
    ("two_factor", "user_totp", _MINE),
    ("two_factor", "two_factor_otp_codes", _MINE),
    ("two_factor", "two_factor_recovery_codes", _MINE),
    ("identities", "identities", _MINE),
    ("passkeys", "passkeys", _MINE),
    ("passkeys", "passkey_users", _MINE),
    ("devices", "trusted_devices", _MINE),
    ("links", "invitation_tokens", _MINE),
    ("links", "password_reset_tokens", _MINE),
    ("links", "magic_link_tokens", _MINE),
    ("delegations", "delegations", _MINE),
    (
        "mails",
        "jobs",
        "organization_id = %(organization_id)s AND kind = ANY(%(mail_kinds)s::text[])"
        " AND payload ->> 'user_id' = %(user_id)s",
    ),
    ("tokens", "artifacts", _ISSUED),
    ("tokens", "oidc_payloads", "payload ->> 'accountId' = %(user_id)s"),
    ("families", "token_families", _OF_ACCOUNT),
    ("families", "withdrawn_consents", "account_id = %(user_id)s"),
    ("sessions", "sessions", _OF_ACCOUNT),
    ("sessions", "admin_sessions", _MINE),
)
"""What is kept of a person: what it is called, its table, and which rows. Those of Porta 1.x are
not in every database."""
_BLANK = """
    UPDATE users SET email = %(email)s, email_verified = FALSE, password_hash = NULL,
        password_changed_at = NULL, given_name = NULL, family_name = NULL, middle_name = NULL,
        nickname = NULL, preferred_username = NULL, profile_url = NULL, picture_url = NULL,
        website_url = NULL, gender = NULL, birthdate = NULL, zoneinfo = NULL, locale = NULL,
        phone_number = NULL, phone_number_verified = FALSE, address_street = NULL,
        address_locality = NULL, address_region = NULL, address_postal_code = NULL,
        address_country = NULL, status = 'inactive', locked_at = NULL, locked_reason = NULL,
        last_login_at = NULL, login_count = 0, two_factor_enabled = FALSE,
        two_factor_method = NULL, failed_login_count = 0, last_failed_login_at = NULL,
        two_factor_put_off_until = NULL
    WHERE id = %(user_id)s AND (organization_id = %(organization_id)s) IS TRUE
"""
_SECONDS = "EXTRACT(EPOCH FROM {})::float8"


class PersonalData:
    """Everything that is kept of a person. What is another organization's is unknown."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def count(
        self, user_id: str, organization_id: str, mail_kinds: tuple[str, ...]
    ) -> dict[str, int]:
        """Return how many rows of each kind there are. `mail_kinds` are those of jobs that mail."""
        given = _parameters(user_id, organization_id, mail_kinds)
        found: dict[str, int] = {}
        for name, table, rows in await self._there():
            row = await self._pg.fetchrow(
                f"SELECT count(*) FROM {table} WHERE {rows}",  # noqa: S608
                given,
            )
            found[name] = found.get(name, 0) + (int(row[0]) if row else 0)
        return found

    async def delete(self, user_id: str, organization_id: str, mail_kinds: tuple[str, ...]) -> None:
        """Delete these rows; in a transaction."""
        given = _parameters(user_id, organization_id, mail_kinds)
        for _, table, rows in await self._there():
            await self._pg.execute(f"DELETE FROM {table} WHERE {rows}", given)  # noqa: S608

    async def blank(self, user_id: str, organization_id: str, email: str) -> None:
        """Empty the row of a person, for good: nobody signs in with it. Its id stays taken."""
        await self._pg.execute(
            _BLANK, {"user_id": user_id, "organization_id": organization_id, "email": email}
        )

    async def roles(self, user_id: str, organization_id: str) -> tuple[AssignedRole, ...]:
        """Return the roles that a person holds, of every application, and since when."""
        rows = await self._pg.fetch(
            f"""
            SELECT r.id, r.name, r.slug, r.application_id, {_SECONDS.format("h.created_at")}
            FROM user_roles h JOIN roles r ON r.id = h.role_id JOIN users u ON u.id = h.user_id
            WHERE u.id = %(user_id)s AND (u.organization_id = %(organization_id)s) IS TRUE
            ORDER BY r.name, r.id
            """,  # noqa: S608
            {"user_id": user_id, "organization_id": organization_id},
        )
        fields = AssignedRole.__struct_fields__
        return tuple(AssignedRole(**dict(zip(fields, row, strict=True))) for row in rows)

    async def authorizations(
        self, user_id: str, organization_id: str, limit: int
    ) -> tuple[Authorization, ...]:
        """Return the families of tokens of a person, the newest first."""
        rows = await self._pg.fetch(
            f"""
            SELECT client_id, {_SECONDS.format("created_at")}, {_SECONDS.format("expires_at")},
                {_SECONDS.format("revoked_at")}, revoked_reason
            FROM token_families WHERE {_OF_ACCOUNT}
            ORDER BY created_at DESC LIMIT %(limit)s
            """,  # noqa: S608
            {"user_id": user_id, "organization_id": organization_id, "limit": limit},
        )
        fields = Authorization.__struct_fields__
        return tuple(Authorization(**dict(zip(fields, row, strict=True))) for row in rows)

    async def grants(self, user_id: str, organization_id: str) -> tuple[Grant, ...]:
        """Return the living grants of a person: what they consented to, and when."""
        rows = await self._pg.fetch(
            f"""
            SELECT id, payload FROM artifacts
            WHERE kind = 'Grant' AND expires_at > now() AND consumed_at IS NULL
                AND account_id = %(user_id)s AND {_ISSUED}
            """,  # noqa: S608
            {"user_id": user_id, "organization_id": organization_id},
        )
        found = (decode(_GRANT, id, payload.encode()) for id, payload in rows)
        return tuple(grant for grant in found if isinstance(grant, Grant))

    async def links(self, user_id: str) -> tuple[SentLink, ...]:
        """Return the links that a person was sent, the newest first."""
        dates = ", ".join(_SECONDS.format(name) for name in ("created_at", "expires_at", "used_at"))
        tables = ("invitation", "password_reset", "magic_link")
        parts = (
            f"SELECT '{kind}', {dates} FROM {kind}_tokens WHERE {_MINE}"  # noqa: S608
            for kind in tables
        )
        rows = await self._pg.fetch(f"{' UNION ALL '.join(parts)} ORDER BY 2 DESC", _id(user_id))
        fields = SentLink.__struct_fields__
        return tuple(SentLink(**dict(zip(fields, row, strict=True))) for row in rows)

    async def put_off_until(self, user_id: str, organization_id: str) -> float | None:
        """Return until when a second factor is not offered to a person."""
        row = await self._pg.fetchrow(
            f"SELECT {_SECONDS.format('two_factor_put_off_until')} FROM users"  # noqa: S608
            " WHERE id = %(user_id)s AND (organization_id = %(organization_id)s) IS TRUE",
            {"user_id": user_id, "organization_id": organization_id},
        )
        return row[0] if row else None

    async def _there(self) -> list[tuple[str, str, str]]:
        tables = sorted({table for _, table, _ in _ROWS})
        rows = await self._pg.fetch(
            "SELECT name FROM unnest(%(tables)s::text[]) name WHERE to_regclass(name) IS NOT NULL",
            {"tables": tables},
        )
        there = {row[0] for row in rows}
        return [each for each in _ROWS if each[1] in there]


def _id(user_id: str) -> dict[str, object]:
    return {"user_id": user_id}


def _parameters(
    user_id: str, organization_id: str, mail_kinds: tuple[str, ...]
) -> dict[str, object]:
    kinds = list(mail_kinds)
    return {"user_id": user_id, "organization_id": organization_id, "mail_kinds": kinds}
