-- Parts of names and identifiers of API resources are found without reading all of an organization.

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_api_resources_search
    ON api_resources USING gin ((name || E'\x1f' || identifier) gin_trgm_ops);

-- step: transaction
-- What an index computes has statistics of its own, which the planner needs to choose it.
ANALYZE api_resources;
