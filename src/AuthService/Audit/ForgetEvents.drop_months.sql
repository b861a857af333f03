-- Only the owner of the tables may.
-- $1 before timestamptz
-- -> dropped integer
SELECT /* Audit/ForgetEvents.drop_months */ audit_events_forget($1) AS dropped;
