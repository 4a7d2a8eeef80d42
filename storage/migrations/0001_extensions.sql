-- Case-insensitive e-mail addresses, and the trigger that dates a changed row.

CREATE EXTENSION IF NOT EXISTS citext;

CREATE FUNCTION trigger_set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = NOW();
    RETURN NEW;
END;
$$;
