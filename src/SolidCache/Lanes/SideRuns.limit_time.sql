-- How long the next statements of this connection may wait for a lock, and take in all. In milliseconds; 0: without end.
-- $1 lock_timeout text
-- $2 statement_timeout text
-- -> lock_timeout text, statement_timeout text   (1 row)
SELECT /* SolidCache/Lanes/SideRuns.limit_time */
       set_config('lock_timeout', $1, false) AS lock_timeout, set_config('statement_timeout', $2, false) AS statement_timeout;
