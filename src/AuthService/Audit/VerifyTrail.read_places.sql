-- Some events in the order of sealing, and whether each has its seal. Subqueries for the place: as in SealEvents.find_unsealed.
-- $1 place_xid text
-- $2 place_id uuid
-- $3 limit integer
-- $4 end_xid text
-- $5 end_id uuid
-- -> xid text, id uuid, ts timestamptz, is_sealed boolean, is_behind boolean   (behind: the chain's end is past it)
SELECT /* Audit/VerifyTrail.read_places */
       e.xid::text AS xid, e.id, e.ts,
       EXISTS (SELECT FROM audit_seals s WHERE s.event_id = e.id AND s.event_ts = e.ts) AS is_sealed,
       (e.xid, e.id) <= ($4::text::xid8, $5::uuid) AS is_behind
FROM  (SELECT a.xid, a.id, a.ts FROM audit_events a WHERE (a.xid, a.id) > ((SELECT $1::text::xid8), (SELECT $2::uuid)) ORDER BY a.xid, a.id LIMIT $3) e
ORDER  BY e.xid, e.id;
