-- What a client of Porta 1.x could not say of itself, and the resources that tokens are asked for.

ALTER TABLE clients
    ADD COLUMN is_first_party BOOLEAN NOT NULL DEFAULT TRUE,
    ADD COLUMN access_token_format VARCHAR(20) NOT NULL DEFAULT 'jwt'
        CHECK (access_token_format IN ('jwt', 'opaque')),
    ADD COLUMN id_token_signed_response_alg VARCHAR(10) NOT NULL DEFAULT 'ES256',
    ADD COLUMN metadata JSONB NOT NULL DEFAULT '{}';

CREATE TABLE api_resources (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    identifier TEXT NOT NULL,
    name VARCHAR(255) NOT NULL,
    scopes TEXT[] NOT NULL DEFAULT '{}',
    access_token_format VARCHAR(20) CHECK (access_token_format IN ('jwt', 'opaque')),
    access_token_ttl INTEGER CHECK (access_token_ttl > 0),
    status VARCHAR(20) NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive')),
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    UNIQUE (organization_id, identifier)
);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON api_resources
    FOR EACH ROW EXECUTE FUNCTION trigger_set_updated_at();
