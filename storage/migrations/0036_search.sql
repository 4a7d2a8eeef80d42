-- Administrators look for parts of names, and page through long lists: neither may read a table.

-- step: transaction
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_organizations_search
    ON organizations USING gin ((name || E'\x1f' || slug) gin_trgm_ops);

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_organizations_created ON organizations (created_at, id);

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_organizations_name ON organizations (name, id);

-- step: transaction
-- What an index computes has statistics of its own, which the planner needs to choose it.
ANALYZE organizations;
