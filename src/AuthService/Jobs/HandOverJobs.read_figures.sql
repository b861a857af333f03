-- How jobs are; of each at most 10,000 are counted.
-- -> due bigint, oldest_due_seconds double precision, dead bigint   (1 row)
SELECT /* Jobs/HandOverJobs.read_figures */
       (SELECT count(*) FROM (SELECT FROM jobs WHERE state = 'waiting' AND run_at <= now() LIMIT 10000) d),
       coalesce((SELECT extract(epoch FROM now() - min(run_at))::float8 FROM jobs WHERE state = 'waiting' AND run_at <= now()), 0),
       (SELECT count(*) FROM (SELECT FROM jobs WHERE state = 'dead' LIMIT 10000) d);
