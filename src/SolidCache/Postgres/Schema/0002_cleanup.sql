-- What deletes: expired entries, and where the size is bounded those that were used least. Both walk through the heap in slices, by
-- ctid, so no index is needed for them and every overwrite can stay a heap-only update.
INSERT INTO solid_cache.solid_cache_schema (version) VALUES (2);

-- What an entry counts for against a bound: its value, its key, and what every row takes.
CREATE FUNCTION solid_cache.solid_cache_weight(key text, byte_size integer) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT byte_size + octet_length(key)::bigint + 128
$$;

-- Deletes expired entries from where the last call stopped: at most max_rows, from at most max_pages pages. "seen" counts the pages that
-- are done with, out of "pages". A second call at the same time doesn't wait: it begins on the other side and leaves the hand alone.
CREATE FUNCTION solid_cache.solid_cache_clean(max_rows bigint, max_pages bigint, OUT deleted bigint, OUT seen bigint, OUT pages bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    slice   CONSTANT bigint := 128;
    is_mine boolean := pg_try_advisory_xact_lock(hashtextextended('solid_cache.solid_cache_hands clean', 0));
    place   bigint;
    gone    bigint;
BEGIN
    deleted := 0;
    seen := 0;
    pages := pg_relation_size('solid_cache.solid_cache_entries') / current_setting('block_size')::bigint;
    place := coalesce((SELECT h.block FROM solid_cache.solid_cache_hands h WHERE h.name = 'clean'), 0);
    IF NOT is_mine THEN place := place + pages / 2; END IF;
    IF place >= pages THEN place := greatest(place - pages, 0); END IF;
    IF place >= pages THEN place := 0; END IF;

    WHILE seen < least(pages, max_pages) LOOP
        DELETE FROM solid_cache.solid_cache_entries e
        WHERE  e.ctid = ANY (ARRAY(
                   SELECT l.ctid
                   FROM   solid_cache.solid_cache_entries l
                   WHERE  l.ctid >= format('(%s,0)', place)::tid AND l.ctid < format('(%s,0)', place + slice)::tid AND l.expires_at <= now()
                   LIMIT  max_rows - deleted
                   FOR    UPDATE SKIP LOCKED))
        AND    e.expires_at <= now();
        GET DIAGNOSTICS gone = ROW_COUNT;
        deleted := deleted + gone;
        EXIT WHEN deleted >= max_rows;
        seen := seen + least(slice, pages - place);
        place := place + slice;
        IF place >= pages THEN place := 0; END IF;
    END LOOP;

    IF is_mine THEN
        INSERT INTO solid_cache.solid_cache_hands AS h (name, block) VALUES ('clean', place)
        ON CONFLICT (name) DO UPDATE SET block = excluded.block;
    END IF;
END
$$;

-- For schedulers and psql: deletes at most 10,000 expired entries and says how many it deleted. 0: there are none left, but such as
-- another transaction is about to delete. Less than 10,000: the whole table has been looked through.
CREATE FUNCTION solid_cache.cleanup_expired_cache() RETURNS bigint
LANGUAGE sql VOLATILE AS $$
    SELECT c.deleted FROM solid_cache.solid_cache_clean(10000, 4294967296) c
$$;

-- All of them, with a commit after each 10,000, for pg_cron:
-- SELECT cron.schedule('*/10 * * * *', 'CALL solid_cache.cleanup_all_expired_cache()');
CREATE PROCEDURE solid_cache.cleanup_all_expired_cache()
LANGUAGE plpgsql AS $$
DECLARE
    deleted bigint;
BEGIN
    LOOP
        deleted := solid_cache.cleanup_expired_cache();
        COMMIT;
        EXIT WHEN deleted < 10000;
    END LOOP;
END
$$;

-- Second chance (CLOCK): a hand goes round; it deletes what was not read since it last came by and marks the rest, until live entries of
-- "bytes" are gone or it has passed max_pages pages. The mark is the number of the turn, so that a row which its own marking moved to
-- a later page isn't taken for one that nobody read. When everything is marked, the next turn takes it. Expired entries go too, uncounted.
-- One call at a time moves the hand; another sees no page.
CREATE FUNCTION solid_cache.solid_cache_evict(bytes bigint, max_pages bigint, OUT freed bigint, OUT deleted bigint, OUT seen bigint, OUT pages bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    slice   CONSTANT bigint := 32;
    place   bigint;
    mark    smallint;
    gain    bigint;
    gone    bigint;
BEGIN
    freed := 0;
    deleted := 0;
    seen := 0;
    pages := pg_relation_size('solid_cache.solid_cache_entries') / current_setting('block_size')::bigint;
    IF NOT pg_try_advisory_xact_lock(hashtextextended('solid_cache.solid_cache_hands evict', 0)) THEN RETURN; END IF;
    SELECT h.block, h.turn INTO place, mark FROM solid_cache.solid_cache_hands h WHERE h.name = 'evict';
    place := coalesce(place, 0);
    mark := coalesce(mark, 1);

    WHILE freed < bytes AND seen < max_pages AND pages > 0 LOOP
        IF place >= pages THEN
            place := 0;
            mark := mark % 30000 + 1;
        END IF;

        WITH met AS MATERIALIZED (
            SELECT l.ctid AS id, l.touched = 1 AND l.expires_at > now() AS is_spared,
                   CASE WHEN l.touched <> 1 AND l.expires_at > now() THEN solid_cache.solid_cache_weight(l.key, l.byte_size) ELSE 0 END AS gain
            FROM   solid_cache.solid_cache_entries l
            WHERE  l.ctid >= format('(%s,0)', place)::tid AND l.ctid < format('(%s,0)', place + slice)::tid
            AND    (l.touched <> -mark OR l.expires_at <= now())
            FOR    UPDATE SKIP LOCKED
        ), passed AS MATERIALIZED (
            SELECT m.id, m.is_spared
            FROM   (SELECT m.*, sum(m.gain) OVER (ORDER BY m.id) - m.gain AS freed_before FROM met m) m
            WHERE  m.freed_before < bytes - freed
        ), spared AS (
            UPDATE solid_cache.solid_cache_entries e SET touched = -mark
            WHERE  e.ctid = ANY (ARRAY(SELECT p.id FROM passed p WHERE p.is_spared))
        ), removed AS (
            DELETE FROM solid_cache.solid_cache_entries e
            WHERE  e.ctid = ANY (ARRAY(SELECT p.id FROM passed p WHERE NOT p.is_spared))
            RETURNING CASE WHEN e.expires_at > now() THEN solid_cache.solid_cache_weight(e.key, e.byte_size) ELSE 0 END AS gain
        )
        SELECT coalesce(sum(r.gain), 0), count(*) INTO gain, gone FROM removed r;
        freed := freed + gain;
        deleted := deleted + gone;
        -- The rest of this slice is for the next call; what was marked in it will be passed over.
        EXIT WHEN freed >= bytes;
        seen := seen + least(slice, pages - place);
        place := place + slice;
    END LOOP;

    INSERT INTO solid_cache.solid_cache_hands AS h (name, block, turn) VALUES ('evict', place, mark)
    ON CONFLICT (name) DO UPDATE SET block = excluded.block, turn = excluded.turn;
END
$$;
