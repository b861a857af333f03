-- The rights of one account. One that does not exist, is inactive or deleted has none.
-- $1 user_id bigint
-- -> roles text[], permissions text[], revision text   (1 row)
SELECT /* Authorization/Rights.load_rights */ rights.roles, rights.permissions, pg_current_snapshot()::text AS revision
FROM   user_rights($1) AS rights;
