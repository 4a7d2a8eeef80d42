-- Set-up links: by one, somebody who administers nothing connects one identity provider to an organization,
-- or proves one domain of it. What they type stays here until a sign-in at it was tried (decisions/0048).

CREATE TABLE setup_links (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    token_hash TEXT NOT NULL UNIQUE,
    provider TEXT,
    name TEXT,
    -- The id that its connection will have: the callback that is registered at the provider names it.
    connection_id UUID,
    domain_id UUID REFERENCES domains (id) ON DELETE CASCADE,
    sent_to TEXT,
    made_by UUID REFERENCES users (id) ON DELETE CASCADE,
    made_by_client UUID REFERENCES clients (id) ON DELETE CASCADE,
    browser TEXT,
    draft JSONB,
    draft_number INTEGER NOT NULL DEFAULT 0,
    tests INTEGER NOT NULL DEFAULT 0,
    tested JSONB,
    begun_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ,
    expires_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(provider, domain_id) = 1),
    CHECK ((provider IS NULL) = (connection_id IS NULL) AND (provider IS NULL) = (name IS NULL))
);

CREATE INDEX idx_setup_links_organization ON setup_links (organization_id, created_at, id);
CREATE INDEX idx_setup_links_expires ON setup_links (expires_at);
CREATE INDEX idx_setup_links_sent_to ON setup_links (sent_to) WHERE sent_to IS NOT NULL;
CREATE INDEX idx_setup_links_domain ON setup_links (domain_id) WHERE domain_id IS NOT NULL;
CREATE INDEX idx_setup_links_made_by ON setup_links (made_by) WHERE made_by IS NOT NULL;
CREATE INDEX idx_setup_links_made_by_client ON setup_links (made_by_client) WHERE made_by_client IS NOT NULL;

CREATE POLICY tenant ON setup_links USING ((organization_id = porta_tenant()) IS TRUE);
