-- Tables and B-trees that are much larger than their rows need. An estimate from the catalog, which reads none of them: rows × (average widths of the columns, as ANALYZE
-- found them, and what PostgreSQL adds to a row), in pages filled as the fillfactor says. What was never analyzed is left out.
-- $1 min_bytes bigint
-- $2 min_percent integer
-- -> kind text, table text, name text, bytes bigint, wasted_bytes bigint
WITH tables AS (
    SELECT 'table' AS kind, c.oid, c.oid AS table_oid, pg_relation_size(c.oid) AS bytes, c.reltuples,
           coalesce((SELECT o.option_value::numeric FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'fillfactor'), 100) AS fillfactor,
           -- 4 for the pointer to it, 24 for its header, some to align it.
           32 + (SELECT sum((1 - s.null_frac) * s.avg_width) FROM pg_stats s WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND NOT s.inherited) AS row_bytes
    FROM   pg_class c
    JOIN   pg_namespace n ON n.oid = c.relnamespace
    WHERE  c.relkind = 'r' AND n.nspname IN (current_schema(), 'solid_cache') AND pg_relation_size(c.oid) >= $1
), indexes AS (
    SELECT 'index' AS kind, c.oid, i.indrelid AS table_oid, pg_relation_size(c.oid) AS bytes, c.reltuples,
           coalesce((SELECT o.option_value::numeric FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'fillfactor'), 90) AS fillfactor,
           -- 4 for the pointer, 8 for its header, some to align it. Of an expression the statistics stand under the index.
           16 + (SELECT sum((1 - s.null_frac) * s.avg_width)
                 FROM   unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, n)
                 LEFT   JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0
                 LEFT   JOIN pg_attribute e ON e.attrelid = i.indexrelid AND e.attnum = k.n AND k.attnum = 0
                 JOIN   pg_stats s ON s.schemaname = n.nspname AND NOT s.inherited
                                  AND ((s.tablename = t.relname AND s.attname = a.attname) OR (s.tablename = c.relname AND s.attname = e.attname))) AS row_bytes
    FROM   pg_index i
    JOIN   pg_class c ON c.oid = i.indexrelid
    JOIN   pg_class t ON t.oid = i.indrelid
    JOIN   pg_namespace n ON n.oid = c.relnamespace
    JOIN   pg_am m ON m.oid = c.relam
    WHERE  m.amname = 'btree' AND c.relkind = 'i' AND n.nspname IN (current_schema(), 'solid_cache') AND pg_relation_size(c.oid) >= $1
), estimated AS (
    SELECT r.*, r.bytes - ceil(r.reltuples::numeric * r.row_bytes::numeric / (current_setting('block_size')::numeric - 40) * 100 / r.fillfactor) * current_setting('block_size')::numeric AS wasted
    FROM   (TABLE tables UNION ALL TABLE indexes) r
    WHERE  r.reltuples >= 0 AND r.row_bytes IS NOT NULL
)
SELECT /* DatabaseAdministration/CheckIndexes.list_bloated */
       e.kind, e.table_oid::regclass::text AS table, e.oid::regclass::text AS name, e.bytes, e.wasted::bigint AS wasted_bytes
FROM   estimated e
WHERE  e.wasted * 100 >= e.bytes::numeric * $2::integer
ORDER  BY e.wasted DESC, name
LIMIT  200;
