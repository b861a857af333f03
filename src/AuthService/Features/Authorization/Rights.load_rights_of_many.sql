-- The rights of several accounts, in one snapshot. Not for one: the planner can't foresee the length of an array and would
-- plan this anew each time.
-- $1 user_ids bigint[]
-- -> user_id bigint, roles text[], permissions text[], revision text   (one row for each id given)
SELECT /* Authorization/Rights.load_rights_of_many */
       asked.user_id, rights.roles, rights.permissions, pg_current_snapshot()::text AS revision
FROM   unnest($1::bigint[]) AS asked (user_id)
CROSS  JOIN LATERAL user_rights(asked.user_id) AS rights;
