-- A person, or an administrator for them, withdraws what a client was allowed. Codes that are out are
-- not found by person or client: a session counts how often something was withdrawn in it, a code
-- carries the number it was issued under, and founds nothing under another one.

ALTER TABLE sessions ADD COLUMN withdrawals INTEGER NOT NULL DEFAULT 0;

-- Refresh tokens that Porta 1.x issued, and nobody has presented yet, are known by their value alone.
CREATE TABLE withdrawn_consents (
    account_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id TEXT COLLATE "C" NOT NULL,
    withdrawn_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account_id, client_id)
);
CREATE POLICY tenant ON withdrawn_consents USING ((SELECT TRUE FROM users WHERE users.id = withdrawn_consents.account_id));

DO $do$
BEGIN
    CREATE OR REPLACE FUNCTION porta_1x_refresh_token(value TEXT) RETURNS JSON
    LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
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
                'ended_at', GREATEST(
                    (SELECT EXTRACT(EPOCH FROM e.ended_at)::float8 FROM ended_accounts e
                        WHERE e.account_id::text = p.payload ->> 'accountId'),
                    (SELECT EXTRACT(EPOCH FROM w.withdrawn_at)::float8 FROM withdrawn_consents w
                        WHERE w.account_id::text = p.payload ->> 'accountId'
                            AND w.client_id = p.payload ->> 'clientId')))
            FROM oidc_payloads p
            LEFT JOIN oidc_payloads g ON g.id = p.grant_id AND g.type = 'Grant'
                AND (g.expires_at IS NULL OR g.expires_at > now())
            WHERE p.id = value AND p.type = 'RefreshToken' AND p.expires_at > now()
        );
    END
    $$;
    EXECUTE format('ALTER FUNCTION porta_1x_refresh_token(TEXT) SET search_path = %s, pg_temp',
        quote_ident(current_schema()));
END
$do$;
