-- What the Admin API needs: sessions by when they began, delegations, answers kept by a key.
--
-- Administrators page through the sessions of everybody, and of one organization.

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_sessions_created ON sessions (created_at, uid);

-- step: concurrently
-- As text: where a session is looked for by its uid, no plan is to read those of an organization.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_sessions_organization
    ON sessions ((organization_id::text), created_at, uid);

-- step: transaction
-- Administrators of one organization, and clients that administer.
--
-- Not in `user_roles`: should Porta 1.x come back, a role there would hold everywhere.

CREATE TABLE delegations (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    client_id UUID UNIQUE REFERENCES clients (id) ON DELETE CASCADE,
    -- Of one whose organization is gone nothing is left but the restriction.
    organization_id UUID REFERENCES organizations (id) ON DELETE SET NULL,
    everywhere BOOLEAN NOT NULL DEFAULT FALSE,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    CHECK (num_nonnulls(user_id, client_id) = 1),
    -- Only a client administers everywhere by a delegation; a person does so by `user_roles`.
    CHECK (NOT everywhere OR (user_id IS NULL AND organization_id IS NULL))
);

CREATE INDEX idx_delegations_organization ON delegations (organization_id);

CREATE TABLE delegation_roles (
    delegation_id UUID NOT NULL REFERENCES delegations (id) ON DELETE CASCADE,
    role_id UUID NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    PRIMARY KEY (delegation_id, role_id)
);

CREATE INDEX idx_delegation_roles_role ON delegation_roles (role_id);

-- What a request with an Idempotency-Key was answered, so that a second one is answered the same.
-- `answer` is encrypted: a secret that is shown once may be in it.

CREATE TABLE idempotent_answers (
    actor TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    answer TEXT NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (actor, key)
);

CREATE INDEX idx_idempotent_answers_expires ON idempotent_answers (expires_at);
