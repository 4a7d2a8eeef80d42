-- What a job made for somebody: a report to be fetched by whoever asked for it, for a day.
-- `result` is encrypted: a secret that is shown once may be in it.

CREATE TABLE job_results (
    job_id BIGINT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    owner TEXT COLLATE "C" NOT NULL,
    result TEXT,
    expires_at TIMESTAMPTZ NOT NULL
);

CREATE INDEX idx_job_results_expires ON job_results (expires_at);
