-- Where the chain ends and begins, as it was written down.
-- -> number bigint, hash bytea, mac bytea, place_xid text, place_id uuid, is_elsewhere boolean, first_number bigint, first_hash bytea, kept_since timestamptz, first_mac bytea,
--    newest bigint   (1 row; newest is null: there is no seal)
SELECT /* Audit/VerifyTrail.read_chain */
       c.number, c.hash, c.mac, c.xid::text AS place_xid, c.event_id AS place_id,
       c.system_identifier IS DISTINCT FROM (SELECT s.system_identifier FROM pg_control_system() s) AS is_elsewhere,
       c.first_number, c.first_hash, c.kept_since, c.first_mac,
       (SELECT max(n.number) FROM audit_seals n) AS newest
FROM   audit_chain c;
