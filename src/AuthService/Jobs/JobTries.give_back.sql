-- A node that stops gives back what it had begun: it is nobody's fault, and counts no try. Its name differs from that of the try that was broken off.
-- $1 id uuid
-- $2 try integer
UPDATE /* Jobs/JobTries.give_back */ jobs
SET    state = 'waiting', run_at = now(), try = try + 1, last_try = last_try + 1, scheduled_at = NULL, started_at = NULL, node = NULL
WHERE  id = $1 AND try = $2 AND state = 'scheduled';
