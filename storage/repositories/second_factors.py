"""Second factors: what people have enrolled, and what of it can be used once only."""

from __future__ import annotations

from collections.abc import Sequence

from storage.models.sign_ins import SecondFactors
from storage.models.users import TotpSecret
from storage.postgres.statement import Executor

_FIND = """
    SELECT u.two_factor_method, t.id IS NOT NULL, (
        SELECT count(*) FROM two_factor_recovery_codes r
        WHERE r.user_id = u.id AND r.used_at IS NULL
    ), (SELECT count(*) FROM passkeys p WHERE p.user_id = u.id AND p.removed_at IS NULL),
        COALESCE(u.two_factor_put_off_until > now(), FALSE)
    FROM users u LEFT JOIN user_totp t ON t.user_id = u.id AND t.verified
    WHERE u.id = %(user_id)s AND u.organization_id = %(organization_id)s
"""
_TOTP = """
    SELECT t.id::text, t.user_id::text, t.encrypted_secret, t.encryption_iv, t.encryption_tag
    FROM user_totp t JOIN users u ON u.id = t.user_id
    WHERE u.id = %(user_id)s AND u.organization_id = %(organization_id)s AND t.verified
        AND t.algorithm = 'SHA1' AND t.digits = 6 AND t.period = 30
"""
# Whoever comes second waits for the row, and finds the step taken.
_USE_STEP = """
    UPDATE user_totp t SET last_step = %(step)s FROM users u
    WHERE t.id = %(id)s AND (t.last_step IS NULL OR t.last_step < %(step)s)
        AND u.id = t.user_id AND u.organization_id = %(organization_id)s
"""
_CODES = """
    SELECT r.id::text, r.code_hash
    FROM two_factor_recovery_codes r JOIN users u ON u.id = r.user_id
    WHERE u.id = %(user_id)s AND u.organization_id = %(organization_id)s AND r.used_at IS NULL
    ORDER BY r.created_at, r.id LIMIT %(most)s
"""
_USE_CODE = """
    UPDATE two_factor_recovery_codes r SET used_at = now() FROM users u
    WHERE r.id = %(id)s AND r.used_at IS NULL
        AND u.id = r.user_id AND u.organization_id = %(organization_id)s
"""
# What is over is not worth a job: it goes when the next code is mailed.
_ADD_MAILED = """
    WITH over AS (
        DELETE FROM two_factor_otp_codes
        WHERE user_id = %(user_id)s AND (used_at IS NOT NULL OR expires_at < now())
    )
    INSERT INTO two_factor_otp_codes (user_id, code_hash, expires_at)
    SELECT u.id, %(digest)s, now() + make_interval(secs => %(ttl)s) FROM users u
    WHERE u.id = %(user_id)s AND u.organization_id = %(organization_id)s
"""
_USE_MAILED = """
    UPDATE two_factor_otp_codes c SET used_at = now() FROM users u
    WHERE c.user_id = u.id AND u.id = %(user_id)s AND u.organization_id = %(organization_id)s
        AND c.code_hash = ANY(%(digests)s::text[]) AND c.used_at IS NULL AND c.expires_at > now()
"""
_CHOOSE = """
    UPDATE users SET two_factor_enabled = TRUE, two_factor_method = %(method)s
    WHERE id = %(user_id)s AND organization_id = %(organization_id)s AND NOT two_factor_enabled
"""
_SET_TOTP = """
    INSERT INTO user_totp AS t
        (user_id, encrypted_secret, encryption_iv, encryption_tag, verified, last_step)
    SELECT u.id, %(secret)s, %(iv)s, %(tag)s, TRUE, %(step)s FROM users u
    WHERE u.id = %(user_id)s AND u.organization_id = %(organization_id)s
    ON CONFLICT (user_id) DO UPDATE SET encrypted_secret = EXCLUDED.encrypted_secret,
        encryption_iv = EXCLUDED.encryption_iv, encryption_tag = EXCLUDED.encryption_tag,
        algorithm = 'SHA1', digits = 6, period = 30, verified = TRUE,
        last_step = EXCLUDED.last_step, created_at = now()
"""
_REMOVE = """
    WITH person AS (
        UPDATE users SET two_factor_enabled = FALSE, two_factor_method = NULL
        WHERE id = %(user_id)s AND organization_id = %(organization_id)s
        RETURNING id
    ), totp AS (
        DELETE FROM user_totp WHERE user_id IN (SELECT id FROM person)
    ), mailed AS (
        DELETE FROM two_factor_otp_codes WHERE user_id IN (SELECT id FROM person)
    ), keys AS (
        UPDATE passkeys SET removed_at = now(), public_key = '', attestation = NULL
        WHERE user_id IN (SELECT id FROM person) AND removed_at IS NULL
    )
    DELETE FROM two_factor_recovery_codes WHERE user_id IN (SELECT id FROM person)
"""
_CHOOSE_ANOTHER = """
    UPDATE users SET two_factor_enabled = TRUE, two_factor_method = %(method)s
    WHERE id = %(user_id)s AND organization_id = %(organization_id)s
"""
_TURN_OFF = """
    WITH person AS (
        UPDATE users SET two_factor_enabled = FALSE, two_factor_method = NULL
        WHERE id = %(user_id)s AND organization_id = %(organization_id)s
        RETURNING id
    )
    DELETE FROM two_factor_recovery_codes WHERE user_id IN (SELECT id FROM person)
"""
_FORGET_TOTP = """
    WITH mailed AS (
        DELETE FROM two_factor_otp_codes c USING users u
        WHERE c.user_id = u.id AND u.id = %(user_id)s AND u.organization_id = %(organization_id)s
    )
    DELETE FROM user_totp t USING users u
    WHERE t.user_id = u.id AND u.id = %(user_id)s AND u.organization_id = %(organization_id)s
"""
_FORGET_CODES = """
    DELETE FROM two_factor_recovery_codes r USING users u
    WHERE r.user_id = u.id AND u.id = %(user_id)s AND u.organization_id = %(organization_id)s
"""
_SINCE = """
    created_at >= to_timestamp(%(since)s) AND user_id IN (
        SELECT id FROM users WHERE id = %(user_id)s AND organization_id = %(organization_id)s
    )
"""
_FORGET_SINCE = (
    f"DELETE FROM user_totp WHERE {_SINCE}",  # noqa: S608
    f"DELETE FROM two_factor_recovery_codes WHERE {_SINCE}",  # noqa: S608
)
_TURN_OFF_GONE = """
    UPDATE users u SET two_factor_enabled = FALSE, two_factor_method = NULL
    WHERE u.id = %(user_id)s AND u.organization_id = %(organization_id)s AND (
        u.two_factor_method = 'totp'
            AND NOT EXISTS (SELECT FROM user_totp t WHERE t.user_id = u.id)
        OR u.two_factor_method = 'passkey' AND NOT EXISTS (
            SELECT FROM passkeys p WHERE p.user_id = u.id AND p.removed_at IS NULL
        )
    )
"""
_PUT_OFF = """
    UPDATE users SET two_factor_put_off_until = now() + make_interval(days => %(days)s)
    WHERE id = %(user_id)s AND organization_id = %(organization_id)s
"""
_ADD_CODES = """
    INSERT INTO two_factor_recovery_codes (user_id, code_hash)
    SELECT u.id, unnest(%(hashes)s::text[]) FROM users u
    WHERE u.id = %(user_id)s AND u.organization_id = %(organization_id)s
"""


class SecondFactorsOfPeople:
    """The tables `user_totp`, `two_factor_otp_codes` and `two_factor_recovery_codes`, person by
    person.
    """

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def find(self, user_id: str, organization_id: str) -> SecondFactors | None:
        """Return what a person has enrolled; None for a person of another organization."""
        row = await self._pg.fetchrow(_FIND, _of(user_id, organization_id))
        if row is None:
            return None
        method, has_totp, codes, passkeys, put_off = row
        return SecondFactors(
            method=method, has_totp=has_totp, recovery_codes=codes, passkeys=passkeys,
            put_off=put_off,
        )  # fmt: skip

    async def find_totp(self, user_id: str, organization_id: str) -> TotpSecret | None:
        """Return the secret that a person has confirmed, of six digits every 30 seconds."""
        row = await self._pg.fetchrow(_TOTP, _of(user_id, organization_id))
        return TotpSecret(*row) if row is not None else None

    async def use_totp_step(self, id: str, organization_id: str, step: int) -> bool:
        """Take a time step of a secret, and all before it; False where it was taken already."""
        taken = {"id": id, "organization_id": organization_id, "step": step}
        return await self._pg.execute(_USE_STEP, taken) == 1

    async def add_mailed_code(
        self, user_id: str, organization_id: str, digest: str, ttl: float
    ) -> None:
        """Keep the digest of a code for `ttl` seconds."""
        await self._pg.execute(
            _ADD_MAILED, {**_of(user_id, organization_id), "digest": digest, "ttl": ttl}
        )

    async def use_mailed_code(
        self, user_id: str, organization_id: str, digests: Sequence[str]
    ) -> bool:
        """Take a code that has one of these digests; False where there is none that is good."""
        key = _of(user_id, organization_id)
        return await self._pg.execute(_USE_MAILED, {**key, "digests": [*digests]}) > 0

    async def list_recovery_codes(
        self, user_id: str, organization_id: str, most: int
    ) -> list[tuple[str, str]]:
        """Return id and Argon2id hash of the unused codes of a person, the oldest first."""
        found = await self._pg.fetch(_CODES, {**_of(user_id, organization_id), "most": most})
        return [(str(id), str(code_hash)) for id, code_hash in found]

    async def use_recovery_code(self, id: str, organization_id: str) -> bool:
        """Take a code; False where it was taken already."""
        taken = {"id": id, "organization_id": organization_id}
        return await self._pg.execute(_USE_CODE, taken) == 1

    async def replace_recovery_codes(
        self, user_id: str, organization_id: str, hashes: Sequence[str]
    ) -> None:
        """Keep these codes, as Argon2id hashes, and none of those before. In a transaction."""
        key = _of(user_id, organization_id)
        await self._pg.execute(_FORGET_CODES, key)
        await self._pg.execute(_ADD_CODES, {**key, "hashes": [*hashes]})

    async def remove(self, user_id: str, organization_id: str) -> None:
        """Take every second factor from a person, and all that stands in for one."""
        await self._pg.execute(_REMOVE, _of(user_id, organization_id))

    async def choose(self, user_id: str, organization_id: str, method: str) -> None:
        """Have `method` be what is asked of a person, whatever was before."""
        key = _of(user_id, organization_id)
        await self._pg.execute(_CHOOSE_ANOTHER, {**key, "method": method})

    async def turn_off(self, user_id: str, organization_id: str) -> None:
        """Ask a person for no second factor any more; recovery codes go, passkeys stay."""
        await self._pg.execute(_TURN_OFF, _of(user_id, organization_id))

    async def remove_totp(self, user_id: str, organization_id: str) -> None:
        """Forget the secret of an app, and codes that were mailed."""
        await self._pg.execute(_FORGET_TOTP, _of(user_id, organization_id))

    async def remove_since(self, user_id: str, organization_id: str, since: float) -> None:
        """Forget an app and recovery codes that are there since `since` (seconds since the epoch),
        and ask for no factor that the person has no more. In a transaction.
        """
        key = _of(user_id, organization_id)
        for statement in _FORGET_SINCE:
            await self._pg.execute(statement, {**key, "since": since})
        await self._pg.execute(_TURN_OFF_GONE, key)

    async def enrol(
        self, user_id: str, organization_id: str, method: str, hashes: Sequence[str]
    ) -> bool:
        """Give a person who has none the second factor `method` (`totp`, `email`, `passkey`),
        and recovery codes of these Argon2id hashes; False where they have one.
        """
        key = _of(user_id, organization_id)
        if await self._pg.execute(_CHOOSE, {**key, "method": method}) != 1:
            return False
        await self.replace_recovery_codes(user_id, organization_id, hashes)
        return True

    async def put_off(self, user_id: str, organization_id: str, days: int) -> None:
        """Remember for some days that a person would rather have none."""
        await self._pg.execute(_PUT_OFF, {**_of(user_id, organization_id), "days": days})

    async def set_totp(
        self, user_id: str, organization_id: str, secret: tuple[str, str, str], step: int
    ) -> None:
        """Store a confirmed secret (ciphertext, IV and tag in hex), whose `step` is taken."""
        ciphertext, iv, tag = secret
        row = {"secret": ciphertext, "iv": iv, "tag": tag, "step": step}
        await self._pg.execute(_SET_TOTP, {**_of(user_id, organization_id), **row})


def _of(user_id: str, organization_id: str) -> dict[str, str]:
    return {"user_id": user_id, "organization_id": organization_id}
