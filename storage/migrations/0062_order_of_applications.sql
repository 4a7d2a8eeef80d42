-- As for organizations and clients: pages of applications are turned without reading all of them.

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_applications_created ON applications (created_at, id);

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_applications_name ON applications (name, id);

-- step: transaction
COMMENT ON INDEX idx_applications_created IS 'Pages of applications, by when they were made';
