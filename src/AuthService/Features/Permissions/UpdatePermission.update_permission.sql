-- A null leaves a column as it is; an empty description clears it.
-- $1 id bigint
-- $2 version bigint
-- $3 resource text
-- $4 action text
-- $5 description text
-- -> id bigint   (0 or 1 row)
UPDATE /* Permissions/UpdatePermission.update_permission */ permissions
SET    resource    = coalesce($3, resource),
       action      = coalesce($4, action),
       description = CASE WHEN $5::text IS NULL THEN description ELSE nullif($5, '') END,
       version     = version + 1,
       updated_at  = now()
WHERE  id = $1 AND ($2::bigint IS NULL OR version = $2)
RETURNING id;
