-- Access tokens of Porta 1.x are opaque. Its clients keep them: those that were there before our
-- first migration, and those that it makes while it serves beside us or comes back, whose INSERT
-- does not name the column. Ours does.

ALTER TABLE clients ALTER COLUMN access_token_format SET DEFAULT 'opaque';

ALTER TABLE clients DISABLE TRIGGER set_updated_at;

UPDATE clients SET access_token_format = 'opaque'
WHERE access_token_format = 'jwt' AND to_regclass('pgmigrations') IS NOT NULL
    AND created_at < (SELECT applied_at FROM schema_migrations WHERE version = 1);

ALTER TABLE clients ENABLE TRIGGER set_updated_at;
