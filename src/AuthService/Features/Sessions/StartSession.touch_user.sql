-- First statement of a log-in's transaction: takes the row of the account, so that a deactivation, password change or
-- log-out-all either comes before (the version has moved, no session is made) or waits and then ends the new session too.
-- $1 user_id bigint
-- $2 version bigint
-- $3 new_password_hash text
UPDATE /* Sessions/StartSession.touch_user */ users
SET    last_login_at = now(), password_hash = coalesce($3, password_hash)
WHERE  id = $1 AND version = $2 AND is_active AND deleted_at IS NULL;
