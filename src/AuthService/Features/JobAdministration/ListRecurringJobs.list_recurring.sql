-- What recurs, with the time of the next run as Quartz has it (ticks of 100 ns since the year 1).
-- -> name text, next_at timestamptz, started_at timestamptz, ended_at timestamptz, node text, progress text, succeeded boolean, result text, runs bigint, failures bigint
SELECT /* JobAdministration/ListRecurringJobs.list_recurring */
       coalesce(r.name, t.trigger_name), to_timestamp((t.next_fire_time - 621355968000000000) / 10000000.0), r.started_at, r.ended_at, r.node, r.progress, r.succeeded, r.result,
       coalesce(r.runs, 0), coalesce(r.failures, 0)
FROM   recurring_jobs r
FULL   JOIN (SELECT trigger_name, next_fire_time FROM qrtz_triggers WHERE sched_name = 'authservice' AND trigger_group = 'recurring' AND trigger_name = job_name) t ON t.trigger_name = r.name
ORDER  BY 1 LIMIT 1000;
