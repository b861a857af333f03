-- How far this file has been imported.
-- $1 file_hash bytea
-- $2 again boolean
-- -> records bigint, stored bigint, refused bigint, is_finished boolean   (1 row)
INSERT /* UserImport/ImportUsers.begin */ INTO user_imports AS i (file_hash) VALUES ($1)
ON     CONFLICT (file_hash) DO UPDATE
SET    records     = CASE WHEN $2 THEN 0 ELSE i.records END,
       stored      = CASE WHEN $2 THEN 0 ELSE i.stored END,
       refused     = CASE WHEN $2 THEN 0 ELSE i.refused END,
       started_at  = CASE WHEN $2 THEN now() ELSE i.started_at END,
       finished_at = CASE WHEN $2 THEN NULL ELSE i.finished_at END
RETURNING records, stored, refused, finished_at IS NOT NULL AS is_finished;
