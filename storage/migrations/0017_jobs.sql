-- What is to be done later. A worker takes a job by setting `locked_until`.

CREATE TABLE jobs (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind VARCHAR(100) NOT NULL,
    payload JSON NOT NULL DEFAULT '{}',
    run_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    attempts INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL DEFAULT 10 CHECK (max_attempts > 0),
    locked_until TIMESTAMPTZ,
    last_error TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    done_at TIMESTAMPTZ
);

CREATE INDEX idx_jobs_due ON jobs (run_at) WHERE done_at IS NULL;
CREATE INDEX idx_jobs_done ON jobs (done_at) WHERE done_at IS NOT NULL;
