-- A job that somebody cancelled. To the version before it is a dead letter: no worker takes it.
ALTER TABLE jobs ADD COLUMN cancelled_at TIMESTAMPTZ;
