-- What an organization asks of new passwords beside the rules for everybody: more characters than these, and
-- none that was seen in a leak. Neither, as before, unless somebody says so.

ALTER TABLE organizations
    ADD COLUMN password_min_length SMALLINT CHECK (password_min_length BETWEEN 8 AND 64),
    ADD COLUMN refuse_breached_passwords BOOLEAN NOT NULL DEFAULT FALSE;
