-- A client that may end what people of its organization hold (Global Token Revocation). Versions
-- before this one know no such client: the default lets none.

ALTER TABLE clients ADD COLUMN IF NOT EXISTS revokes_globally BOOLEAN NOT NULL DEFAULT FALSE;
