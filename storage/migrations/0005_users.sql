-- People, and the links that are mailed to them.

CREATE TABLE users (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    email CITEXT NOT NULL,
    email_verified BOOLEAN NOT NULL DEFAULT FALSE,
    password_hash TEXT,
    password_changed_at TIMESTAMPTZ,
    given_name VARCHAR(255),
    family_name VARCHAR(255),
    middle_name VARCHAR(255),
    nickname VARCHAR(255),
    preferred_username VARCHAR(255),
    profile_url TEXT,
    picture_url TEXT,
    website_url TEXT,
    gender VARCHAR(50),
    birthdate DATE,
    zoneinfo VARCHAR(50),
    locale VARCHAR(10),
    phone_number VARCHAR(50),
    phone_number_verified BOOLEAN NOT NULL DEFAULT FALSE,
    address_street TEXT,
    address_locality VARCHAR(255),
    address_region VARCHAR(255),
    address_postal_code VARCHAR(20),
    address_country VARCHAR(2),
    status VARCHAR(20) NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'inactive', 'suspended', 'locked')),
    locked_at TIMESTAMPTZ,
    locked_reason TEXT,
    last_login_at TIMESTAMPTZ,
    login_count INTEGER NOT NULL DEFAULT 0,
    two_factor_enabled BOOLEAN NOT NULL DEFAULT FALSE,
    two_factor_method VARCHAR(10)
        CHECK (two_factor_method IN ('email', 'totp') OR two_factor_method IS NULL),
    failed_login_count INTEGER NOT NULL DEFAULT 0,
    last_failed_login_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    UNIQUE (organization_id, email)
);

CREATE INDEX idx_users_org ON users (organization_id);
CREATE INDEX idx_users_email ON users (email);
CREATE INDEX idx_users_status ON users (organization_id, status);
CREATE INDEX idx_users_locked_auto ON users (locked_at)
    WHERE status = 'locked' AND locked_reason = 'auto_lockout';

CREATE TRIGGER set_updated_at BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION trigger_set_updated_at();

CREATE TABLE magic_link_tokens (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash TEXT NOT NULL UNIQUE,
    expires_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

CREATE INDEX idx_magic_link_user ON magic_link_tokens (user_id);
CREATE INDEX idx_magic_link_token ON magic_link_tokens (token_hash) WHERE used_at IS NULL;

CREATE TABLE password_reset_tokens (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash TEXT NOT NULL UNIQUE,
    expires_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

CREATE INDEX idx_pwd_reset_user ON password_reset_tokens (user_id);
CREATE INDEX idx_pwd_reset_token ON password_reset_tokens (token_hash) WHERE used_at IS NULL;

CREATE TABLE invitation_tokens (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash TEXT NOT NULL UNIQUE,
    expires_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    details JSONB,
    invited_by UUID REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX idx_invitation_user ON invitation_tokens (user_id);
CREATE INDEX idx_invitation_token ON invitation_tokens (token_hash) WHERE used_at IS NULL;
