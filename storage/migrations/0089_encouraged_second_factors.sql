-- A second factor may be encouraged: offered at the sign-in of whoever has none, who may put it off.

-- step: transaction
ALTER TABLE users ADD COLUMN IF NOT EXISTS two_factor_put_off_until TIMESTAMPTZ;

-- Putting it off is no change of a person, as signing in is none.
CREATE OR REPLACE FUNCTION porta_next_user_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before users%ROWTYPE := OLD;
BEGIN
    before.login_count := NEW.login_count;
    before.last_login_at := NEW.last_login_at;
    before.failed_login_count := NEW.failed_login_count;
    before.last_failed_login_at := NEW.last_failed_login_at;
    before.failures_since := NEW.failures_since;
    before.two_factor_put_off_until := NEW.two_factor_put_off_until;
    before.updated_at := NEW.updated_at;
    IF NEW IS DISTINCT FROM before THEN
        NEW.version := OLD.version + 1;
    END IF;
    RETURN NEW;
END;
$$;

-- step: transaction
ALTER TABLE organizations
    DROP CONSTRAINT IF EXISTS organizations_two_factor_policy_check,
    ADD CONSTRAINT organizations_two_factor_policy_check CHECK (two_factor_policy IN
        ('optional', 'encouraged', 'required_email', 'required_totp', 'required_passkey', 'required_any')) NOT VALID;

-- step: transaction
ALTER TABLE organizations VALIDATE CONSTRAINT organizations_two_factor_policy_check;
