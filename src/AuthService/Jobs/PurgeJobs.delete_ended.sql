-- Jobs that nobody needs to see any more, some at a time.
-- $1 keep_succeeded interval
-- $2 keep_dead interval
-- $3 limit integer
DELETE /* Jobs/PurgeJobs.delete_ended */ FROM jobs
WHERE  id IN (SELECT id FROM jobs WHERE state = 'succeeded' AND ended_at < now() - $1::interval
              UNION ALL
              SELECT id FROM jobs WHERE state = 'dead' AND ended_at < now() - $2::interval
              LIMIT  $3);
