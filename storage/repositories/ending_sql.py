"""Ending of sessions: with what hangs on one, or on an account. Each is one message, and atomic.

Statements in one message are one transaction. Each sees what was committed before it began: a
sign-in that a trusted device is held for is over by the time that sessions are ended, a family that
was founded while the second one waited is found by the third, and the last names the key that a
sign-in gave the session meanwhile.
"""

from __future__ import annotations

END_SESSION = """
    UPDATE sessions SET consumed_at = COALESCE(consumed_at, now()), expires_at = now()
    WHERE uid = %(uid)s AND organization_id = %(organization_id)s;
    UPDATE token_families SET revoked_at = now(), revoked_reason = 'session_ended'
    WHERE session_uid = %(uid)s AND organization_id = %(organization_id)s
        AND revoked_at IS NULL;
    DELETE FROM artifacts
    WHERE id = ANY(porta_grants_of(%(organization_id)s::uuid, ARRAY[%(uid)s]));
    SELECT id FROM sessions WHERE uid = %(uid)s AND organization_id = %(organization_id)s
"""


def _end_account(sessions: str = "", families: str = "") -> str:
    """Return what ends an account, or all of it but what these conditions spare."""
    return f"""
    DELETE FROM trusted_devices
    WHERE user_id = %(account_id)s AND organization_id = %(organization_id)s;
    UPDATE sessions SET consumed_at = now(), expires_at = now()
    WHERE account_id = %(account_id)s AND organization_id = %(organization_id)s
        AND consumed_at IS NULL {sessions};
    UPDATE token_families SET revoked_at = now(), revoked_reason = %(reason)s
    WHERE account_id = %(account_id)s AND organization_id = %(organization_id)s
        AND revoked_at IS NULL {families};
    DELETE FROM artifacts
    WHERE id = ANY(porta_grants_of(%(organization_id)s::uuid, ARRAY(
        SELECT uid FROM sessions
        WHERE account_id = %(account_id)s AND organization_id = %(organization_id)s {sessions}
    )));
    INSERT INTO ended_accounts (account_id, ended_at)
    SELECT id, clock_timestamp() FROM users
    WHERE id = %(account_id)s AND organization_id = %(organization_id)s
        AND to_regclass('oidc_payloads') IS NOT NULL
    ON CONFLICT (account_id) DO UPDATE SET ended_at = EXCLUDED.ended_at;
    SELECT id FROM sessions
    WHERE account_id = %(account_id)s AND organization_id = %(organization_id)s {sessions}
    """  # noqa: S608


END_ACCOUNT = _end_account()
END_OTHERS = _end_account("AND uid <> %(kept)s", "AND session_uid IS DISTINCT FROM %(kept)s")
"""The same, but for one session and what hangs on it."""
