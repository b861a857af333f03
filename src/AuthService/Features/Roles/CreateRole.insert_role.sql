-- A role that permits nothing yet.
-- $1 name text
-- $2 description text
-- -> id bigint   (0 rows: the name is taken)
INSERT /* Roles/CreateRole.insert_role */
INTO   roles (name, description) VALUES ($1, $2)
ON     CONFLICT (name) DO NOTHING
RETURNING id;
