-- Who did what to whom. Rows are only ever added. One partition a month; what no partition claims goes to the default one,
-- so a missing partition can lose nothing.
CREATE TABLE audit_events (
    id          uuid        NOT NULL,              -- UUIDv7
    ts          timestamptz NOT NULL DEFAULT now(),
    type        text        NOT NULL,              -- OWASP Logging Vocabulary, docs/audit.md
    actor_type  text        NOT NULL,              -- user, anonymous, system, cli
    actor_id    bigint,
    session_id  uuid,
    target_type text,
    target_id   text,
    outcome     text        NOT NULL,              -- success, failure
    reason      text,
    diff        jsonb,
    ip          inet,
    user_agent  text,
    request_id  text,
    PRIMARY KEY (ts, id)
) PARTITION BY RANGE (ts);

CREATE TABLE audit_events_default PARTITION OF audit_events DEFAULT;

-- Creates the partitions of this month and the next two where they lack. Safe to call at any time from any node.
CREATE FUNCTION audit_events_prepare_partitions() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first timestamp;
    month timestamptz;
    after timestamptz;
    name  text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('audit_events_prepare_partitions'));
    FOR i IN 0..2 LOOP
        first := date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i);
        month := first AT TIME ZONE 'UTC';
        after := (first + interval '1 month') AT TIME ZONE 'UTC';
        name  := 'audit_events_' || to_char(first, 'YYYY_MM');
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        -- A row may already wait in the default partition: then that month stays there, whole.
        CONTINUE WHEN EXISTS (SELECT FROM audit_events_default WHERE ts >= month AND ts < after);
        EXECUTE format('CREATE TABLE %I PARTITION OF audit_events FOR VALUES FROM (%L) TO (%L)', name, month, after);
    END LOOP;
END $$;

SELECT audit_events_prepare_partitions();

CREATE INDEX audit_events_type   ON audit_events (type, ts);
CREATE INDEX audit_events_target ON audit_events (target_type, target_id, ts);
CREATE INDEX audit_events_actor  ON audit_events (actor_id, ts);
