-- A node that stops lets the next one begin at once.
-- $1 owner uuid
UPDATE /* Audit/SealEvents.release_lease */ audit_chain
SET    sealer_until = '-infinity'
WHERE  sealer = $1;
