-- Which roles accounts hold, in no order, for all who ask at this moment. One that does not exist, is inactive or deleted holds none. The plan is
-- made once, perhaps while the tables are empty: with an order, or with the account's state as a condition, it may be one that reads a whole index.
-- $1 user_ids bigint[]
-- -> user_id bigint, role_ids bigint[]   (one row for each id given)
SELECT /* Authorization/Rights.load_role_ids */
       asked.user_id,
       ARRAY(SELECT ur.role_id
             FROM   user_roles ur
             WHERE  ur.user_id = asked.user_id
             AND    (SELECT u.is_active AND u.deleted_at IS NULL FROM users u WHERE u.id = asked.user_id)) AS role_ids
FROM   unnest($1::bigint[]) AS asked (user_id);
