-- What people are told that a scope of an API, or a claim, is. Without it they are told its name.

ALTER TABLE api_resources ADD COLUMN scope_texts JSONB NOT NULL DEFAULT '{}';
ALTER TABLE custom_claim_definitions ADD COLUMN title VARCHAR(255);
