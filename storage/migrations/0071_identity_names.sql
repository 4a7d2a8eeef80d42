-- What somebody is called at another provider that tells no address: for people, who look for their own.

ALTER TABLE identities ADD COLUMN name TEXT;
