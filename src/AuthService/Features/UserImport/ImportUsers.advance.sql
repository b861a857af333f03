-- In the transaction that stores the accounts: from where it was to where it is. No row if somebody else imports the same file.
-- $1 file_hash bytea
-- $2 from_record bigint
-- $3 to_record bigint
-- $4 stored bigint
-- $5 refused bigint
-- -> records bigint   (0 or 1 row)
UPDATE /* UserImport/ImportUsers.advance */ user_imports
SET    records = $3, stored = stored + $4, refused = refused + $5
WHERE  file_hash = $1 AND records = $2 AND finished_at IS NULL
RETURNING records;
