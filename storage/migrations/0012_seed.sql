-- The organization that administers the others, and the settings that an administrator may want to
-- see and change. A setting without a row has the default that the code gives it.

INSERT INTO organizations (name, slug, is_super_admin, branding_company_name, default_locale)
VALUES ('Porta Admin', 'porta-admin', TRUE, 'Porta', 'en');

INSERT INTO system_config (key, value, value_type, description) VALUES
    ('access_token_ttl', '"3600"', 'duration', 'Lifetime of an access token, in seconds'),
    ('id_token_ttl', '"3600"', 'duration', 'Lifetime of an ID token, in seconds'),
    ('magic_link_ttl', '"900"', 'duration', 'Lifetime of a sign-in link, in seconds'),
    ('password_reset_ttl', '"3600"', 'duration', 'Lifetime of a password reset link, in seconds'),
    ('invitation_ttl', '"604800"', 'duration', 'Lifetime of an invitation, in seconds'),
    ('max_failed_logins', '100', 'number', 'Wrong passwords in a row before an account is locked'),
    ('require_pkce', 'true', 'boolean', 'Whether every client has to use PKCE'),
    ('cors_max_age', '86400', 'number', 'How long a browser may keep a preflight, in seconds'),
    ('audit_retention_days', '90', 'number', 'Days that an entry of the audit log is kept');
