-- How far a run is.
-- $1 name text
-- $2 progress text
UPDATE /* Jobs/RunRecurringJob.tell_progress */ recurring_jobs SET progress = left($2::text, 200) WHERE name = $1;
