-- How often something was tried within its window. Losing these rows in a crash is no loss:
-- an unlogged table spares every attempt the write-ahead log.

CREATE UNLOGGED TABLE rate_counters (
    key TEXT COLLATE "C" PRIMARY KEY,
    window_ends_at TIMESTAMPTZ NOT NULL,
    count INTEGER NOT NULL
);

CREATE INDEX idx_rate_counters_window_ends ON rate_counters (window_ends_at);
