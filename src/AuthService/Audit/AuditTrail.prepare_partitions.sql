-- Sees to the partitions of this month and the next two.
-- -> nothing
SELECT /* Audit/AuditTrail.prepare_partitions */ audit_events_prepare_partitions();
