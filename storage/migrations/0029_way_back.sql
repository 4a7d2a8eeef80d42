-- Whether Porta 1.x may come back: in a database that was taken over, until `porta migrate finish`.

INSERT INTO system_config (key, value, value_type, description)
SELECT 'way_back', 'true', 'boolean', 'Whether Porta 1.x may come back; porta migrate finish ends it'
WHERE to_regclass('pgmigrations') IS NOT NULL
ON CONFLICT (key) DO NOTHING;

-- 1.x deleted entries when it was asked to. The setting of this name deletes nothing any more: every
-- database of 1.x has it, and nobody has decided to lose what is older.

UPDATE system_config SET description = 'Without effect: audit_log_retention_days is what counts'
WHERE key = 'audit_retention_days' AND to_regclass('pgmigrations') IS NULL;

-- A hash that is made anew is no new password. Whoever sets one dates it: password_changed_at.

DROP TRIGGER set_updated_at ON users;

CREATE TRIGGER set_updated_at BEFORE UPDATE OF
    email, email_verified, password_changed_at,
    given_name, family_name, middle_name, nickname, preferred_username,
    profile_url, picture_url, website_url, gender, birthdate, zoneinfo, locale,
    phone_number, phone_number_verified,
    address_street, address_locality, address_region, address_postal_code, address_country,
    two_factor_enabled, two_factor_method
    ON users FOR EACH ROW EXECUTE FUNCTION trigger_set_updated_at();
