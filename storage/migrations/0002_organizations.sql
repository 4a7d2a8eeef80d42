-- Organizations: the tenants.

CREATE TABLE organizations (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name VARCHAR(255) NOT NULL,
    slug VARCHAR(100) NOT NULL UNIQUE,
    status VARCHAR(20) NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'suspended', 'archived')),
    is_super_admin BOOLEAN NOT NULL DEFAULT FALSE,
    branding_logo_url TEXT,
    branding_favicon_url TEXT,
    branding_primary_color VARCHAR(7),
    branding_company_name VARCHAR(255),
    branding_custom_css TEXT,
    default_locale VARCHAR(10) DEFAULT 'en',
    two_factor_policy VARCHAR(20) NOT NULL DEFAULT 'optional'
        CHECK (two_factor_policy IN ('optional', 'required_email', 'required_totp', 'required_any')),
    default_login_methods TEXT[] NOT NULL DEFAULT '{password,magic_link}',
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

CREATE UNIQUE INDEX idx_organizations_super_admin ON organizations (is_super_admin)
    WHERE is_super_admin = TRUE;

CREATE TRIGGER set_updated_at BEFORE UPDATE ON organizations
    FOR EACH ROW EXECUTE FUNCTION trigger_set_updated_at();
