-- Gives a dead letter up.
-- $1 id uuid
DELETE /* JobAdministration/ChangeJobs.discard */ FROM jobs WHERE id = $1 AND state = 'dead';
