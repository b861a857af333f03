-- A job, unless one with its key has not ended yet.
-- $1 id uuid
-- $2 kind text
-- $3 arguments text
-- $4 unique_key text
-- $5 at timestamptz
-- $6 after interval
-- $7 max_tries integer
-- -> id uuid   (0 or 1 row)
INSERT /* Jobs/JobQueue.insert_job */ INTO jobs (id, kind, arguments, unique_key, run_at, last_try)
VALUES ($1, $2, $3::text::jsonb, $4, coalesce($5::timestamptz, now() + $6::interval), $7)
ON CONFLICT (unique_key) WHERE state IN ('waiting', 'scheduled') DO NOTHING
RETURNING id;
