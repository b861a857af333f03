-- One node at a time seals. Whoever has the lease may take it again; anybody may when it has run out.
-- $1 owner uuid
-- $2 lease interval
-- -> number bigint, hash bytea, mac bytea, place_xid text, place_id uuid, is_elsewhere boolean, next_xid text   (1 row; none: another node has it)
UPDATE /* Audit/SealEvents.take_lease */ audit_chain AS c
SET    sealer = $1, sealer_until = now() + $2
WHERE  c.sealer IS NULL OR c.sealer = $1 OR c.sealer_until < now()
RETURNING c.number, c.hash, c.mac, c.xid::text AS place_xid, c.event_id AS place_id,
       c.system_identifier IS DISTINCT FROM (SELECT s.system_identifier FROM pg_control_system() s) AS is_elsewhere,
       pg_snapshot_xmax(pg_current_snapshot())::text AS next_xid;
