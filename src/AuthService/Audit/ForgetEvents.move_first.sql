-- Where the chain begins from now on.
-- $1 first_number bigint
-- $2 first_hash bytea
-- $3 kept_since timestamptz
-- $4 mac bytea
UPDATE /* Audit/ForgetEvents.move_first */ audit_chain
SET    first_number = $1, first_hash = $2, kept_since = $3, first_mac = $4;
