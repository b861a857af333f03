-- The password works again, and its failures are counted from 0: under another series no counter of the old one is looked at.
-- $1 id bigint
-- -> id bigint   (0 or 1 row)
UPDATE /* Users/UnlockPassword.unlock */ users
SET    password_stopped_at = NULL, password_series = password_series + 1
WHERE  id = $1 AND deleted_at IS NULL
RETURNING id;
