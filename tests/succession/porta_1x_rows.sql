-- Rows for the tables that the fixture of the adoption leaves empty, and an organization whose people
-- sign in with a password alone. The password of everybody is "correct horse battery staple".

INSERT INTO organizations (id, name, slug, branding_company_name, default_login_methods) VALUES
    ('00000000-0000-4000-8000-000000000004', 'Dock', 'dock', 'Dock & Sons', '{password,magic_link}');
INSERT INTO users (id, organization_id, email, email_verified, password_hash, password_changed_at, given_name)
SELECT ('00000000-0000-4000-8000-0000000000' || n)::uuid, '00000000-0000-4000-8000-000000000004',
    name || '@dock.example', TRUE,
    '$argon2id$v=19$m=65536,t=3,p=4$aPB2Os1wO7PcgW+bBXrU0g$F8+ZK0rgwfLNLTsv1Cn9oSCmsm5pA3VBoRC69mQZVbg',
    '2025-02-02', initcap(name)
FROM (VALUES (24, 'cleo'), (25, 'dora'), (26, 'egon')) AS people (n, name);
INSERT INTO user_roles (user_id, role_id) VALUES
    ('00000000-0000-4000-8000-000000000024', '00000000-0000-4000-8000-000000000044');

INSERT INTO clients (
    id, organization_id, application_id, client_id, client_name, client_type, redirect_uris, grant_types, scope,
    token_endpoint_auth_method
) VALUES
    ('00000000-0000-4000-8000-000000000034', '00000000-0000-4000-8000-000000000004',
     '00000000-0000-4000-8000-000000000012', 'dock-web', 'Dock', 'confidential', '{http://127.0.0.1:9009/callback}',
     '{authorization_code,refresh_token}', 'openid profile email offline_access', 'client_secret_basic'),
    ('00000000-0000-4000-8000-000000000035', '00000000-0000-4000-8000-000000000004',
     '00000000-0000-4000-8000-000000000012', 'dock-other', 'Dock too', 'confidential', '{https://o.example/callback}',
     '{authorization_code,refresh_token}', 'openid profile email offline_access', 'client_secret_basic');
-- Both have the secret of the fixture: kq3v-confidential-secret-of-the-fixture-0123456789-abcdefghijklm
INSERT INTO client_secrets (client_id, secret_hash, secret_sha256) SELECT id,
    '$argon2id$v=19$m=65536,t=3,p=4$rNmfCTdcZHjxi552mwc5Tg$T1vbQ77fscZ9NqeI+82lq0oaVaXtiKZvyLPWwSnJDu8',
    '4e9997b9b1dea8c6c77fffc1d71646d80b19b022dbfca9b0de455c27098fc3d4'
FROM clients WHERE client_id LIKE 'dock-%';

INSERT INTO magic_link_tokens (user_id, token_hash, expires_at) VALUES
    ('00000000-0000-4000-8000-000000000024', repeat('ba', 32), now() + interval '1 hour');
INSERT INTO password_reset_tokens (user_id, token_hash, expires_at, used_at) VALUES
    ('00000000-0000-4000-8000-000000000025', repeat('bb', 32), '2025-07-01', '2025-06-30'),
    ('00000000-0000-4000-8000-000000000025', repeat('bc', 32), now() + interval '1 hour', NULL);
INSERT INTO two_factor_otp_codes (user_id, code_hash, expires_at) VALUES
    ('00000000-0000-4000-8000-000000000023', repeat('cc', 32), '2025-07-01');
INSERT INTO two_factor_recovery_codes (user_id, code_hash) VALUES
    ('00000000-0000-4000-8000-000000000023', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaA');
INSERT INTO branding_assets (organization_id, asset_type, content_type, data, file_size) VALUES
    ('00000000-0000-4000-8000-000000000004', 'logo', 'image/png', '\x89504e47', 4);
INSERT INTO admin_sessions (session_id, user_id, expires_at) VALUES
    (repeat('s', 43), '00000000-0000-4000-8000-000000000021', now() + interval '1 day');
INSERT INTO permissions (application_id, module_id, name, slug)
SELECT application_id, id, 'Write orders', 'shop:order:write' FROM application_modules;

INSERT INTO audit_log (organization_id, user_id, event_type, event_category, created_at)
SELECT '00000000-0000-4000-8000-000000000004', '00000000-0000-4000-8000-000000000024', 'user.login.password',
    'authentication', now() - day * interval '1 day'
FROM generate_series(1, 400) day;

INSERT INTO oidc_payloads (id, type, payload, grant_id, expires_at)
SELECT id, type, jsonb_build_object('jti', id, 'kind', type, 'grantId', 'grant-of-cleo',
    'iat', extract(epoch FROM now())::bigint, 'exp', extract(epoch FROM now())::bigint + 86400,
    'accountId', '00000000-0000-4000-8000-000000000024', 'clientId', 'dock-web',
    'scope', 'openid profile email offline_access'),
    CASE type WHEN 'Grant' THEN NULL ELSE 'grant-of-cleo' END, now() + interval '1 day'
FROM (VALUES (repeat('A', 43), 'AccessToken'), (repeat('R', 43), 'RefreshToken'), ('grant-of-cleo', 'Grant'))
    AS left_behind (id, type);
