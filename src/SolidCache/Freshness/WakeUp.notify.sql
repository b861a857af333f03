-- Wakes the polls of all nodes. Says nothing, so that it can't say anything wrong. Once for all callers of a batch: the server takes a
-- lock for the whole database when it commits a notification.
-- $1 channel text
-- -> pg_notify void   (1 row)
SELECT /* SolidCache/Freshness/WakeUp.notify */ pg_notify($1, '');
