-- What was sent to an address to prove that its owner reads it. The token itself is made when the mail is sent, and is nowhere but in the mail.
CREATE TABLE email_tokens (
    token_hash      bytea       PRIMARY KEY,   -- SHA-256
    user_id         bigint      NOT NULL REFERENCES users ON DELETE CASCADE,
    purpose         text        NOT NULL CHECK (purpose IN ('verify_email', 'reset_password')),
    email           text        NOT NULL,      -- worth nothing once the account has another one
    password_series integer     NOT NULL,      -- nor once the password was replaced
    created_at      timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz NOT NULL
);

CREATE INDEX email_tokens_user_id    ON email_tokens (user_id, purpose, created_at);
CREATE INDEX email_tokens_expires_at ON email_tokens (expires_at);

-- How many mails of a kind an account was sent in the hour that began with the first.
CREATE TABLE email_counts (
    user_id  bigint      NOT NULL REFERENCES users ON DELETE CASCADE,
    mail     text        NOT NULL,
    began_at timestamptz NOT NULL DEFAULT now(),
    count    integer     NOT NULL DEFAULT 1,
    PRIMARY KEY (user_id, mail)
);

CREATE INDEX email_counts_began_at ON email_counts (began_at);
