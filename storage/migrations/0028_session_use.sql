-- When a session was last used. Those that stand count as used now; no row is written for it.

ALTER TABLE sessions ADD COLUMN used_at TIMESTAMPTZ NOT NULL DEFAULT now();
