-- What the catalog knows of the entries, and from it which part of the pages to count: all of them below some 100,000 entries, else
-- about 1,000. Where nobody has counted rows yet, 10 to a page are assumed.
-- -> sample_percent real, table_bytes bigint, dead_rows bigint, updates bigint, hot_updates bigint   (1 row)
SELECT /* SolidCache/Postgres/PostgresUpkeep.read_size */
       CASE WHEN c.pages * CASE WHEN c.reltuples > 0 AND c.relpages > 0 THEN c.reltuples / c.relpages ELSE 10 END < 100000 THEN 100
            ELSE least(100, 100000.0 / c.pages) END::real AS sample_percent,
       pg_total_relation_size(c.oid) AS table_bytes, coalesce(s.n_dead_tup, 0) AS dead_rows,
       coalesce(s.n_tup_upd, 0) AS updates, coalesce(s.n_tup_hot_upd, 0) AS hot_updates
FROM   (SELECT c.oid, c.reltuples, c.relpages, pg_relation_size(c.oid) / current_setting('block_size')::bigint AS pages
        FROM   pg_class c
        WHERE  c.oid = 'solid_cache.solid_cache_entries'::regclass) c
LEFT   JOIN pg_stat_user_tables s ON s.relid = c.oid;
