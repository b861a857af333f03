-- Foreign keys whose columns no index begins with: deleting a row of the other table reads all of this one. A partial index is of no use for that.
-- -> table text, constraint text, columns text[]
SELECT /* DatabaseAdministration/CheckIndexes.list_uncovered */
       c.conrelid::regclass::text AS table, c.conname::text AS constraint,
       ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k (attnum, n) JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum ORDER BY k.n) AS columns
FROM   pg_constraint c
WHERE  c.contype = 'f' AND c.connamespace IN (current_schema()::regnamespace, 'solid_cache'::regnamespace) AND c.conparentid = 0
AND    NOT EXISTS (SELECT FROM pg_index i
                   WHERE  i.indrelid = c.conrelid AND i.indisvalid AND i.indpred IS NULL AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)
ORDER  BY 1, 2
LIMIT  200;
