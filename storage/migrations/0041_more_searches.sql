-- As for organizations: parts of names are found, and pages are turned, without reading a table.

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_applications_search
    ON applications USING gin ((name || E'\x1f' || slug) gin_trgm_ops);

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_clients_search
    ON clients USING gin (client_name gin_trgm_ops);

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_clients_created ON clients (created_at, id);

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_clients_name ON clients (client_name, id);

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_users_search ON users USING gin (
    (email::text || E'\x1f' || COALESCE(given_name, '') || ' ' || COALESCE(family_name, ''))
    gin_trgm_ops
);

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_users_created
    ON users (organization_id, created_at, id);

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_users_given_name
    ON users (organization_id, COALESCE(given_name, ''), id);

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_users_family_name
    ON users (organization_id, COALESCE(family_name, ''), id);

-- step: transaction
COMMENT ON INDEX idx_users_search IS 'Parts of addresses and names, in any letter case';
