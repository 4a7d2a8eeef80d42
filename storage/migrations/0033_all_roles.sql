-- Porta 1.x told every client all roles and permissions of a person. Here a client is told those of its
-- application; one that relied on more is switched, by itself, to what it was told before.

ALTER TABLE clients ADD COLUMN tells_all_roles BOOLEAN NOT NULL DEFAULT FALSE;
