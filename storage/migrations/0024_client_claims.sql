-- What finished applications need to find in tokens, and who may introspect them (RFC 7662 §4).

ALTER TABLE organizations
    ADD COLUMN require_pkce BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN id_token_claims BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN id_token_signed_response_alg VARCHAR(10) NOT NULL DEFAULT 'ES256',
    ADD COLUMN email_as_username BOOLEAN NOT NULL DEFAULT TRUE;

ALTER TABLE clients
    -- NULL: as the organization says.
    ADD COLUMN id_token_claims BOOLEAN,
    ADD COLUMN access_token_type VARCHAR(10) NOT NULL DEFAULT 'at+jwt'
        CHECK (access_token_type IN ('at+jwt', 'JWT')),
    ADD COLUMN access_token_signing_alg VARCHAR(10) NOT NULL DEFAULT 'ES256',
    ADD COLUMN roles_claim VARCHAR(100),
    ADD COLUMN introspects_organization BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE api_resources
    -- NULL: as the client says.
    ADD COLUMN access_token_type VARCHAR(10) CHECK (access_token_type IN ('at+jwt', 'JWT')),
    ADD COLUMN access_token_signing_alg VARCHAR(10),
    ADD COLUMN introspection_clients TEXT[] NOT NULL DEFAULT '{}';
