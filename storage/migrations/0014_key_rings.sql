-- Keys stand in rings: the global one, or that of an organization. A key is published before it
-- signs, and gone when nothing it signed is valid any more.

ALTER TABLE signing_keys
    ADD COLUMN organization_id UUID REFERENCES organizations (id) ON DELETE CASCADE,
    DROP CONSTRAINT IF EXISTS signing_keys_status_check,
    ADD CONSTRAINT signing_keys_status_check
        CHECK (status IN ('published', 'active', 'retired', 'revoked', 'gone'));

CREATE INDEX idx_signing_keys_ring ON signing_keys (organization_id, algorithm, status);
