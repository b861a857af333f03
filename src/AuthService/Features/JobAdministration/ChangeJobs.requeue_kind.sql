-- Dead letters of a kind, or of any (null), queued again as one is; the oldest first. Those whose key another job has stay where they are, and so do all but the first of several with one key.
-- $1 kind text
-- $2 max_tries integer
-- $3 limit integer
UPDATE /* JobAdministration/ChangeJobs.requeue_kind */ jobs SET state = 'waiting', run_at = now(), last_try = try + $2 - 1, ended_at = NULL
WHERE  id IN (SELECT d.id
              FROM   jobs d
              WHERE  d.state = 'dead' AND ($1::text IS NULL OR d.kind = $1)
              AND    NOT EXISTS (SELECT FROM jobs o WHERE o.unique_key = d.unique_key AND o.id <> d.id AND (o.state IN ('waiting', 'scheduled') OR (o.state = 'dead' AND o.id < d.id)))
              ORDER  BY d.id LIMIT $3 FOR UPDATE SKIP LOCKED);
