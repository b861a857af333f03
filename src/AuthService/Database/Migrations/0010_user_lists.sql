-- What lists of a million accounts need: search in either name, and a total that nobody counts.
CREATE EXTENSION IF NOT EXISTS pg_trgm;   -- trusted: the database's owner may

-- A part of three letters and more, anywhere.
CREATE INDEX users_names_trigrams ON users USING gin (lower(email) gin_trgm_ops, lower(username) gin_trgm_ops) WHERE deleted_at IS NULL;

-- One or two letters, at the beginning: in bytewise order, whatever the database's is.
CREATE INDEX users_email_prefix    ON users (lower(email)    text_pattern_ops) WHERE deleted_at IS NULL;
CREATE INDEX users_username_prefix ON users (lower(username) text_pattern_ops) WHERE deleted_at IS NULL;

-- The few that are asked for among the many.
CREATE INDEX users_inactive ON users (id) WHERE deleted_at IS NULL AND NOT is_active;

-- How many accounts there are, as changes whose sum is the number: each statement adds a row of its own, so nobody waits for anybody.
CREATE TABLE user_counts (
    living bigint NOT NULL,
    active bigint NOT NULL   -- of the living
);

INSERT INTO user_counts
SELECT count(*), count(*) FILTER (WHERE is_active) FROM users WHERE deleted_at IS NULL;

CREATE FUNCTION user_counts_add(living bigint, active bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF living = 0 AND active = 0 THEN RETURN; END IF;
    INSERT INTO user_counts VALUES (living, active);
    -- Now and then whoever comes along puts together what there is. Not two at once: the second would wait for the first.
    IF random() < 0.01 AND pg_try_advisory_xact_lock(hashtextextended('user_counts', 0)) THEN
        WITH gone AS (DELETE FROM user_counts c RETURNING c.living, c.active)
        INSERT INTO user_counts SELECT sum(g.living), sum(g.active) FROM gone g;
    END IF;
END
$$;

CREATE FUNCTION user_counts_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM user_counts_add(count(*), count(*) FILTER (WHERE r.is_active)) FROM rows_after r WHERE r.deleted_at IS NULL;
    RETURN NULL;
END
$$;

CREATE FUNCTION user_counts_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM user_counts_add(-count(*), -count(*) FILTER (WHERE r.is_active)) FROM rows_before r WHERE r.deleted_at IS NULL;
    RETURN NULL;
END
$$;

CREATE FUNCTION user_counts_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM user_counts_add(
        (NEW.deleted_at IS NULL)::int - (OLD.deleted_at IS NULL)::int,
        (NEW.deleted_at IS NULL AND NEW.is_active)::int - (OLD.deleted_at IS NULL AND OLD.is_active)::int);
    RETURN NULL;
END
$$;

CREATE FUNCTION user_counts_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE user_counts;
    INSERT INTO user_counts VALUES (0, 0);
    RETURN NULL;
END
$$;

CREATE TRIGGER user_counts_inserted AFTER INSERT ON users REFERENCING NEW TABLE AS rows_after FOR EACH STATEMENT EXECUTE FUNCTION user_counts_inserted();
CREATE TRIGGER user_counts_deleted AFTER DELETE ON users REFERENCING OLD TABLE AS rows_before FOR EACH STATEMENT EXECUTE FUNCTION user_counts_deleted();
-- Not for a log-in: nothing that counts has changed.
CREATE TRIGGER user_counts_updated AFTER UPDATE OF deleted_at, is_active ON users FOR EACH ROW
    WHEN (OLD.deleted_at IS DISTINCT FROM NEW.deleted_at OR OLD.is_active IS DISTINCT FROM NEW.is_active) EXECUTE FUNCTION user_counts_updated();
CREATE TRIGGER user_counts_truncated AFTER TRUNCATE ON users FOR EACH STATEMENT EXECUTE FUNCTION user_counts_truncated();
