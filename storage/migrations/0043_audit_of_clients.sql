-- What administrators did to a client is looked for by its client_id, which stands in the metadata.

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_audit_log_client
    ON audit_log ((metadata ->> 'client_id'), created_at DESC)
    WHERE event_category = 'admin' AND (metadata ->> 'client_id') IS NOT NULL;

-- step: transaction
COMMENT ON INDEX idx_audit_log_client IS 'the history of a client';
