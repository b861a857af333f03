-- Nothing is sealed meanwhile.
-- -> kept_since timestamptz, first_number bigint
SELECT /* Audit/ForgetEvents.lock_chain */ c.kept_since, c.first_number FROM audit_chain c FOR UPDATE;
