-- What happened to an application is looked for by its id, which stands in the metadata.

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_audit_log_application
    ON audit_log ((metadata ->> 'application_id'), created_at DESC)
    WHERE (metadata ->> 'application_id') IS NOT NULL;

-- step: transaction
COMMENT ON INDEX idx_audit_log_application IS 'the history of an application';
