-- One-time tokens that make the first administrator. Printed at start while there is none; all go once one exists.
CREATE TABLE bootstrap_tokens (
    token_hash bytea       PRIMARY KEY,   -- SHA-256
    created_at timestamptz NOT NULL DEFAULT now()
);
