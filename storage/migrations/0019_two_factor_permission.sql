-- The permission to reset someone's second factor, for the administration roles of an installation
-- that was set up before the permission existed. Porta 1.x tried the same and failed on a column
-- that does not exist; where it succeeded, nothing is left to do.

INSERT INTO permissions (application_id, name, slug, description)
SELECT id, 'Admin User', 'admin:user:2fa', 'Manage the second factor of a user'
FROM applications WHERE slug = 'porta-admin'
ON CONFLICT (application_id, slug) DO NOTHING;

INSERT INTO role_permissions (role_id, permission_id)
SELECT roles.id, permissions.id
FROM applications
JOIN roles ON roles.application_id = applications.id
JOIN permissions ON permissions.application_id = applications.id
WHERE applications.slug = 'porta-admin'
    AND permissions.slug = 'admin:user:2fa'
    AND roles.slug IN ('porta-super-admin', 'porta-user-admin', 'porta-admin')
ON CONFLICT DO NOTHING;
