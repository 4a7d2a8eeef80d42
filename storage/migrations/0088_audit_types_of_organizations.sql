-- What happened in one organization is found by its type, however long ago it was. An entry is written
-- with every sign-in: so that it has no index more, the one by category goes, which nothing reads.

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_audit_log_org_event
    ON audit_log (organization_id, event_type, created_at DESC);

-- step: transaction
DROP INDEX IF EXISTS idx_audit_log_category;
COMMENT ON INDEX idx_audit_log_org_event IS 'the history of an organization, by the type of event';
