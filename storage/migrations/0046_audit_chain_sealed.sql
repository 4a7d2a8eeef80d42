-- Entries are sealed into a hash chain of their organization after they are written, by one job: who
-- writes one waits for nobody. What waits is listed by a trigger, for Porta 1.x writes too.

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_audit_log_actor
    ON audit_log (actor_id, created_at DESC) WHERE actor_id IS NOT NULL;

-- step: transaction
-- A trail that forgets whose it was when they are deleted is none; and a proof must not change.
DO $$
DECLARE
    name TEXT;
BEGIN
    FOR name IN SELECT conname FROM pg_constraint
        WHERE conrelid = 'audit_log'::regclass AND contype = 'f' LOOP
        EXECUTE format('ALTER TABLE audit_log DROP CONSTRAINT %I', name);
    END LOOP;
END;
$$;

-- step: transaction
-- The two columns that go have always been empty: the chain stands in a table of its own.
ALTER TABLE audit_log
    ADD COLUMN IF NOT EXISTS actor_type VARCHAR(16),
    ADD COLUMN IF NOT EXISTS actor_client VARCHAR(255),
    ADD COLUMN IF NOT EXISTS mac BYTEA,
    DROP COLUMN IF EXISTS previous_hash,
    DROP COLUMN IF EXISTS hash;

-- step: transaction
CREATE TABLE IF NOT EXISTS audit_unsealed (
    sequence BIGINT PRIMARY KEY
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- One row: where sealing stands. Who seals, erases or shortens holds it.
CREATE TABLE IF NOT EXISTS audit_state (
    id BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (id),
    place BIGINT NOT NULL DEFAULT 0,
    backlog_after BIGINT NOT NULL DEFAULT 0,
    backlog_last BIGINT NOT NULL,
    closed_at BIGINT,
    unproven_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    checkpoint BIGINT NOT NULL DEFAULT 0,
    checkpoint_place BIGINT NOT NULL DEFAULT 0,
    checkpoint_hash BYTEA NOT NULL DEFAULT '',
    checkpoint_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

CREATE TABLE IF NOT EXISTS audit_chains (
    chain UUID PRIMARY KEY,
    position BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    place BIGINT NOT NULL
);

CREATE INDEX IF NOT EXISTS idx_audit_chains_place ON audit_chains (place);

CREATE TABLE IF NOT EXISTS audit_seals (
    place BIGINT PRIMARY KEY,
    chain UUID NOT NULL,
    position BIGINT NOT NULL,
    entry UUID NOT NULL UNIQUE,
    proof VARCHAR(8) NOT NULL,
    origin BYTEA NOT NULL,
    origin_salt BYTEA,
    content BYTEA NOT NULL,
    content_salt BYTEA,
    sealed_at TIMESTAMPTZ NOT NULL,
    hash BYTEA NOT NULL,
    UNIQUE (chain, position)
);

CREATE TABLE IF NOT EXISTS audit_checkpoints (
    number BIGINT PRIMARY KEY,
    content TEXT NOT NULL,
    kid VARCHAR(64) NOT NULL,
    signature BYTEA NOT NULL
);

CREATE OR REPLACE FUNCTION porta_audit_recorded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_unsealed VALUES (NEW.sequence);
    RETURN NULL;
END;
$$;

-- step: transaction
-- The lock waits for who writes at this moment: what stands there then is the backlog, and whatever
-- comes later is listed, however late it is committed.
DROP TRIGGER IF EXISTS recorded ON audit_log;

CREATE TRIGGER recorded AFTER INSERT ON audit_log
    FOR EACH ROW EXECUTE FUNCTION porta_audit_recorded();

INSERT INTO audit_state (backlog_last, closed_at)
SELECT COALESCE(max(sequence), 0), CASE WHEN count(sequence) = 0 THEN 0 END FROM audit_log
ON CONFLICT (id) DO NOTHING;
