-- Locks the position, moves it to here if nobody is told of anything until now, and takes a number. Moved by an older snapshot than the last one's, as may be after a wait for the
-- row, it tells a new webhook of what was committed a moment before it was there.
-- -> id bigint   (1 row)
WITH others AS (
    SELECT EXISTS (SELECT FROM webhooks w WHERE w.is_active) AS are_told
)
UPDATE /* Webhooks/DispatchChanges.enter */ webhook_position p
SET    snapshot = CASE WHEN o.are_told THEN p.snapshot ELSE pg_current_snapshot() END,
       upto     = CASE WHEN o.are_told THEN p.upto END,
       last_xid = CASE WHEN o.are_told THEN p.last_xid END,
       last_id  = CASE WHEN o.are_told THEN p.last_id END
FROM   others o
RETURNING nextval(pg_get_serial_sequence('webhooks', 'id')) AS id;
