-- Devices at which a person is not asked for their second factor again for a time, where their organization
-- lets them: no days, as before, unless it says so. What is kept of a device is the digest of its secret.

-- step: transaction
ALTER TABLE organizations
    ADD COLUMN trusted_device_days SMALLINT NOT NULL DEFAULT 0 CHECK (trusted_device_days BETWEEN 0 AND 90);

-- step: transaction
CREATE TABLE trusted_devices (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    digest TEXT COLLATE "C" NOT NULL UNIQUE,
    era INTEGER NOT NULL,
    user_agent TEXT,
    ip_address TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    last_used_at TIMESTAMPTZ,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX idx_trusted_devices_user ON trusted_devices (user_id);
CREATE INDEX idx_trusted_devices_organization ON trusted_devices (organization_id);
CREATE INDEX idx_trusted_devices_expires ON trusted_devices (expires_at);
CREATE POLICY tenant ON trusted_devices USING ((organization_id = porta_tenant()) IS TRUE);
