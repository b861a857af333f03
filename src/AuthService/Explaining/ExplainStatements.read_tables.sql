-- How many rows our tables have, as far as the server has counted: analyzed, or added since.
-- -> name text, rows bigint
SELECT /* Explaining/ExplainStatements.read_tables */ c.relname::text AS name, greatest(c.reltuples::bigint, coalesce(s.n_live_tup, 0), 0) AS rows
FROM   pg_class c
LEFT   JOIN pg_stat_user_tables s ON s.relid = c.oid
WHERE  c.relkind = 'r' AND c.relnamespace IN (current_schema()::regnamespace, 'solid_cache'::regnamespace)
ORDER  BY c.relname
LIMIT  1000;
