-- The job is done. Nobody else's try is touched.
-- $1 id uuid
-- $2 try integer
-- $3 result text
UPDATE /* Jobs/JobTries.succeed */ jobs
SET    state = 'succeeded', ended_at = now(), result = left($3::text, 500)
WHERE  id = $1 AND try = $2 AND state = 'scheduled';
