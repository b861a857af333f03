-- Soft: the row stays for the audit trail, its names are free again.
-- $1 id bigint
-- $2 version bigint
-- -> id bigint   (0 or 1 row)
UPDATE /* Users/SetUserStatus.delete_user */ users
SET    is_active = false, deleted_at = now(), version = version + 1, updated_at = now()
WHERE  id = $1 AND deleted_at IS NULL AND ($2::bigint IS NULL OR version = $2)
RETURNING id;
