-- The rights of some accounts, in one snapshot. An account that does not exist, is inactive or deleted has none.
-- $1 user_ids bigint[]
-- -> user_id bigint, roles text[], permissions text[], revision text   (one row for each id given)
SELECT /* Authorization/Rights.load_rights */
       asked.user_id, rights.roles, rights.permissions, pg_current_snapshot()::text AS revision
FROM   unnest($1::bigint[]) AS asked (user_id)
CROSS  JOIN LATERAL user_rights(asked.user_id) AS rights;
