-- A run has ended.
-- $1 name text
-- $2 succeeded boolean
-- $3 result text
UPDATE /* Jobs/RunRecurringJob.finish */ recurring_jobs
SET    ended_at = now(), succeeded = $2, result = left($3::text, 500), runs = runs + 1, failures = failures + CASE WHEN $2 THEN 0 ELSE 1 END
WHERE  name = $1;
