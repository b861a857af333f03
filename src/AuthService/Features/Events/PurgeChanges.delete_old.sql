-- Changes older than what is kept, some at a time, and up to where. Nodes that purge at the same time share the work.
-- $1 retention interval
-- $2 limit integer
-- -> deleted bigint   (1 row)
WITH gone AS (
    DELETE /* Events/PurgeChanges.delete_old */ FROM authz_changes
    WHERE  id IN (SELECT c.id FROM authz_changes c WHERE c.at < clock_timestamp() - $1::interval ORDER BY c.at LIMIT $2 FOR UPDATE SKIP LOCKED)
    RETURNING xid
), told AS (
    INSERT INTO authz_changes_pruned AS p (xid)
    SELECT max(g.xid) FROM gone g HAVING count(*) > 0
    ON     CONFLICT (is_only_row) DO UPDATE SET xid = greatest(p.xid, excluded.xid)
)
SELECT count(*) AS deleted FROM gone;
