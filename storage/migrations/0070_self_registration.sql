-- Who may make an account of an organization for themselves: nobody, as before; whoever has an address of
-- one of these domains; or anybody.

ALTER TABLE organizations
    ADD COLUMN registration TEXT NOT NULL DEFAULT 'closed' CHECK (registration IN ('closed', 'domain', 'open')),
    ADD COLUMN registration_domains TEXT[] NOT NULL DEFAULT '{}';
