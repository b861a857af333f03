-- What the new password must not contain; nothing where set_password would take no token.
-- $1 token_hash bytea
-- -> email text, username text, display_name text   (0 or 1 row)
SELECT /* Authentication/ReplaceForgottenPassword.find_token */ u.email, u.username, u.display_name
FROM   email_tokens t
JOIN   users u ON u.id = t.user_id AND lower(u.email) = lower(t.email) AND u.password_series = t.password_series AND u.is_active AND u.deleted_at IS NULL
WHERE  t.token_hash = $1 AND t.purpose = 'reset_password' AND t.expires_at > now();
