-- Every instance keeps configuration for up to a minute. Whoever changes a row of it says so on the
-- channel porta_changed, as "table:key"; the notification is sent when the transaction commits.

CREATE FUNCTION porta_notify(changed TEXT, key TEXT) RETURNS void LANGUAGE sql AS $$
    SELECT pg_notify('porta_changed', changed || ':' || key) WHERE key IS NOT NULL;
$$;

-- The argument names the column of the key; without one, the key is empty.
CREATE FUNCTION porta_notify_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before TEXT;
    after TEXT;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        before := CASE WHEN TG_NARGS = 0 THEN '' ELSE to_jsonb(OLD) ->> TG_ARGV[0] END;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        after := CASE WHEN TG_NARGS = 0 THEN '' ELSE to_jsonb(NEW) ->> TG_ARGV[0] END;
    END IF;
    PERFORM porta_notify(TG_TABLE_NAME, after);
    IF before IS DISTINCT FROM after THEN
        PERFORM porta_notify(TG_TABLE_NAME, before);
    END IF;
    RETURN NULL;
END;
$$;

-- A secret is read with its client: the key is the client's client_id.
CREATE FUNCTION porta_notify_client_secret() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner UUID := CASE WHEN TG_OP = 'DELETE' THEN OLD.client_id ELSE NEW.client_id END;
BEGIN
    PERFORM porta_notify('client_secrets', client_id) FROM clients WHERE id = owner;
    RETURN NULL;
END;
$$;

CREATE TRIGGER notify_changed AFTER INSERT OR UPDATE OR DELETE ON organizations
    FOR EACH ROW EXECUTE FUNCTION porta_notify_changed('slug');
CREATE TRIGGER notify_changed AFTER INSERT OR UPDATE OR DELETE ON clients
    FOR EACH ROW EXECUTE FUNCTION porta_notify_changed('client_id');
CREATE TRIGGER notify_changed AFTER INSERT OR UPDATE OR DELETE ON applications
    FOR EACH ROW EXECUTE FUNCTION porta_notify_changed();
CREATE TRIGGER notify_changed AFTER INSERT OR UPDATE OR DELETE ON custom_claim_definitions
    FOR EACH ROW EXECUTE FUNCTION porta_notify_changed();
CREATE TRIGGER notify_changed AFTER INSERT OR UPDATE OR DELETE ON api_resources
    FOR EACH ROW EXECUTE FUNCTION porta_notify_changed('organization_id');
CREATE TRIGGER notify_changed AFTER INSERT OR UPDATE OR DELETE ON system_config
    FOR EACH ROW EXECUTE FUNCTION porta_notify_changed('key');
CREATE TRIGGER notify_changed AFTER INSERT OR UPDATE OR DELETE ON signing_keys
    FOR EACH ROW EXECUTE FUNCTION porta_notify_changed('kid');

-- Not on every update: a secret that is used is dated, and that changes nothing.
CREATE TRIGGER notify_changed AFTER INSERT OR DELETE ON client_secrets
    FOR EACH ROW EXECUTE FUNCTION porta_notify_client_secret();
CREATE TRIGGER notify_changed_update AFTER UPDATE ON client_secrets
    FOR EACH ROW WHEN (
        (OLD.client_id, OLD.status, OLD.expires_at, OLD.secret_sha256, OLD.secret_hash)
        IS DISTINCT FROM
        (NEW.client_id, NEW.status, NEW.expires_at, NEW.secret_sha256, NEW.secret_hash)
    )
    EXECUTE FUNCTION porta_notify_client_secret();
