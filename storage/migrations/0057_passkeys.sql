-- Passkeys (WebAuthn) of people. What was removed stays as a row without its key: a browser that still
-- offers it is told, and nobody else's is taken for it.

-- step: transaction
-- What a person is called to authenticators: random, and of this organization alone (user handle).
CREATE TABLE passkey_users (
    user_id UUID PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    handle TEXT COLLATE "C" NOT NULL UNIQUE
);
CREATE TABLE passkeys (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES passkey_users (user_id) ON DELETE CASCADE,
    credential_id TEXT COLLATE "C" NOT NULL,
    public_key BYTEA NOT NULL,
    name VARCHAR(100) NOT NULL,
    sign_count BIGINT NOT NULL DEFAULT 0,
    transports TEXT[] NOT NULL DEFAULT '{}',
    backup_eligible BOOLEAN NOT NULL,
    backed_up BOOLEAN NOT NULL,
    aaguid UUID,
    attestation_format VARCHAR(32) NOT NULL DEFAULT 'none',
    attestation BYTEA,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    last_used_at TIMESTAMPTZ,
    removed_at TIMESTAMPTZ,
    version BIGINT NOT NULL DEFAULT 1,
    UNIQUE (organization_id, credential_id)
);
CREATE INDEX idx_passkeys_user ON passkeys (user_id);
CREATE INDEX idx_passkey_users_organization ON passkey_users (organization_id);
CREATE TRIGGER next_version BEFORE UPDATE OF name, removed_at ON passkeys
    FOR EACH ROW EXECUTE FUNCTION porta_next_version();
CREATE POLICY tenant ON passkey_users USING ((organization_id = porta_tenant()) IS TRUE);
CREATE POLICY tenant ON passkeys USING ((organization_id = porta_tenant()) IS TRUE);

-- What may be demanded, and chosen. Every row fits the wider rule, so that none is read for it now.

-- step: transaction
ALTER TABLE organizations
    DROP CONSTRAINT IF EXISTS organizations_two_factor_policy_check,
    ADD CONSTRAINT organizations_two_factor_policy_check CHECK (two_factor_policy IN
        ('optional', 'required_email', 'required_totp', 'required_passkey', 'required_any')) NOT VALID;

-- step: transaction
ALTER TABLE organizations VALIDATE CONSTRAINT organizations_two_factor_policy_check;

-- step: transaction
ALTER TABLE users
    DROP CONSTRAINT IF EXISTS users_two_factor_method_check,
    ADD CONSTRAINT users_two_factor_method_check CHECK (two_factor_method IN
        ('email', 'totp', 'passkey') OR two_factor_method IS NULL) NOT VALID;

-- step: transaction
ALTER TABLE users VALIDATE CONSTRAINT users_two_factor_method_check;
