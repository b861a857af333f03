-- Accounts. Case-insensitive uniqueness is an index over lower(), not a column type: the text stays as its owner wrote it,
-- and search by pattern keeps working on it.
CREATE TABLE users (
    id                        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email                     text        NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    username                  text        NOT NULL CHECK (length(username) BETWEEN 2 AND 64),
    display_name              text                 CHECK (length(display_name) <= 200),
    phone                     text                 CHECK (length(phone) <= 32),
    avatar_url                text                 CHECK (length(avatar_url) <= 2048),
    password_hash             text        NOT NULL,
    -- Set while the password is one the service made up for its owner, who must change it and can use it until then.
    temporary_password_until  timestamptz,
    is_active                 boolean     NOT NULL DEFAULT true,
    email_verified            boolean     NOT NULL DEFAULT false,
    created_at                timestamptz NOT NULL DEFAULT now(),
    updated_at                timestamptz NOT NULL DEFAULT now(),
    last_login_at             timestamptz,
    deleted_at                timestamptz,
    -- Moves with every change but log-in. A session is only started for the version its password was checked against,
    -- and If-Match compares it.
    version                   bigint      NOT NULL DEFAULT 1
) WITH (fillfactor = 90);   -- room for last_login_at to change in place

-- Unique among the living: a deleted account gives its names back.
CREATE UNIQUE INDEX users_email_key    ON users (lower(email))    WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX users_username_key ON users (lower(username)) WHERE deleted_at IS NULL;
CREATE INDEX users_created_at ON users (created_at, id) WHERE deleted_at IS NULL;
