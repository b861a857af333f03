-- Indexes that no query has gone by. Not those that are there to keep something unique. Of an index of a partitioned table each partition has its own.
-- -> table text, index text, bytes bigint
SELECT /* DatabaseAdministration/CheckIndexes.list_unused */
       s.relid::regclass::text AS table, s.indexrelid::regclass::text AS index, pg_relation_size(s.indexrelid) AS bytes
FROM   pg_stat_user_indexes s
JOIN   pg_index i ON i.indexrelid = s.indexrelid
WHERE  s.schemaname IN (current_schema(), 'solid_cache') AND s.idx_scan = 0 AND i.indisvalid AND NOT i.indisunique AND NOT i.indisexclusion
ORDER  BY bytes DESC, index
LIMIT  200;
