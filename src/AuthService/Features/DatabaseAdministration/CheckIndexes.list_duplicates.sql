-- Indexes of one table that are alike in columns, order, operators and condition; whether they are unique does not count.
-- -> table text, indexes text[], bytes bigint
SELECT /* DatabaseAdministration/CheckIndexes.list_duplicates */
       i.indrelid::regclass::text AS table, array_agg(i.indexrelid::regclass::text ORDER BY i.indexrelid) AS indexes, sum(pg_relation_size(i.indexrelid))::bigint AS bytes
FROM   pg_index i
JOIN   pg_class c ON c.oid = i.indexrelid
WHERE  c.relnamespace IN (current_schema()::regnamespace, 'solid_cache'::regnamespace)
GROUP  BY i.indrelid, c.relam, i.indkey::text, i.indclass::text, i.indcollation::text, i.indoption::text, pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid)
HAVING count(*) > 1
ORDER  BY bytes DESC, i.indrelid
LIMIT  200;
