-- Nothing of the file is left.
-- $1 file_hash bytea
UPDATE /* UserImport/ImportUsers.finish */ user_imports SET finished_at = now() WHERE file_hash = $1 AND finished_at IS NULL;
