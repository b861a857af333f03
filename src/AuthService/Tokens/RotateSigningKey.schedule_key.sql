-- The next key takes over once everyone who caches the key set must have asked for it again since the key was published.
-- $1 kid text
-- $2 published_for interval
-- -> active_from timestamptz   (1 row)
UPDATE /* Tokens/RotateSigningKey.schedule_key */ signing_keys
SET    active_from = greatest(statement_timestamp(), published_at + $2)
WHERE  kid = $1 AND active_from IS NULL AND distrusted_at IS NULL
RETURNING active_from;
