-- Refresh tokens of Porta 1.x live on. Each is read at its first use and becomes one of ours; its row
-- stays as it is. The function answers NULL where there is no such row, or no such table any more.

CREATE FUNCTION porta_1x_refresh_token(value TEXT) RETURNS JSON LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF to_regclass('oidc_payloads') IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN (
        SELECT json_build_object(
            'payload', p.payload,
            'expires_at', EXTRACT(EPOCH FROM p.expires_at)::float8,
            'is_consumed', p.consumed_at IS NOT NULL,
            'granted_scope', g.payload #>> '{openid,scope}',
            'ended_at', (SELECT EXTRACT(EPOCH FROM e.ended_at)::float8 FROM ended_accounts e
                WHERE e.account_id::text = p.payload ->> 'accountId'))
        FROM oidc_payloads p
        LEFT JOIN oidc_payloads g ON g.id = p.grant_id AND g.type = 'Grant'
            AND (g.expires_at IS NULL OR g.expires_at > now())
        WHERE p.id = value AND p.type = 'RefreshToken' AND p.expires_at > now()
    );
END
$$;

-- When the rights of an account ended last, where that was while 1.x had tokens out that nobody had
-- presented yet: those are dead as well.

CREATE TABLE ended_accounts (
    account_id UUID PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    ended_at TIMESTAMPTZ NOT NULL
);
