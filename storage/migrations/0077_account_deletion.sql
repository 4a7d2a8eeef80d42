-- Whether the people of an organization may delete their own accounts. Nobody may unless somebody says so.

ALTER TABLE organizations
    ADD COLUMN account_deletion BOOLEAN NOT NULL DEFAULT FALSE;
