-- Seals, and the chain's end with them: one statement, so there is all of it or nothing. The end moves from where this sealer knows it and from nowhere else: of two
-- sealers one is too late.
-- $1 number bigint
-- $2 hash bytea
-- $3 event_ids uuid[]
-- $4 event_times timestamptz[]
-- $5 sealed_at timestamptz
-- $6 digests bytea[]
-- $7 hashes bytea[]
-- $8 next_hash bytea
-- $9 mac bytea
-- $10 place_xid text
-- $11 place_id uuid
-- $12 is_of_this_system boolean
-- -> moved bigint   (1 row: 0 if the end was elsewhere)
WITH moved AS (
    UPDATE audit_chain AS c
    SET    number = c.number + cardinality($3::uuid[]), hash = $8, mac = $9, xid = $10::text::xid8, event_id = $11,
           system_identifier = CASE WHEN $12 THEN (SELECT s.system_identifier FROM pg_control_system() s) ELSE c.system_identifier END
    WHERE  c.number = $1 AND c.hash = $2
    RETURNING c.number
), sealed AS (
    INSERT INTO audit_seals (number, event_id, event_ts, sealed_at, digest, hash)
    SELECT $1 + e.n, e.event_id, e.event_ts, $5, e.digest, e.hash
    FROM   unnest($3::uuid[], $4::timestamptz[], $6::bytea[], $7::bytea[]) WITH ORDINALITY AS e (event_id, event_ts, digest, hash, n), moved
)
SELECT /* Audit/SealEvents.append_seals */ count(*) AS moved FROM moved;
