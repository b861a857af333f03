-- From here on no log-in whose password was checked before gets a session.
-- $1 user_id bigint
UPDATE /* Sessions/EndSessions.move_version */ users
SET    version = version + 1
WHERE  id = $1;
