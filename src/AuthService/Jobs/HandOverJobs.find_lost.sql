-- Jobs that Quartz was given and has not any more, though none says how it ended: their node was killed, or could not write the end down. Quartz drops what a dead node
-- had begun a moment after it is missed.
-- $1 scheduled_before interval
-- $2 limit integer
-- -> id uuid, try integer, has_begun boolean, tries_left integer
SELECT /* Jobs/HandOverJobs.find_lost */ j.id, j.try, j.started_at IS NOT NULL, j.last_try - j.try
FROM   jobs j
WHERE  j.state = 'scheduled' AND j.scheduled_at < now() - $1::interval
AND    NOT EXISTS (SELECT FROM qrtz_triggers t       WHERE t.sched_name = 'authservice' AND t.trigger_group = 'jobs' AND t.trigger_name = j.id || '/' || j.try)
AND    NOT EXISTS (SELECT FROM qrtz_fired_triggers f WHERE f.sched_name = 'authservice' AND f.trigger_group = 'jobs' AND f.trigger_name = j.id || '/' || j.try)
ORDER  BY j.scheduled_at LIMIT $2;
