-- Two administrators who change one thing must not lose each other's change. Each row counts its
-- changes, those of Porta 1.x too: a moment would not tell apart two of one transaction.

-- step: transaction
CREATE OR REPLACE FUNCTION porta_next_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW IS DISTINCT FROM OLD THEN
        NEW.version := OLD.version + 1;
    END IF;
    RETURN NEW;
END;
$$;

-- Signing in, and failing to, is counted on the row of a person: nobody changed that.
CREATE OR REPLACE FUNCTION porta_next_user_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before users%ROWTYPE := OLD;
BEGIN
    before.login_count := NEW.login_count;
    before.last_login_at := NEW.last_login_at;
    before.failed_login_count := NEW.failed_login_count;
    before.last_failed_login_at := NEW.last_failed_login_at;
    before.failures_since := NEW.failures_since;
    before.updated_at := NEW.updated_at;
    IF NEW IS DISTINCT FROM before THEN
        NEW.version := OLD.version + 1;
    END IF;
    RETURN NEW;
END;
$$;

-- step: transaction
ALTER TABLE organizations ADD COLUMN IF NOT EXISTS version BIGINT NOT NULL DEFAULT 1;
DROP TRIGGER IF EXISTS next_version ON organizations;
CREATE TRIGGER next_version BEFORE UPDATE ON organizations
    FOR EACH ROW EXECUTE FUNCTION porta_next_version();

-- step: transaction
ALTER TABLE applications ADD COLUMN IF NOT EXISTS version BIGINT NOT NULL DEFAULT 1;
DROP TRIGGER IF EXISTS next_version ON applications;
CREATE TRIGGER next_version BEFORE UPDATE ON applications
    FOR EACH ROW EXECUTE FUNCTION porta_next_version();

-- step: transaction
ALTER TABLE application_modules ADD COLUMN IF NOT EXISTS version BIGINT NOT NULL DEFAULT 1;
DROP TRIGGER IF EXISTS next_version ON application_modules;
CREATE TRIGGER next_version BEFORE UPDATE ON application_modules
    FOR EACH ROW EXECUTE FUNCTION porta_next_version();

-- step: transaction
ALTER TABLE clients ADD COLUMN IF NOT EXISTS version BIGINT NOT NULL DEFAULT 1;
DROP TRIGGER IF EXISTS next_version ON clients;
CREATE TRIGGER next_version BEFORE UPDATE ON clients
    FOR EACH ROW EXECUTE FUNCTION porta_next_version();

-- step: transaction
ALTER TABLE users ADD COLUMN IF NOT EXISTS version BIGINT NOT NULL DEFAULT 1;
DROP TRIGGER IF EXISTS next_version ON users;
CREATE TRIGGER next_version BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION porta_next_user_version();

-- step: transaction
ALTER TABLE roles ADD COLUMN IF NOT EXISTS version BIGINT NOT NULL DEFAULT 1;
DROP TRIGGER IF EXISTS next_version ON roles;
CREATE TRIGGER next_version BEFORE UPDATE ON roles
    FOR EACH ROW EXECUTE FUNCTION porta_next_version();

-- step: transaction
ALTER TABLE permissions ADD COLUMN IF NOT EXISTS version BIGINT NOT NULL DEFAULT 1;
DROP TRIGGER IF EXISTS next_version ON permissions;
CREATE TRIGGER next_version BEFORE UPDATE ON permissions
    FOR EACH ROW EXECUTE FUNCTION porta_next_version();

-- step: transaction
ALTER TABLE custom_claim_definitions ADD COLUMN IF NOT EXISTS version BIGINT NOT NULL DEFAULT 1;
DROP TRIGGER IF EXISTS next_version ON custom_claim_definitions;
CREATE TRIGGER next_version BEFORE UPDATE ON custom_claim_definitions
    FOR EACH ROW EXECUTE FUNCTION porta_next_version();

-- step: transaction
ALTER TABLE custom_claim_values ADD COLUMN IF NOT EXISTS version BIGINT NOT NULL DEFAULT 1;
DROP TRIGGER IF EXISTS next_version ON custom_claim_values;
CREATE TRIGGER next_version BEFORE UPDATE ON custom_claim_values
    FOR EACH ROW EXECUTE FUNCTION porta_next_version();

-- step: transaction
ALTER TABLE api_resources ADD COLUMN IF NOT EXISTS version BIGINT NOT NULL DEFAULT 1;
DROP TRIGGER IF EXISTS next_version ON api_resources;
CREATE TRIGGER next_version BEFORE UPDATE ON api_resources
    FOR EACH ROW EXECUTE FUNCTION porta_next_version();

-- step: transaction
ALTER TABLE system_config ADD COLUMN IF NOT EXISTS version BIGINT NOT NULL DEFAULT 1;
DROP TRIGGER IF EXISTS next_version ON system_config;
CREATE TRIGGER next_version BEFORE UPDATE ON system_config
    FOR EACH ROW EXECUTE FUNCTION porta_next_version();

