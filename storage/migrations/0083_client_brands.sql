-- A client may look other than its organization, where it is the organization's own.

ALTER TABLE clients ADD COLUMN IF NOT EXISTS brand JSONB;

COMMENT ON COLUMN clients.brand IS
    'What its pages show in the place of the organization''s look; NULL is that look. Shown of first-party clients alone';
