-- One row per sign-in, rotated in place: never a row per token. No index covers a column that a rotation changes, and a
-- third of every page stays free, so rotations are heap-only updates.
CREATE TABLE sessions (
    id                  uuid        PRIMARY KEY,   -- UUIDv7
    user_id             bigint      NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at          timestamptz NOT NULL DEFAULT now(),   -- when the user proved who they are: auth_time
    absolute_expires_at timestamptz NOT NULL,                 -- never moves
    idle_expires_at     timestamptz NOT NULL,                 -- moves with every rotation
    rotated_at          timestamptz NOT NULL DEFAULT now(),
    gen                 integer     NOT NULL DEFAULT 0,
    cur_hash            bytea       NOT NULL,      -- SHA-256 of the current refresh secret
    prev_hash           bytea,                     -- and of the one before it
    revoked_at          timestamptz,
    revoked_reason      text,
    amr                 text[]      NOT NULL,      -- RFC 8176
    ip                  inet,
    user_agent          text
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX sessions_user_id             ON sessions (user_id);
CREATE INDEX sessions_absolute_expires_at ON sessions (absolute_expires_at);
