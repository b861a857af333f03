-- Work that is done apart from the request that asked for it. A row is written in the transaction of that request, handed over to Quartz, and stays until the job
-- has succeeded or gone to the dead letters; docs/jobs.md has the states.
CREATE TABLE jobs (
    id           uuid        PRIMARY KEY,   -- UUIDv7
    kind         text        NOT NULL CHECK (length(kind) BETWEEN 1 AND 64),
    arguments    jsonb       NOT NULL,      -- no secrets: what needs one makes it when it runs
    unique_key   text                 CHECK (length(unique_key) <= 200),
    -- waiting: for its time, or to be handed over; scheduled: Quartz has it, or it runs; succeeded; dead: no further try.
    state        text        NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'scheduled', 'succeeded', 'dead')),
    enqueued_at  timestamptz NOT NULL DEFAULT now(),
    run_at       timestamptz NOT NULL,
    try          integer     NOT NULL DEFAULT 1,    -- the one that comes next or is under way
    last_try     integer     NOT NULL,              -- the one after whose failure the job is dead
    scheduled_at timestamptz,
    started_at   timestamptz,                       -- of the try under way, and by whom
    node         text,
    failed_tries jsonb       NOT NULL DEFAULT '[]', -- [{"try","at","took_ms","node","error"}], the last 50
    ended_at     timestamptz,
    result       text
);

CREATE UNIQUE INDEX jobs_unique_key ON jobs (unique_key)    WHERE state IN ('waiting', 'scheduled');
CREATE INDEX jobs_due               ON jobs (run_at, id)    WHERE state = 'waiting';
CREATE INDEX jobs_scheduled         ON jobs (scheduled_at)  WHERE state = 'scheduled';
CREATE INDEX jobs_ended             ON jobs (state, ended_at) WHERE state IN ('succeeded', 'dead');

-- What comes again and again, and how it went the last time.
CREATE TABLE recurring_jobs (
    name         text        PRIMARY KEY,
    started_at   timestamptz,
    node         text,
    progress     text,       -- of the run under way, or where the last one ended
    ended_at     timestamptz,
    succeeded    boolean,
    result       text,       -- or why it failed
    runs         bigint      NOT NULL DEFAULT 0,
    failures     bigint      NOT NULL DEFAULT 0
);
