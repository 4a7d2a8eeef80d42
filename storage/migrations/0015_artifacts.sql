-- What the protocol leaves behind for a time. `id` is the digest of the value a client presents.
--
-- No foreign keys and few indexes: these rows are written on every request and read by their id.
-- A token of an account lives only as long as its family: revoking one row kills them all.

CREATE TABLE artifacts (
    id TEXT COLLATE "C" PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    organization_id UUID NOT NULL,
    payload JSON NOT NULL,
    grant_id TEXT COLLATE "C",
    family_id TEXT COLLATE "C",
    uid TEXT COLLATE "C",
    user_code TEXT COLLATE "C",
    account_id UUID,
    client_id TEXT COLLATE "C",
    expires_at TIMESTAMPTZ NOT NULL,
    consumed_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

CREATE INDEX idx_artifacts_expires ON artifacts (expires_at);
CREATE INDEX idx_artifacts_grant ON artifacts (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX idx_artifacts_uid ON artifacts (uid) WHERE uid IS NOT NULL;
CREATE INDEX idx_artifacts_user_code ON artifacts (user_code) WHERE user_code IS NOT NULL;
CREATE INDEX idx_artifacts_grants_of_session ON artifacts ((payload ->> 'session_uid'))
    WHERE kind = 'Grant';

CREATE TABLE sessions (LIKE artifacts INCLUDING DEFAULTS, PRIMARY KEY (id));

CREATE INDEX idx_sessions_expires ON sessions (expires_at);
CREATE INDEX idx_sessions_uid ON sessions (uid);
CREATE INDEX idx_sessions_account ON sessions (account_id);

CREATE TABLE token_families (
    id TEXT COLLATE "C" PRIMARY KEY,
    organization_id UUID NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    account_id UUID NOT NULL,
    grant_id TEXT COLLATE "C" NOT NULL,
    session_uid TEXT COLLATE "C" NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    redeemed_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    revoked_reason TEXT
);

CREATE INDEX idx_token_families_expires ON token_families (expires_at);
CREATE INDEX idx_token_families_session ON token_families (session_uid);
CREATE INDEX idx_token_families_grant ON token_families (grant_id);
CREATE INDEX idx_token_families_account ON token_families (account_id);
