-- Is this account an active administrator, and the only one?
-- $1 user_id bigint
-- -> is_last boolean
SELECT /* Authorization/Authority.is_last_administrator */ coalesce(bool_or(u.id = $1) AND count(*) = 1, false)
FROM   (SELECT u.id
        FROM   roles r
        JOIN   user_roles ur ON ur.role_id = r.id
        JOIN   users u       ON u.id = ur.user_id
        WHERE  r.name = 'admin' AND u.is_active AND u.deleted_at IS NULL
        ORDER  BY u.id = $1 DESC
        LIMIT  2) u;
