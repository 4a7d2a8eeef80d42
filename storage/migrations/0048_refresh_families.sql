-- Refresh tokens of a family, for administrators: the newest one says when it was used last.

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_artifacts_refresh_family
    ON artifacts (family_id, created_at) WHERE kind = 'RefreshToken';

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_token_families_client
    ON token_families (client_id, created_at, id);

-- step: transaction
COMMENT ON INDEX idx_artifacts_refresh_family IS 'the refresh tokens of a family';
COMMENT ON INDEX idx_token_families_client IS 'the refresh families of a client';
