-- Sign-in with others: the identity providers of an organization, and which of its people are whom there.

CREATE TABLE connections (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    provider TEXT NOT NULL,
    name TEXT NOT NULL,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    client_secret TEXT,
    scopes TEXT[] NOT NULL DEFAULT '{}',
    options JSONB NOT NULL DEFAULT '{}',
    claim_mapping JSONB NOT NULL DEFAULT '{}',
    role_mapping JSONB NOT NULL DEFAULT '[]',
    allowed_tenants TEXT[] NOT NULL DEFAULT '{}',
    allowed_domains TEXT[] NOT NULL DEFAULT '{}',
    authoritative_domains TEXT[] NOT NULL DEFAULT '{}',
    creates_accounts BOOLEAN NOT NULL DEFAULT FALSE,
    trusts_second_factor BOOLEAN NOT NULL DEFAULT FALSE,
    status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive')),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    version BIGINT NOT NULL DEFAULT 1,
    UNIQUE (organization_id, name),
    UNIQUE (id, organization_id)
);

CREATE TRIGGER next_version BEFORE UPDATE ON connections
    FOR EACH ROW EXECUTE FUNCTION porta_next_version();
CREATE TRIGGER set_updated_at BEFORE UPDATE ON connections
    FOR EACH ROW EXECUTE FUNCTION trigger_set_updated_at();
CREATE TRIGGER notify_changed AFTER INSERT OR UPDATE OR DELETE ON connections
    FOR EACH ROW EXECUTE FUNCTION porta_notify_changed('organization_id');

-- An identity is one of one organization: its connection's, and its person's.
CREATE TABLE identities (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id UUID NOT NULL,
    connection_id UUID NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    email TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    last_used_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (connection_id, issuer, subject),
    FOREIGN KEY (connection_id, organization_id) REFERENCES connections (id, organization_id) ON DELETE CASCADE
);

CREATE INDEX idx_identities_user ON identities (user_id);

CREATE POLICY tenant ON connections USING ((organization_id = porta_tenant()) IS TRUE);
CREATE POLICY tenant ON identities USING ((organization_id = porta_tenant()) IS TRUE);
