-- Begins a try, unless it has ended, or another one has taken its place.
-- $1 id uuid
-- $2 try integer
-- $3 node text
-- -> kind text, arguments text, tries_left integer   (0 or 1 row)
UPDATE /* Jobs/RunJob.begin */ jobs
SET    started_at = now(), node = $3
WHERE  id = $1 AND try = $2 AND state = 'scheduled'
RETURNING kind, arguments::text, last_try - try;
