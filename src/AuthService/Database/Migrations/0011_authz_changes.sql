-- Who may do what, and how that changed: a row for every change, written by the transaction that makes it, also by a line typed into psql. Read by
-- what a snapshot sees of their xid, never by id: ids don't commit in order. GET /api/v1/events sends it; docs/events.md has the kinds.
CREATE TABLE authz_changes (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid           xid8        NOT NULL DEFAULT pg_current_xact_id(),
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind          text        NOT NULL,
    user_id       bigint,
    role_id       bigint,
    permission_id bigint,
    name          text                      -- of the role or permission, as it was then
);

CREATE INDEX authz_changes_xid ON authz_changes (xid);
CREATE INDEX authz_changes_at  ON authz_changes (at);

-- The youngest transaction whose rows were deleted for their age: who has not seen it may have missed some.
CREATE TABLE authz_changes_pruned (
    is_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_only_row),
    xid         xid8    NOT NULL
);

CREATE TYPE authz_change AS (kind text, user_id bigint, role_id bigint, permission_id bigint, name text);

-- More than a thousand changes in one statement: one row that says so, as the cache does it. Callers stop at 1,001.
CREATE FUNCTION authz_changes_add(changes authz_change[], many text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(changes) > 1000 THEN
        INSERT INTO authz_changes (kind) VALUES (many);
    ELSIF cardinality(changes) > 0 THEN
        INSERT INTO authz_changes (kind, user_id, role_id, permission_id, name)
        SELECT c.kind, c.user_id, c.role_id, c.permission_id, c.name FROM unnest(changes) c;
    END IF;
END $$;

CREATE FUNCTION authz_changes_of_user_roles() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM authz_changes_add(ARRAY(SELECT ('role.granted', n.user_id, n.role_id, NULL, r.name)::authz_change
                                        FROM new_rows n LEFT JOIN roles r ON r.id = n.role_id LIMIT 1001), 'users.changed');
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM authz_changes_add(ARRAY(SELECT ('role.revoked', o.user_id, o.role_id, NULL, r.name)::authz_change
                                        FROM old_rows o LEFT JOIN roles r ON r.id = o.role_id LIMIT 1001), 'users.changed');
    ELSE
        PERFORM authz_changes_add(ARRAY(
            SELECT (c.kind, c.user_id, c.role_id, NULL, r.name)::authz_change
            FROM  ((SELECT 'role.revoked' AS kind, user_id, role_id FROM old_rows EXCEPT SELECT 'role.revoked', user_id, role_id FROM new_rows) UNION ALL
                   (SELECT 'role.granted', user_id, role_id FROM new_rows EXCEPT SELECT 'role.granted', user_id, role_id FROM old_rows)) c
            LEFT   JOIN roles r ON r.id = c.role_id LIMIT 1001), 'users.changed');
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION authz_changes_of_role_permissions() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM authz_changes_add(ARRAY(SELECT ('role.permission_added', NULL, n.role_id, n.permission_id, p.resource || ':' || p.action)::authz_change
                                        FROM new_rows n LEFT JOIN permissions p ON p.id = n.permission_id LIMIT 1001), 'roles.changed');
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM authz_changes_add(ARRAY(SELECT ('role.permission_removed', NULL, o.role_id, o.permission_id, p.resource || ':' || p.action)::authz_change
                                        FROM old_rows o LEFT JOIN permissions p ON p.id = o.permission_id LIMIT 1001), 'roles.changed');
    ELSE
        PERFORM authz_changes_add(ARRAY(
            SELECT (c.kind, NULL, c.role_id, c.permission_id, p.resource || ':' || p.action)::authz_change
            FROM  ((SELECT 'role.permission_removed' AS kind, role_id, permission_id FROM old_rows EXCEPT SELECT 'role.permission_removed', role_id, permission_id FROM new_rows) UNION ALL
                   (SELECT 'role.permission_added', role_id, permission_id FROM new_rows EXCEPT SELECT 'role.permission_added', role_id, permission_id FROM old_rows)) c
            LEFT   JOIN permissions p ON p.id = c.permission_id LIMIT 1001), 'roles.changed');
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION authz_changes_of_roles() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM authz_changes_add(ARRAY(SELECT ('role.created', NULL, n.id, NULL, n.name)::authz_change FROM new_rows n LIMIT 1001), 'roles.changed');
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM authz_changes_add(ARRAY(SELECT ('role.deleted', NULL, o.id, NULL, o.name)::authz_change FROM old_rows o LIMIT 1001), 'roles.changed');
    ELSE
        PERFORM authz_changes_add(ARRAY(SELECT ('role.updated', NULL, n.id, NULL, n.name)::authz_change
                                        FROM (SELECT * FROM new_rows EXCEPT SELECT * FROM old_rows) n LIMIT 1001), 'roles.changed');
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION authz_changes_of_permissions() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM authz_changes_add(ARRAY(SELECT ('permission.created', NULL, NULL, n.id, n.resource || ':' || n.action)::authz_change
                                        FROM new_rows n LIMIT 1001), 'roles.changed');
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM authz_changes_add(ARRAY(SELECT ('permission.deleted', NULL, NULL, o.id, o.resource || ':' || o.action)::authz_change
                                        FROM old_rows o LIMIT 1001), 'roles.changed');
    ELSE
        PERFORM authz_changes_add(ARRAY(SELECT ('permission.updated', NULL, NULL, n.id, n.resource || ':' || n.action)::authz_change
                                        FROM (SELECT * FROM new_rows EXCEPT SELECT * FROM old_rows) n LIMIT 1001), 'roles.changed');
    END IF;
    RETURN NULL;
END $$;

-- Accounts: whether they may do anything at all. A new one may nothing before it is granted something.
CREATE FUNCTION authz_changes_of_users() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM authz_changes_add(ARRAY(SELECT ('user.deleted', o.id, NULL, NULL, NULL)::authz_change
                                        FROM old_rows o WHERE o.deleted_at IS NULL LIMIT 1001), 'users.changed');
    ELSE
        PERFORM authz_changes_add(ARRAY(
            SELECT (CASE WHEN n.deleted_at IS NOT NULL THEN 'user.deleted' WHEN n.is_active THEN 'user.activated' ELSE 'user.deactivated' END, n.id, NULL, NULL, NULL)::authz_change
            FROM   new_rows n JOIN old_rows o ON o.id = n.id
            WHERE  (o.is_active, o.deleted_at IS NULL) <> (n.is_active, n.deleted_at IS NULL) AND NOT (o.deleted_at IS NOT NULL AND n.deleted_at IS NOT NULL)
            LIMIT  1001), 'users.changed');
    END IF;
    RETURN NULL;
END $$;

-- For TRUNCATE, which names no rows.
CREATE FUNCTION authz_changes_of_all() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO authz_changes (kind) VALUES (TG_ARGV[0]);
    RETURN NULL;
END $$;

CREATE TRIGGER authz_changes_inserted AFTER INSERT ON user_roles       REFERENCING NEW TABLE AS new_rows EXECUTE FUNCTION authz_changes_of_user_roles();
CREATE TRIGGER authz_changes_inserted AFTER INSERT ON role_permissions REFERENCING NEW TABLE AS new_rows EXECUTE FUNCTION authz_changes_of_role_permissions();
CREATE TRIGGER authz_changes_inserted AFTER INSERT ON roles            REFERENCING NEW TABLE AS new_rows EXECUTE FUNCTION authz_changes_of_roles();
CREATE TRIGGER authz_changes_inserted AFTER INSERT ON permissions      REFERENCING NEW TABLE AS new_rows EXECUTE FUNCTION authz_changes_of_permissions();

DO $$
DECLARE
    changing text;
BEGIN
    FOREACH changing IN ARRAY ARRAY['user_roles', 'role_permissions', 'roles', 'permissions', 'users'] LOOP
        EXECUTE format('CREATE TRIGGER authz_changes_updated AFTER UPDATE ON %I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows EXECUTE FUNCTION %I()', changing, 'authz_changes_of_' || changing);
        EXECUTE format('CREATE TRIGGER authz_changes_deleted AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows EXECUTE FUNCTION %I()', changing, 'authz_changes_of_' || changing);
        EXECUTE format('CREATE TRIGGER authz_changes_emptied AFTER TRUNCATE ON %I EXECUTE FUNCTION authz_changes_of_all(%L)', changing,
                       CASE WHEN changing IN ('users', 'user_roles') THEN 'users.changed' ELSE 'roles.changed' END);
    END LOOP;

    -- A session that replicates fires them too, as it does those of the cache.
    FOR changing IN SELECT format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', t.tgrelid::regclass, t.tgname) FROM pg_trigger t WHERE t.tgname LIKE 'authz\_changes\_%' LOOP
        EXECUTE changing;
    END LOOP;
END $$;
