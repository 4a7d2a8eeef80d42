-- A way back to Porta 1.x, which loads every active and retired row of signing_keys when it starts,
-- and refuses to with one that it cannot use. signing_keys holds what it can: ES256 keys of the
-- global ring, encrypted as it does it. All other keys stand in a table that it does not know.
--
-- An instance of the version before misses the keys that move, and answers 503 where it has to sign
-- with one of them, until it is replaced. Global ES256 keys that are bound to their rows move too,
-- and come back, in the form of 1.x, when a server with the encryption key starts.

CREATE TABLE ring_keys (
    LIKE signing_keys INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    PRIMARY KEY (id),
    UNIQUE (kid),
    FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);

CREATE INDEX idx_ring_keys_ring ON ring_keys (organization_id, algorithm, status);

CREATE TRIGGER notify_changed AFTER INSERT OR UPDATE OR DELETE ON ring_keys
    FOR EACH ROW EXECUTE FUNCTION porta_notify_changed('kid');

INSERT INTO ring_keys SELECT * FROM signing_keys
WHERE algorithm <> 'ES256' OR organization_id IS NOT NULL OR private_key LIKE 'bound:%';

DELETE FROM signing_keys
WHERE algorithm <> 'ES256' OR organization_id IS NOT NULL OR private_key LIKE 'bound:%';

ALTER TABLE signing_keys ADD CONSTRAINT signing_keys_way_back CHECK (
    algorithm = 'ES256' AND organization_id IS NULL AND private_key NOT LIKE 'bound:%'
);
