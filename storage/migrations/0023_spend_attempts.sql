-- Counts one attempt under several limits at once, or refuses it: whatever is refused takes nothing
-- of the other limits and leaves no row. Answers the place (from 1) of the first limit that is used
-- up, how many attempts there were with this one, and the seconds left of its window; no row when
-- the attempt was within all of them. Keys of one slot are counted one attempt after the other.

CREATE FUNCTION spend_attempt(
    slot text, keys text[], most bigint[], windows double precision[]
) RETURNS TABLE (place bigint, attempts integer, seconds double precision)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(slot, 26));
    RETURN QUERY
        UPDATE rate_counters AS r SET count = r.count + 1
        FROM (
            SELECT c.key, l.place
            FROM unnest(keys, most) WITH ORDINALITY AS l (key, most, place)
            JOIN rate_counters c ON c.key = l.key
            WHERE c.window_ends_at > now() AND c.count >= l.most
            ORDER BY l.place LIMIT 1
        ) AS used_up
        WHERE r.key = used_up.key
        RETURNING used_up.place, r.count, EXTRACT(EPOCH FROM r.window_ends_at - now())::float8;
    IF NOT FOUND THEN
        INSERT INTO rate_counters AS r (key, window_ends_at, count)
        SELECT l.key, now() + make_interval(secs => l.seconds), 1
        FROM unnest(keys, windows) AS l (key, seconds)
        ON CONFLICT (key) DO UPDATE SET
            count = CASE WHEN r.window_ends_at <= now() THEN 1 ELSE r.count + 1 END,
            window_ends_at = CASE WHEN r.window_ends_at <= now()
                THEN excluded.window_ends_at ELSE r.window_ends_at END;
    END IF;
END
$$;

-- When the first of the failures happened that `failed_login_count` holds: a day later they are
-- forgotten. NULL where a version counted that did not know it: the day then begins anew.

ALTER TABLE users ADD COLUMN failures_since TIMESTAMPTZ;
