-- A new account with its first roles. Where a name is taken nothing is stored and the answer says which; where neither was
-- taken when the statement began but one is now, id is null and both flags are false: try again.
-- $1 email text
-- $2 username text
-- $3 display_name text
-- $4 password_hash text
-- $5 temporary_password_lifetime interval
-- $6 role_names text[]
-- $7 granted_by bigint
-- $8 email_verified boolean
-- -> id bigint, temporary_password_until timestamptz, email_taken boolean, username_taken boolean
WITH added AS (
    INSERT /* Users/AddUser.insert_user */
    INTO   users (email, username, display_name, password_hash, temporary_password_until, email_verified)
    SELECT $1, $2, $3, $4, now() + $5::interval, $8
    ON     CONFLICT DO NOTHING
    RETURNING id, temporary_password_until
), granted AS (
    INSERT INTO user_roles (user_id, role_id, granted_by)
    SELECT a.id, r.id, $7 FROM added a JOIN roles r ON r.name = ANY ($6)
)
SELECT (SELECT id FROM added),
       (SELECT temporary_password_until FROM added),
       EXISTS (SELECT FROM users WHERE lower(email)    = lower($1) AND deleted_at IS NULL) AS email_taken,
       EXISTS (SELECT FROM users WHERE lower(username) = lower($2) AND deleted_at IS NULL) AS username_taken;
