-- Locks the position in the feed: where something is new and somebody wants to know. No row: so it is not, or another node is at it. A position that is ahead of the
-- database is of another one, of which this is a copy.
-- -> is_only_row boolean   (0 or 1 row)
SELECT /* Webhooks/DispatchChanges.take_position */ p.is_only_row
FROM   webhook_position p
WHERE  EXISTS (SELECT FROM webhooks w WHERE w.is_active)
AND    (EXISTS (SELECT FROM authz_changes c WHERE c.xid >= pg_snapshot_xmin(p.snapshot) AND NOT pg_visible_in_snapshot(c.xid, p.snapshot))
        OR pg_snapshot_xmax(p.snapshot) > pg_snapshot_xmax(pg_current_snapshot()))
FOR    UPDATE OF p SKIP LOCKED;
