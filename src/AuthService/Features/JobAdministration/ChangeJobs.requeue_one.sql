-- A dead letter, queued again with as many tries as a new job has. What it went through stays.
-- $1 id uuid
-- $2 max_tries integer
UPDATE /* JobAdministration/ChangeJobs.requeue_one */ jobs SET state = 'waiting', run_at = now(), last_try = try + $2 - 1, ended_at = NULL WHERE id = $1 AND state = 'dead';
