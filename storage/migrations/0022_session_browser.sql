-- The sessions of one browser: a sign-in takes the place of the one before.

CREATE INDEX idx_sessions_browser ON sessions ((payload ->> 'browser'));
