-- Row-level security: whoever is no owner of these tables sees the rows of one organization, which a
-- transaction names in `app.current_tenant`; without that, none. The policies bind nobody yet:
-- `porta migrate up` switches them on when the roles are there that they are for. Owners, as Porta 1.x
-- and versions before this one are, are not bound.
--
-- (x = y) IS TRUE is served by no index. A policy is no way to find rows, only to hide them: a plan that
-- is kept would else read all of an organization, where its statement looks for one row by its id.

-- step: transaction
CREATE OR REPLACE FUNCTION porta_tenant() RETURNS UUID LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT NULLIF(current_setting('app.current_tenant', TRUE), '')::uuid
$$;

-- step: transaction
DROP POLICY IF EXISTS tenant ON organizations;
CREATE POLICY tenant ON organizations USING ((id = porta_tenant()) IS TRUE);

-- step: transaction
DROP POLICY IF EXISTS tenant ON clients;
CREATE POLICY tenant ON clients USING ((organization_id = porta_tenant()) IS TRUE);

-- step: transaction
DROP POLICY IF EXISTS tenant ON users;
CREATE POLICY tenant ON users USING ((organization_id = porta_tenant()) IS TRUE);

-- step: transaction
DROP POLICY IF EXISTS tenant ON api_resources;
CREATE POLICY tenant ON api_resources USING ((organization_id = porta_tenant()) IS TRUE);

-- step: transaction
DROP POLICY IF EXISTS tenant ON branding_assets;
CREATE POLICY tenant ON branding_assets USING ((organization_id = porta_tenant()) IS TRUE);

-- step: transaction
DROP POLICY IF EXISTS tenant ON artifacts;
CREATE POLICY tenant ON artifacts USING ((organization_id = porta_tenant()) IS TRUE);

-- step: transaction
DROP POLICY IF EXISTS tenant ON sessions;
CREATE POLICY tenant ON sessions USING ((organization_id = porta_tenant()) IS TRUE);

-- step: transaction
DROP POLICY IF EXISTS tenant ON token_families;
CREATE POLICY tenant ON token_families USING ((organization_id = porta_tenant()) IS TRUE);

-- step: transaction
DROP POLICY IF EXISTS tenant ON audit_log;
CREATE POLICY tenant ON audit_log USING ((organization_id = porta_tenant()) IS TRUE);

-- step: transaction
DROP POLICY IF EXISTS tenant ON jobs;
CREATE POLICY tenant ON jobs USING ((organization_id = porta_tenant()) IS TRUE);

-- step: transaction
DROP POLICY IF EXISTS tenant ON signing_keys;
CREATE POLICY tenant ON signing_keys USING ((organization_id = porta_tenant()) IS TRUE);

-- step: transaction
DROP POLICY IF EXISTS tenant ON ring_keys;
CREATE POLICY tenant ON ring_keys USING ((organization_id = porta_tenant()) IS TRUE);

-- step: transaction
DROP POLICY IF EXISTS tenant ON delegations;
CREATE POLICY tenant ON delegations USING ((organization_id = porta_tenant()) IS TRUE);

-- Images of the installation are everybody's to see.

-- step: transaction
DROP POLICY IF EXISTS tenant ON assets;
CREATE POLICY tenant ON assets
    USING ((organization_id IS NULL OR organization_id = porta_tenant()) IS TRUE)
    WITH CHECK ((organization_id = porta_tenant()) IS TRUE);

-- What hangs on a row of an organization is seen with it. Not as EXISTS, which may be planned as a hash
-- of all rows that there are: this is a look-up by key, whatever else is asked.

-- step: transaction
DROP POLICY IF EXISTS tenant ON client_secrets;
CREATE POLICY tenant ON client_secrets USING ((SELECT TRUE FROM clients WHERE clients.id = client_secrets.client_id));

-- step: transaction
DROP POLICY IF EXISTS tenant ON magic_link_tokens;
CREATE POLICY tenant ON magic_link_tokens USING ((SELECT TRUE FROM users WHERE users.id = magic_link_tokens.user_id));

-- step: transaction
DROP POLICY IF EXISTS tenant ON password_reset_tokens;
CREATE POLICY tenant ON password_reset_tokens USING ((SELECT TRUE FROM users WHERE users.id = password_reset_tokens.user_id));

-- step: transaction
DROP POLICY IF EXISTS tenant ON invitation_tokens;
CREATE POLICY tenant ON invitation_tokens USING ((SELECT TRUE FROM users WHERE users.id = invitation_tokens.user_id));

-- step: transaction
DROP POLICY IF EXISTS tenant ON user_roles;
CREATE POLICY tenant ON user_roles USING ((SELECT TRUE FROM users WHERE users.id = user_roles.user_id));

-- step: transaction
DROP POLICY IF EXISTS tenant ON custom_claim_values;
CREATE POLICY tenant ON custom_claim_values USING ((SELECT TRUE FROM users WHERE users.id = custom_claim_values.user_id));

-- step: transaction
DROP POLICY IF EXISTS tenant ON user_totp;
CREATE POLICY tenant ON user_totp USING ((SELECT TRUE FROM users WHERE users.id = user_totp.user_id));

-- step: transaction
DROP POLICY IF EXISTS tenant ON two_factor_otp_codes;
CREATE POLICY tenant ON two_factor_otp_codes USING ((SELECT TRUE FROM users WHERE users.id = two_factor_otp_codes.user_id));

-- step: transaction
DROP POLICY IF EXISTS tenant ON two_factor_recovery_codes;
CREATE POLICY tenant ON two_factor_recovery_codes USING ((SELECT TRUE FROM users WHERE users.id = two_factor_recovery_codes.user_id));

-- step: transaction
DROP POLICY IF EXISTS tenant ON ended_accounts;
CREATE POLICY tenant ON ended_accounts USING ((SELECT TRUE FROM users WHERE users.id = ended_accounts.account_id));

-- step: transaction
DROP POLICY IF EXISTS tenant ON delegation_roles;
CREATE POLICY tenant ON delegation_roles USING ((SELECT TRUE FROM delegations WHERE delegations.id = delegation_roles.delegation_id));

-- step: transaction
DROP POLICY IF EXISTS tenant ON job_results;
CREATE POLICY tenant ON job_results USING ((SELECT TRUE FROM jobs WHERE jobs.id = job_results.job_id));

-- A comparison that is not leakproof (citext, ->>) is made after the policy, and by no index. What is
-- found by one is found by these: they see all rows, and answer for the organization that is named,
-- which is the tenant's where there is one.

-- step: transaction
DO $do$
DECLARE
    path TEXT := quote_ident(current_schema()) || ', pg_temp';
    made TEXT;
BEGIN
    CREATE OR REPLACE FUNCTION porta_user_of(organization UUID, address CITEXT) RETURNS UUID
    LANGUAGE sql STABLE SECURITY DEFINER AS $$
        SELECT id FROM users WHERE organization_id = organization AND email = address
            AND organization = COALESCE(porta_tenant(), organization)
    $$;
    CREATE OR REPLACE FUNCTION porta_sessions_of(organization UUID, browser TEXT) RETURNS TEXT[]
    LANGUAGE sql STABLE SECURITY DEFINER AS $$
        SELECT ARRAY(SELECT uid FROM sessions WHERE payload ->> 'browser' = browser
            AND organization_id = organization
            AND organization = COALESCE(porta_tenant(), organization))
    $$;
    CREATE OR REPLACE FUNCTION porta_grants_of(organization UUID, session_uids TEXT[]) RETURNS TEXT[]
    LANGUAGE sql STABLE SECURITY DEFINER AS $$
        SELECT ARRAY(SELECT id FROM artifacts WHERE kind = 'Grant'
            AND payload ->> 'session_uid' = ANY(session_uids)
            AND organization_id = organization
            AND organization = COALESCE(porta_tenant(), organization))
    $$;
    -- Refresh tokens of 1.x are read by their value alone, and by nobody as a table.
    ALTER FUNCTION porta_1x_refresh_token(TEXT) SECURITY DEFINER;
    -- The extension of citext, or we, may be in another schema than the first of the path.
    FOREACH made IN ARRAY ARRAY['porta_user_of(UUID, CITEXT)', 'porta_sessions_of(UUID, TEXT)',
        'porta_grants_of(UUID, TEXT[])', 'porta_1x_refresh_token(TEXT)']
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %s', made, path);
    END LOOP;
END
$do$;
