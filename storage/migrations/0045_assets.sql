-- Uploaded images of an organization: what they are, in its row; what is in them, under their key.
-- `branding_assets`, with what was uploaded to Porta 1.x, stays as it is.

CREATE TABLE assets (
    key TEXT COLLATE "C" PRIMARY KEY,
    organization_id UUID REFERENCES organizations (id) ON DELETE CASCADE,
    content BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    CHECK (key LIKE 'system/%' OR key LIKE 'tenants/' || organization_id || '/%')
);

CREATE INDEX idx_assets_organization ON assets (organization_id);

-- Images are compressed already.
ALTER TABLE assets ALTER COLUMN content SET STORAGE EXTERNAL;

ALTER TABLE organizations ADD COLUMN brand_assets JSONB;
