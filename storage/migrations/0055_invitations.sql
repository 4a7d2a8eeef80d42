-- Invitations are listed by their organization, and counted by who invites: a person, or a client. Porta
-- 1.x names neither an organization nor a client: the first is filled in for it.

-- step: transaction
ALTER TABLE invitation_tokens ADD COLUMN IF NOT EXISTS organization_id UUID;
ALTER TABLE invitation_tokens ADD COLUMN IF NOT EXISTS invited_by_client UUID;
ALTER TABLE invitation_tokens ADD COLUMN IF NOT EXISTS sent_to CITEXT;
CREATE OR REPLACE FUNCTION porta_invitation_organization() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.organization_id := (SELECT organization_id FROM users WHERE id = NEW.user_id);
    RETURN NEW;
END;
$$;
DROP TRIGGER IF EXISTS organization ON invitation_tokens;
CREATE TRIGGER organization BEFORE INSERT ON invitation_tokens
    FOR EACH ROW EXECUTE FUNCTION porta_invitation_organization();

-- step: transaction
UPDATE invitation_tokens i SET organization_id = u.organization_id
    FROM users u WHERE u.id = i.user_id AND i.organization_id IS NULL AND i.used_at IS NULL;

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_invitation_pending
    ON invitation_tokens (organization_id, created_at, id) WHERE used_at IS NULL;

-- step: concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_invitation_inviter
    ON invitation_tokens ((COALESCE(invited_by, invited_by_client)), created_at);

-- step: transaction
COMMENT ON INDEX idx_invitation_pending IS 'the invitations that wait, of an organization';
COMMENT ON INDEX idx_invitation_inviter IS 'what somebody sent within an hour';
