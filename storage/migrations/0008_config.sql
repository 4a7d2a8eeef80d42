-- Settings that change while Porta runs, and the keys it signs with.

CREATE TABLE system_config (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    key VARCHAR(255) NOT NULL UNIQUE,
    value JSONB NOT NULL,
    value_type VARCHAR(20) NOT NULL DEFAULT 'string'
        CHECK (value_type IN ('string', 'number', 'boolean', 'duration', 'json')),
    description TEXT,
    is_sensitive BOOLEAN NOT NULL DEFAULT FALSE,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON system_config
    FOR EACH ROW EXECUTE FUNCTION trigger_set_updated_at();

CREATE TABLE signing_keys (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    kid VARCHAR(255) NOT NULL UNIQUE,
    algorithm VARCHAR(10) NOT NULL DEFAULT 'ES256',
    public_key TEXT NOT NULL,
    private_key TEXT NOT NULL,
    status VARCHAR(20) NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'retired', 'revoked')),
    activated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    retired_at TIMESTAMPTZ,
    expires_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    private_key_iv VARCHAR(24),
    private_key_tag VARCHAR(32),
    encrypted BOOLEAN NOT NULL DEFAULT FALSE
);

CREATE INDEX idx_signing_keys_status ON signing_keys (status);
CREATE INDEX idx_signing_keys_active ON signing_keys (status) WHERE status = 'active';
