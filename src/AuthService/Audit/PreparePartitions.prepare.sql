-- Sees to the partitions of this month and the next two.
-- -> nothing
SELECT /* Audit/PreparePartitions.prepare */ audit_events_prepare_partitions();
