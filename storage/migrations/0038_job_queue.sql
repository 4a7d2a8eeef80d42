-- Jobs as a queue: whose they are, who runs them, how far they are, and the end that is no success.
-- A job is ready when a worker may take it; else it waits until `run_at`, or while a lease lasts.

ALTER TABLE jobs
    ADD COLUMN organization_id UUID REFERENCES organizations (id) ON DELETE CASCADE,
    ADD COLUMN priority SMALLINT NOT NULL DEFAULT 0,
    ADD COLUMN ready BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN lease UUID,
    ADD COLUMN dead_at TIMESTAMPTZ,
    ADD COLUMN schedule VARCHAR(100) UNIQUE,
    ADD COLUMN progress_done BIGINT,
    ADD COLUMN progress_total BIGINT,
    ADD COLUMN progress_message TEXT,
    ADD CONSTRAINT jobs_ready_is_free
        CHECK (NOT ready OR (lease IS NULL AND done_at IS NULL AND dead_at IS NULL));

-- Queues have their turn one after the other: each organization's, and that of the installation.
ALTER TABLE jobs ADD COLUMN queue UUID NOT NULL
    GENERATED ALWAYS AS (COALESCE(organization_id, '00000000-0000-0000-0000-000000000000')) STORED;

DROP INDEX idx_jobs_due;
CREATE INDEX idx_jobs_ready ON jobs (queue, priority, run_at, id) WHERE ready;
CREATE INDEX idx_jobs_waiting ON jobs (COALESCE(locked_until, run_at))
    WHERE NOT ready AND done_at IS NULL AND dead_at IS NULL;
CREATE INDEX idx_jobs_pending ON jobs (queue) WHERE done_at IS NULL AND dead_at IS NULL;
CREATE INDEX idx_jobs_dead ON jobs (dead_at) WHERE dead_at IS NOT NULL;
CREATE INDEX idx_jobs_organization ON jobs (organization_id, id);
