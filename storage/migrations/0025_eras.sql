-- A change of status begins a new era. Whatever was issued in an earlier one is refused from then
-- on, also when the status is what it was: one row is written, however many tokens there are.

ALTER TABLE organizations ADD COLUMN era INTEGER NOT NULL DEFAULT 0;
ALTER TABLE applications ADD COLUMN era INTEGER NOT NULL DEFAULT 0;
ALTER TABLE clients ADD COLUMN era INTEGER NOT NULL DEFAULT 0;

CREATE FUNCTION porta_next_era() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.era := OLD.era + 1;
    RETURN NEW;
END;
$$;

CREATE TRIGGER next_era BEFORE UPDATE OF status ON organizations
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION porta_next_era();
CREATE TRIGGER next_era BEFORE UPDATE OF status ON applications
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION porta_next_era();
CREATE TRIGGER next_era BEFORE UPDATE OF status ON clients
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION porta_next_era();
