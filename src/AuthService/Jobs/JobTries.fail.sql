-- A try came to nothing: the job waits for the next one, or is dead; also where there is no wait (null), for then no further try would do better. Of its failures the last 50 are kept.
-- $1 id uuid
-- $2 try integer
-- $3 error text
-- $4 wait interval
-- -> kind text, is_dead boolean   (0 or 1 row)
UPDATE /* Jobs/JobTries.fail */ jobs
SET    state = CASE WHEN $4::interval IS NULL OR try >= last_try THEN 'dead' ELSE 'waiting' END,
       ended_at = CASE WHEN $4::interval IS NULL OR try >= last_try THEN now() END,
       run_at = now() + coalesce($4::interval, '0'),
       try = try + 1, scheduled_at = NULL, started_at = NULL, node = NULL,
       failed_tries = CASE WHEN jsonb_array_length(failed_tries) < 50 THEN failed_tries ELSE failed_tries - 0 END
           || jsonb_build_array(jsonb_build_object('try', try, 'at', coalesce(started_at, scheduled_at),
                                                   'took_ms', round(extract(epoch FROM now() - coalesce(started_at, scheduled_at)) * 1000)::bigint,
                                                   'node', node, 'error', left($3::text, 500)))
WHERE  id = $1 AND try = $2 AND state = 'scheduled'
RETURNING kind, state = 'dead';
