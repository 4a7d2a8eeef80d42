-- Uploaded images, and the sessions an administrator sees.

CREATE TABLE branding_assets (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    asset_type VARCHAR(20) NOT NULL CHECK (asset_type IN ('logo', 'favicon')),
    content_type VARCHAR(50) NOT NULL,
    data BYTEA NOT NULL,
    file_size INTEGER NOT NULL CHECK (file_size > 0 AND file_size <= 524288),
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    CONSTRAINT branding_assets_unique_org_type UNIQUE (organization_id, asset_type)
);

CREATE INDEX idx_branding_assets_org_id ON branding_assets (organization_id);

CREATE TABLE admin_sessions (
    session_id VARCHAR(128) PRIMARY KEY,
    user_id UUID REFERENCES users (id) ON DELETE CASCADE,
    client_id UUID REFERENCES clients (id) ON DELETE SET NULL,
    organization_id UUID REFERENCES organizations (id) ON DELETE CASCADE,
    grant_id VARCHAR(128),
    ip_address INET,
    user_agent TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    expires_at TIMESTAMPTZ NOT NULL,
    last_activity_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    revoked_at TIMESTAMPTZ,
    CHECK (expires_at > created_at)
);

CREATE INDEX idx_admin_sessions_user_active ON admin_sessions (user_id) WHERE revoked_at IS NULL;
CREATE INDEX idx_admin_sessions_org_active ON admin_sessions (organization_id)
    WHERE revoked_at IS NULL;
CREATE INDEX idx_admin_sessions_client_active ON admin_sessions (client_id)
    WHERE revoked_at IS NULL;
CREATE INDEX idx_admin_sessions_expires ON admin_sessions (expires_at) WHERE revoked_at IS NULL;
CREATE INDEX idx_admin_sessions_grant_id ON admin_sessions (grant_id) WHERE grant_id IS NOT NULL;
