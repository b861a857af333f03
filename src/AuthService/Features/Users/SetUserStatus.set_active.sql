-- Moves the version even if nothing changes, so that a deactivation also stops log-ins that began before it.
-- $1 id bigint
-- $2 is_active boolean
-- -> id bigint   (0 or 1 row)
UPDATE /* Users/SetUserStatus.set_active */ users
SET    is_active = $2, version = version + 1, updated_at = CASE WHEN is_active = $2 THEN updated_at ELSE now() END
WHERE  id = $1 AND deleted_at IS NULL
RETURNING id;
