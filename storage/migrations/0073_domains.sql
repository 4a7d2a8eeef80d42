-- Domains of an organization, proven by a DNS record, and the connection that their addresses sign in at.
-- Each organization proves a domain by a challenge of its own: others may have proven the same one.

CREATE TABLE domains (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    domain TEXT NOT NULL,
    challenge TEXT NOT NULL,
    connection_id UUID,
    mode TEXT NOT NULL DEFAULT 'offer' CHECK (mode IN ('offer', 'require')),
    verified_at TIMESTAMPTZ,
    checked_at TIMESTAMPTZ,
    failures INTEGER NOT NULL DEFAULT 0,
    lapsed_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    version BIGINT NOT NULL DEFAULT 1,
    UNIQUE (organization_id, domain),
    FOREIGN KEY (connection_id, organization_id) REFERENCES connections (id, organization_id)
        ON DELETE SET NULL (connection_id)
);

CREATE INDEX idx_domains_connection ON domains (connection_id) WHERE connection_id IS NOT NULL;
CREATE INDEX idx_domains_checked ON domains (checked_at) WHERE verified_at IS NOT NULL;

CREATE TRIGGER next_version BEFORE UPDATE ON domains
    FOR EACH ROW EXECUTE FUNCTION porta_next_version();
CREATE TRIGGER set_updated_at BEFORE UPDATE ON domains
    FOR EACH ROW EXECUTE FUNCTION trigger_set_updated_at();
CREATE TRIGGER notify_changed AFTER INSERT OR UPDATE OR DELETE ON domains
    FOR EACH ROW EXECUTE FUNCTION porta_notify_changed('organization_id');

CREATE POLICY tenant ON domains USING ((organization_id = porta_tenant()) IS TRUE);
