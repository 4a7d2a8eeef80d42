-- The last time step that a code was accepted for: none is accepted twice (RFC 6238 §5.2).
ALTER TABLE user_totp ADD COLUMN last_step BIGINT;
