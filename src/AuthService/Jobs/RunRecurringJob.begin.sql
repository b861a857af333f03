-- A run begins.
-- $1 name text
-- $2 node text
INSERT /* Jobs/RunRecurringJob.begin */ INTO recurring_jobs (name, started_at, node) VALUES ($1, now(), $2)
ON CONFLICT (name) DO UPDATE SET started_at = now(), node = $2, progress = NULL, ended_at = NULL;
