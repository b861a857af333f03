-- A null leaves a column as it is; an empty description clears it.
-- $1 id bigint
-- $2 version bigint
-- $3 name text
-- $4 description text
-- -> id bigint   (0 or 1 row)
UPDATE /* Roles/UpdateRole.update_role */ roles
SET    name        = coalesce($3, name),
       description = CASE WHEN $4::text IS NULL THEN description ELSE nullif($4, '') END,
       version     = version + 1,
       updated_at  = now()
WHERE  id = $1 AND ($2::bigint IS NULL OR version = $2)
RETURNING id;
