-- Passkeys that were removed long ago are looked for, to be purged.

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_passkeys_removed ON passkeys (removed_at) WHERE removed_at IS NOT NULL;

-- step: transaction
COMMENT ON INDEX idx_passkeys_removed IS 'Passkeys that were removed, to be purged';
