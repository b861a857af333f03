-- What shows that the audit trail is still what was written (docs/audit.md): a seal for each event, in a chain, made by one sealer within a second. The events
-- themselves are never touched again, so nobody may: a seal is a row of its own.

-- The transaction that wrote an event. Seals follow (xid, id): once every transaction below a number has ended, no row can come in before it any more. What
-- was written before this migration has 0 and is sealed first, in the order of its ids, which is that of time.
ALTER TABLE audit_events ADD COLUMN trace_id text, ADD COLUMN xid xid8 NOT NULL DEFAULT '0'::xid8;
ALTER TABLE audit_events ALTER COLUMN xid SET DEFAULT pg_current_xact_id();
CREATE INDEX audit_events_xid     ON audit_events (xid, id);
CREATE INDEX audit_events_request ON audit_events (request_id, ts);

CREATE TABLE audit_seals (
    number    bigint      NOT NULL PRIMARY KEY,   -- 1, 2, 3 … without gaps
    event_id  uuid        NOT NULL UNIQUE,
    event_ts  timestamptz NOT NULL,
    sealed_at timestamptz NOT NULL,
    digest    bytea       NOT NULL,               -- SHA-256 of the event
    hash      bytea       NOT NULL                -- HMAC-SHA-256 of the hash before, this row and the digest, under a key that is not in the database
);

-- Where the chain is, where it begins, and who seals.
CREATE TABLE audit_chain (
    is_only_row       boolean     PRIMARY KEY DEFAULT true CHECK (is_only_row),
    number            bigint      NOT NULL DEFAULT 0,      -- of the newest seal
    hash              bytea       NOT NULL DEFAULT '\x',   -- its own
    mac               bytea       NOT NULL DEFAULT '\x',   -- of number and hash: who cuts off the end can't make one
    xid               xid8        NOT NULL DEFAULT '0',    -- place of the newest event that was looked at
    event_id          uuid        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    system_identifier bigint,                              -- of the cluster whose xids these are; null: none yet
    first_number      bigint      NOT NULL DEFAULT 0,      -- the seal before the first one that is kept
    first_hash        bytea       NOT NULL DEFAULT '\x',
    kept_since        timestamptz NOT NULL DEFAULT '-infinity',   -- older events were let go
    first_mac         bytea       NOT NULL DEFAULT '\x',
    sealer            uuid,                                -- a lease
    sealer_until      timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);
INSERT INTO audit_chain DEFAULT VALUES;

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is only added to: no % of %', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

-- Who owns the tables can drop these; what was done then, the chain shows. They keep mistakes out. Months go by audit_events_forget.
CREATE TRIGGER audit_events_are_kept BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_seals_are_kept BEFORE UPDATE ON audit_seals FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_seals_are_not_cut BEFORE TRUNCATE ON audit_seals FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

CREATE FUNCTION audit_refuse_kept_seal() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF OLD.number > (SELECT c.first_number FROM audit_chain c) THEN
        RAISE EXCEPTION 'the audit trail is only added to: seal % is kept', OLD.number USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER audit_seals_go_with_their_events BEFORE DELETE ON audit_seals FOR EACH ROW EXECUTE FUNCTION audit_refuse_kept_seal();

-- Drops the months that lie wholly before an instant. What stands in the default partition stays there.
CREATE FUNCTION audit_events_forget(before timestamptz) RETURNS integer LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    part    regclass;
    dropped integer := 0;
BEGIN
    FOR part IN
        SELECT c.oid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE  i.inhparent = 'audit_events'::regclass AND c.relname ~ '^audit_events_\d{4}_\d{2}$'
        AND    (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month')::timestamp AT TIME ZONE 'UTC' <= before
    LOOP
        EXECUTE format('DROP TABLE %s', part);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
