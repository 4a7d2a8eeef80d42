-- What a client calls roles, permissions and custom claims, and into which tokens they go.

ALTER TABLE clients
    ADD COLUMN claim_mappings JSONB NOT NULL DEFAULT '[]'
        CHECK (jsonb_typeof(claim_mappings) = 'array' AND jsonb_array_length(claim_mappings) <= 20);
