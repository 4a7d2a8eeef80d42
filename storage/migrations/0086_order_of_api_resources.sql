-- Pages of an organization's API resources are turned without reading all of them.

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_api_resources_name
    ON api_resources (organization_id, name, id);

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_api_resources_created
    ON api_resources (organization_id, created_at, id);

-- step: transaction
COMMENT ON INDEX idx_api_resources_created IS 'Pages of API resources, by when they were made';
