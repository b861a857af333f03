-- Indexes that were never finished, by CREATE INDEX CONCURRENTLY as a rule: kept up to date at a price, and of use to nobody.
-- -> table text, index text, bytes bigint
SELECT /* DatabaseAdministration/CheckIndexes.list_invalid */
       i.indrelid::regclass::text AS table, i.indexrelid::regclass::text AS index, pg_relation_size(i.indexrelid) AS bytes
FROM   pg_index i
JOIN   pg_class c ON c.oid = i.indexrelid
WHERE  c.relnamespace IN (current_schema()::regnamespace, 'solid_cache'::regnamespace) AND NOT (i.indisvalid AND i.indisready)
ORDER  BY bytes DESC, index
LIMIT  200;
