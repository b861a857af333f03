-- Jobs whose time has come, by the database's clock, marked as handed over. SKIP LOCKED: nodes that look at the same time share them.
-- $1 limit integer
-- -> id uuid, try integer
UPDATE /* Jobs/HandOverJobs.take_due */ jobs j
SET    state = 'scheduled', scheduled_at = now()
FROM  (SELECT id FROM jobs WHERE state = 'waiting' AND run_at <= now() ORDER BY run_at, id LIMIT $1 FOR UPDATE SKIP LOCKED) due
WHERE  j.id = due.id
RETURNING j.id, j.try;
