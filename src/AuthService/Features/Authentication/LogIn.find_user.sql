-- The living account with this address, in whatever state it is.
-- $1 email text
-- -> id bigint, email text, username text, display_name text, password_hash text, version bigint, is_active boolean,
--    email_verified boolean, password_is_temporary boolean, password_is_over boolean, password_is_stopped boolean, password_series integer, has_signed_in boolean   (0 or 1 row)
SELECT /* Authentication/LogIn.find_user */
       id, email, username, display_name, password_hash, version, is_active, email_verified,
       temporary_password_until IS NOT NULL, coalesce(temporary_password_until < now(), false), password_stopped_at IS NOT NULL, password_series, last_login_at IS NOT NULL
FROM   users
WHERE  lower(email) = lower($1) AND deleted_at IS NULL;
