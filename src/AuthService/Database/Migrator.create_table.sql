-- The record of what was applied. Runs under the lock: CREATE TABLE IF NOT EXISTS alone can collide with itself.
CREATE /* Database/Migrator.create_table */ TABLE IF NOT EXISTS schema_migrations (
    version    int         PRIMARY KEY,
    name       text        NOT NULL,
    checksum   bytea       NOT NULL,   -- SHA-256 of the file with LF line ends
    applied_at timestamptz NOT NULL DEFAULT now()
);
