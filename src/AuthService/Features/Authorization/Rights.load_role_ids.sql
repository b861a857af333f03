-- Which roles accounts hold, for all who ask at this moment. One that does not exist, is inactive or deleted holds none.
-- $1 user_ids bigint[]
-- -> user_id bigint, role_ids bigint[]   (one row for each id given)
SELECT /* Authorization/Rights.load_role_ids */
       asked.user_id,
       ARRAY(SELECT ur.role_id
             FROM   users u
             JOIN   user_roles ur ON ur.user_id = u.id
             WHERE  u.id = asked.user_id AND u.is_active AND u.deleted_at IS NULL
             ORDER  BY ur.role_id) AS role_ids
FROM   unnest($1::bigint[]) AS asked (user_id);
