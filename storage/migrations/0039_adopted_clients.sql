-- Which clients Porta 1.x made. They may leave out a redirect URI that is the only one registered, as there
-- (RFC 6749 §3.1.2.3); no client of ours may, and ours are named as such when they are stored.

ALTER TABLE clients ADD COLUMN is_adopted BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE clients DISABLE TRIGGER set_updated_at;

UPDATE clients SET is_adopted = TRUE
WHERE to_regclass('pgmigrations') IS NOT NULL
    AND created_at < (SELECT applied_at FROM schema_migrations WHERE version = 1);

ALTER TABLE clients ENABLE TRIGGER set_updated_at;

-- Those that it makes while it serves beside us, or comes back, are its own too: until there is no way back.

CREATE FUNCTION porta_1x_may_come_back() RETURNS BOOLEAN LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM system_config WHERE key = 'way_back' AND value = 'true')
$$;

ALTER TABLE clients ALTER COLUMN is_adopted SET DEFAULT porta_1x_may_come_back();
