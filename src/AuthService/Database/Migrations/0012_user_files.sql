-- Accounts that come in files and leave in them.

-- How far each file has been imported: moves in the transaction that stores its accounts, so that an import that was broken off goes on where it was.
CREATE TABLE user_imports (
    file_hash   bytea       PRIMARY KEY,           -- SHA-256 of what is in the file
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    records     bigint      NOT NULL DEFAULT 0,    -- looked at
    stored      bigint      NOT NULL DEFAULT 0,
    refused     bigint      NOT NULL DEFAULT 0
);

-- A text as a field of CSV (RFC 4180): in quotes, and with an apostrophe before it where a spreadsheet would take it for a formula (CWE-1236), or where it begins
-- with one itself, so that nobody who reads it has to guess. Nothing for null.
CREATE FUNCTION csv_text(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN value IS NULL THEN ''
                ELSE '"' || replace(CASE WHEN value ~ '^[-=+@\t\r'']' THEN '''' || value ELSE value END, '"', '""') || '"' END
$$;
