-- Accounts are told of as rights are: that one was made, says something else of itself, has another password, or that a copy of one of its refresh tokens was used. Numbers only:
-- what an account says of itself is read where it is, by those who may. docs/events.md has the kinds.
ALTER TABLE authz_changes ADD COLUMN session_id uuid;

-- What a change of accounts makes invalid (0007_invalidation.sql) and what is told of it: one function, because a log-in is the most frequent of these statements, and is
-- over with the first of its questions. It moves nothing that is asked for there: it may replace the hash of the password by a stronger one, but then dates itself.
DROP TRIGGER authz_changes_updated ON users;

CREATE OR REPLACE FUNCTION users_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT SET enable_nestloop = off AS $$   -- why: 0013_changes_of_many_users.sql
DECLARE
    profiles bigint[];
BEGIN
    IF NOT EXISTS (
        SELECT FROM new_rows n JOIN old_rows o ON o.id = n.id
        WHERE  (o.version, o.is_active, o.deleted_at, o.temporary_password_until, o.email, o.username, o.display_name, o.phone, o.avatar_url, o.email_verified)
               IS DISTINCT FROM (n.version, n.is_active, n.deleted_at, n.temporary_password_until, n.email, n.username, n.display_name, n.phone, n.avatar_url, n.email_verified)
        OR     (o.password_hash <> n.password_hash AND o.last_login_at IS NOT DISTINCT FROM n.last_login_at)) THEN
        RETURN NULL;
    END IF;

    PERFORM invalidate_users(ARRAY(
        SELECT n.id FROM new_rows n JOIN old_rows o ON o.id = n.id
        WHERE  (o.is_active, o.deleted_at IS NULL, o.temporary_password_until IS NULL)
               IS DISTINCT FROM (n.is_active, n.deleted_at IS NULL, n.temporary_password_until IS NULL)
        LIMIT  1001));

    -- The version moves with whatever a profile shows, but for the last log-in.
    profiles := ARRAY(SELECT n.id FROM new_rows n JOIN old_rows o ON o.id = n.id
                      WHERE  (o.version, o.email, o.username, o.display_name, o.phone, o.avatar_url, o.email_verified)
                             IS DISTINCT FROM (n.version, n.email, n.username, n.display_name, n.phone, n.avatar_url, n.email_verified)
                      LIMIT  1001);
    IF cardinality(profiles) > 1000 THEN
        PERFORM solid_cache.solid_cache_bump(ARRAY[solid_cache.solid_cache_tag('all:profiles')]);
    ELSIF cardinality(profiles) > 0 THEN
        PERFORM solid_cache.solid_cache_bump(ARRAY(SELECT solid_cache.solid_cache_tag('profile:' || id) FROM unnest(profiles) AS id));
    END IF;

    -- Of one that is deleted nothing more. One statement may change an account in more than one of these ways.
    PERFORM authz_changes_add(ARRAY(
        SELECT (c.kind, c.id, NULL, NULL, NULL)::authz_change
        FROM  (SELECT n.id, unnest(array_remove(ARRAY[
                   CASE WHEN (o.is_active, o.deleted_at IS NULL) = (n.is_active, n.deleted_at IS NULL) OR (o.deleted_at IS NOT NULL AND n.deleted_at IS NOT NULL) THEN NULL
                        WHEN n.deleted_at IS NOT NULL THEN 'user.deleted' WHEN n.is_active THEN 'user.activated' ELSE 'user.deactivated' END,
                   CASE WHEN n.deleted_at IS NULL AND (o.email, o.username, o.display_name, o.phone, o.avatar_url, o.email_verified)
                             IS DISTINCT FROM (n.email, n.username, n.display_name, n.phone, n.avatar_url, n.email_verified) THEN 'user.updated' END,
                   CASE WHEN n.deleted_at IS NULL AND o.password_hash <> n.password_hash AND o.last_login_at IS NOT DISTINCT FROM n.last_login_at THEN 'user.password_changed' END],
                   NULL)) AS kind
               FROM   new_rows n JOIN old_rows o ON o.id = n.id) c
        LIMIT  1001), 'users.changed');
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION authz_changes_of_users() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM authz_changes_add(ARRAY(SELECT ('user.created', n.id, NULL, NULL, NULL)::authz_change
                                        FROM new_rows n WHERE n.deleted_at IS NULL LIMIT 1001), 'users.changed');
    ELSE
        PERFORM authz_changes_add(ARRAY(SELECT ('user.deleted', o.id, NULL, NULL, NULL)::authz_change
                                        FROM old_rows o WHERE o.deleted_at IS NULL LIMIT 1001), 'users.changed');
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER authz_changes_inserted AFTER INSERT ON users REFERENCING NEW TABLE AS new_rows EXECUTE FUNCTION authz_changes_of_users();
ALTER TABLE users ENABLE ALWAYS TRIGGER authz_changes_inserted;

-- A backlog is made deliveries of in steps. While it is: up to where, as a snapshot, these steps go, and the last change they have come to, in the order of (xid, id). One
-- transaction may have made all of them, so the order is that of an index: a step costs what it takes, not what there is.
ALTER TABLE webhook_position
    ADD COLUMN upto     pg_snapshot,
    ADD COLUMN last_xid xid8,
    ADD COLUMN last_id  bigint;

CREATE INDEX authz_changes_place ON authz_changes (xid, id);
DROP INDEX authz_changes_xid;

-- Of which change: who is asked why an account is still active somewhere finds out whether its deactivation arrived there. Null: of none, a test.
ALTER TABLE webhook_deliveries ADD COLUMN change_id bigint;
