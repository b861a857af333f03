-- The statements of this database that the server has spent most time on. Only of those kinds in which it puts $n for every value: the text of another,
-- such as ALTER ROLE, is kept as it was typed. What this account may not see has no text, and is left out.
-- $1 limit integer
-- -> since timestamptz, name text, query text, calls bigint, total_ms double precision, mean_ms double precision, max_ms double precision, rows bigint, buffers_hit bigint,
--    buffers_read bigint   (1 row and more; query is null if there is none)
SELECT /* DatabaseAdministration/ListSlowQueries.list_statements */
       i.stats_reset AS since, substring(q.query FROM '/\* ((?:\w+/)+\w+\.\w+) \*/') AS name, q.query, q.calls, q.total_ms, q.total_ms / q.calls AS mean_ms, q.max_ms, q.rows,
       q.buffers_hit, q.buffers_read
FROM   pg_stat_statements_info i
LEFT   JOIN (
    SELECT left(min(s.query), 4000) AS query, sum(s.calls)::bigint AS calls, sum(s.total_exec_time) AS total_ms, max(s.max_exec_time) AS max_ms, sum(s.rows)::bigint AS rows,
           sum(s.shared_blks_hit)::bigint AS buffers_hit, sum(s.shared_blks_read)::bigint AS buffers_read, s.queryid
    FROM   pg_stat_statements s
    WHERE  s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
    AND    s.queryid IS NOT NULL AND s.calls > 0 AND s.query ~* '^[\s(]*(select|insert|update|delete|merge|with|values)\M'
    GROUP  BY s.queryid
    ORDER  BY total_ms DESC, s.queryid
    LIMIT  $1) q ON true
ORDER  BY q.total_ms DESC NULLS LAST, q.queryid;
