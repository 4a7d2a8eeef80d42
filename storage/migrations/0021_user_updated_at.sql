-- The claim updated_at tells when a person's information changed (OpenID Connect Core §5.1).
-- Counting a sign-in or a wrong password is no such change.

DROP TRIGGER set_updated_at ON users;

CREATE TRIGGER set_updated_at BEFORE UPDATE OF
    email, email_verified, password_hash, password_changed_at,
    given_name, family_name, middle_name, nickname, preferred_username,
    profile_url, picture_url, website_url, gender, birthdate, zoneinfo, locale,
    phone_number, phone_number_verified,
    address_street, address_locality, address_region, address_postal_code, address_country,
    two_factor_enabled, two_factor_method
    ON users FOR EACH ROW EXECUTE FUNCTION trigger_set_updated_at();
