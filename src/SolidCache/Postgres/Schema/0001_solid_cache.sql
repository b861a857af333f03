-- The tables and functions of SolidCache. Run by the library itself (SchemaInstaller), or by hand: psql -1 -f 0001_solid_cache.sql
-- The schema is written solid_cache everywhere; another name is put in its place as a whole word.
CREATE SCHEMA IF NOT EXISTS solid_cache;

-- Which of these files have been applied.
CREATE TABLE solid_cache.solid_cache_schema (
    version    integer     PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO solid_cache.solid_cache_schema (version) VALUES (1);

-- The entries. UNLOGGED: a crash empties it, which a cache may be. No index but the primary key, so that every overwrite, slide
-- and touch can be a heap-only update; the free part of each page is for those.
CREATE UNLOGGED TABLE solid_cache.solid_cache_entries (
    key_hash            bigint      PRIMARY KEY,               -- first 8 bytes of the key's SHA-256
    key                 text        COLLATE "C" NOT NULL,      -- compared as well: two keys of one hash are a miss, never a wrong answer
    value               bytea       NOT NULL,
    created_at          timestamptz NOT NULL,                  -- by clock_timestamp(), so it tells one write of a row from the next
    expires_at          timestamptz NOT NULL,
    absolute_expires_at timestamptz,                           -- where a slide has to end
    sliding_seconds     double precision,
    byte_size           integer     NOT NULL,
    touched             smallint    NOT NULL DEFAULT 0,        -- 1: read since the clock's hand last came by; below 0: the turn in which it did
    tag_hashes          bigint[],                              -- what it depends on, and the versions it was made from;
    tag_stamps          bigint[]                               -- null: it depends on nothing but time
) WITH (fillfactor = 70, vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0, toast.vacuum_truncate = off, toast.autovacuum_vacuum_scale_factor = 0.05,
        toast.autovacuum_vacuum_cost_delay = 0);
-- Compressing 400 bytes costs more than reading them.
ALTER TABLE solid_cache.solid_cache_entries ALTER COLUMN value SET STORAGE EXTERNAL;

-- The newest version of every tag that was ever bumped. Logged: losing it would bring old entries back.
CREATE TABLE solid_cache.solid_cache_tag_versions (
    tag_hash bigint PRIMARY KEY,
    version  bigint NOT NULL,
    xid      xid8   NOT NULL                                   -- who wrote it
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE SEQUENCE solid_cache.solid_cache_versions CACHE 1;

-- What became invalid, in the transactions that made it so. Every node reads each row once.
CREATE TABLE solid_cache.solid_cache_invalidations (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    xid        xid8        NOT NULL DEFAULT pg_current_xact_id(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    tag_hashes bigint[]    NOT NULL,
    versions   bigint[]    NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX solid_cache_invalidations_xid ON solid_cache.solid_cache_invalidations (xid);

-- The nodes that may answer from memory.
CREATE TABLE solid_cache.solid_cache_nodes (
    node_id          uuid        PRIMARY KEY,
    lease            interval    NOT NULL,                     -- how long it trusts what it knows
    epoch            uuid        NOT NULL,                     -- in which applied_snapshot means anything
    applied_snapshot pg_snapshot NOT NULL,                     -- everything visible in it, the node has applied
    heartbeat_at     timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0);

-- What was visible when: the only sound way to say that everybody must have seen a row.
CREATE TABLE solid_cache.solid_cache_snapshots (
    taken_at timestamptz PRIMARY KEY,
    snapshot pg_snapshot NOT NULL
);

-- One loader of a key in the whole cluster, one node that cleans up. Unlogged: what it forgets costs a second load.
CREATE UNLOGGED TABLE solid_cache.solid_cache_leases (
    name       text        COLLATE "C" PRIMARY KEY,
    owner      uuid        NOT NULL,
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- The incarnation of this database: UNLOGGED on purpose. A crash, a promotion and a restore empty it, and after those
-- transaction ids are used again, so nothing that was learnt before may be trusted.
CREATE UNLOGGED TABLE solid_cache.solid_cache_incarnation (
    is_only_row       boolean     PRIMARY KEY DEFAULT true CHECK (is_only_row),
    epoch             uuid        NOT NULL,
    system_identifier bigint      NOT NULL,
    timeline          text        NOT NULL,
    began_at          timestamptz NOT NULL,
    had_nodes         boolean     NOT NULL                     -- whether any were registered that may still trust the one before
);

-- Where the hands of cleaning and of eviction stand: the heap page at which the next slice begins, and how often they came round.
CREATE UNLOGGED TABLE solid_cache.solid_cache_hands (
    name  text     PRIMARY KEY,
    block bigint   NOT NULL,
    turn  smallint NOT NULL DEFAULT 1
) WITH (fillfactor = 50);

-- The timeline the server writes on; null while it can't write.
CREATE FUNCTION solid_cache.solid_cache_timeline() RETURNS text
LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT CASE WHEN pg_is_in_recovery() THEN NULL ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END
$$;

-- Moves tags to a new version, within the transaction that changes what they stand for. Ascending order, so that two callers can't
-- deadlock over tags alone; the number is drawn under the row's lock, so that versions of a tag only grow. Durable even where
-- the caller's transaction is not: an invalidation lost by a crash would be a right that comes back.
CREATE FUNCTION solid_cache.solid_cache_bump(tags bigint[], OUT tag_hashes bigint[], OUT versions bigint[])
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;

    WITH wanted AS (
        SELECT DISTINCT tag FROM unnest(tags) AS tag WHERE tag IS NOT NULL ORDER BY tag
    ), bumped AS (
        INSERT INTO solid_cache.solid_cache_tag_versions AS t (tag_hash, version, xid)
        SELECT tag, nextval('solid_cache.solid_cache_versions'), pg_current_xact_id() FROM wanted ORDER BY tag
        ON CONFLICT (tag_hash) DO UPDATE
        SET    version = greatest(nextval('solid_cache.solid_cache_versions'), t.version + 1), xid = pg_current_xact_id()
        RETURNING t.tag_hash, t.version
    )
    SELECT array_agg(b.tag_hash ORDER BY b.tag_hash), array_agg(b.version ORDER BY b.tag_hash)
    INTO   tag_hashes, versions
    FROM   bumped b;

    IF tag_hashes IS NOT NULL THEN
        INSERT INTO solid_cache.solid_cache_invalidations (tag_hashes, versions) VALUES (tag_hashes, versions);
    END IF;
END
$$;

-- The number a tag has in these tables: the first 8 bytes of its SHA-256. For triggers and for psql:
-- SELECT solid_cache.solid_cache_bump(ARRAY[solid_cache.solid_cache_tag('user:42')]);
CREATE FUNCTION solid_cache.solid_cache_tag(tag text) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ('x' || encode(substring(sha256(convert_to(tag, 'UTF8')) FOR 8), 'hex'))::bit(64)::bigint
$$;
