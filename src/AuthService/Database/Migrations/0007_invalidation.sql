-- Whatever changes rights makes invalid what is cached of them, in the same transaction: also a line typed into psql. The tags are those of
-- Caching/CacheTags.cs; solid_cache_bump is SolidCache's, whose schema is made before this one.
--
-- One bump a statement. Updates compare old and new, so that a change of nothing, a log-in or a new password leaves rights alone. ENABLE ALWAYS: a
-- session that replicates fires them too. SECURITY DEFINER with a search_path of its own: who may change a right need not be allowed to write
-- the cache's tables.

-- More accounts than this at once: the tags of all accounts' rights and profiles instead of one each.
CREATE FUNCTION invalidate_users(changed bigint[]) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF cardinality(changed) > 1000 THEN
        PERFORM solid_cache.solid_cache_bump(ARRAY[solid_cache.solid_cache_tag('all:rights'), solid_cache.solid_cache_tag('all:profiles'),
                                                   solid_cache.solid_cache_tag('all:sessions')]);
    ELSIF cardinality(changed) > 0 THEN
        PERFORM solid_cache.solid_cache_bump(ARRAY(SELECT solid_cache.solid_cache_tag('user:' || id) FROM unnest(changed) AS id));
    END IF;
END $$;

-- For TRUNCATE, which names no rows.
CREATE FUNCTION invalidate_all() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM solid_cache.solid_cache_bump(ARRAY[solid_cache.solid_cache_tag('all')]);
    RETURN NULL;
END $$;

-- Who holds which role.
CREATE FUNCTION user_roles_added() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM invalidate_users(ARRAY(SELECT DISTINCT user_id FROM new_rows LIMIT 1001));
    RETURN NULL;
END $$;

CREATE FUNCTION user_roles_removed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM invalidate_users(ARRAY(SELECT DISTINCT user_id FROM old_rows LIMIT 1001));
    RETURN NULL;
END $$;

CREATE FUNCTION user_roles_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM invalidate_users(ARRAY(
        SELECT DISTINCT c.user_id
        FROM   ((SELECT user_id, role_id FROM old_rows EXCEPT SELECT user_id, role_id FROM new_rows) UNION ALL
                (SELECT user_id, role_id FROM new_rows EXCEPT SELECT user_id, role_id FROM old_rows)) c
        LIMIT  1001));
    RETURN NULL;
END $$;

-- Accounts: whether they may do anything at all, and what they say of themselves.
CREATE FUNCTION users_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    profiles bigint[];
BEGIN
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
    RETURN NULL;
END $$;

CREATE FUNCTION users_removed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM invalidate_users(ARRAY(SELECT id FROM old_rows LIMIT 1001));
    RETURN NULL;
END $$;

-- What nobody changed makes nothing invalid. For an UPDATE of roles, permissions or of which role holds which.
CREATE FUNCTION invalidate_catalog_if_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT * FROM old_rows EXCEPT SELECT * FROM new_rows) THEN
        PERFORM solid_cache.solid_cache_bump(ARRAY[solid_cache.solid_cache_tag('catalog')]);
    END IF;
    RETURN NULL;
END $$;

-- An insertion or deletion of no rows.
CREATE FUNCTION invalidate_catalog_if_added() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows) THEN
        PERFORM solid_cache.solid_cache_bump(ARRAY[solid_cache.solid_cache_tag('catalog')]);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION invalidate_catalog_if_removed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM old_rows) THEN
        PERFORM solid_cache.solid_cache_bump(ARRAY[solid_cache.solid_cache_tag('catalog')]);
    END IF;
    RETURN NULL;
END $$;

-- A key that is not trusted any more.
CREATE FUNCTION signing_keys_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tags bigint[] := ARRAY(SELECT solid_cache.solid_cache_tag('kid:' || o.kid)
                           FROM   old_rows o LEFT JOIN new_rows n ON n.kid = o.kid
                           WHERE  o.distrusted_at IS DISTINCT FROM n.distrusted_at);
BEGIN
    IF cardinality(tags) > 0 THEN PERFORM solid_cache.solid_cache_bump(tags); END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER user_roles_added   AFTER INSERT ON user_roles REFERENCING NEW TABLE AS new_rows EXECUTE FUNCTION user_roles_added();
CREATE TRIGGER user_roles_removed AFTER DELETE ON user_roles REFERENCING OLD TABLE AS old_rows EXECUTE FUNCTION user_roles_removed();
CREATE TRIGGER user_roles_changed AFTER UPDATE ON user_roles REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows EXECUTE FUNCTION user_roles_changed();
CREATE TRIGGER users_changed      AFTER UPDATE ON users      REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows EXECUTE FUNCTION users_changed();
CREATE TRIGGER users_removed      AFTER DELETE ON users      REFERENCING OLD TABLE AS old_rows EXECUTE FUNCTION users_removed();
CREATE TRIGGER signing_keys_changed AFTER UPDATE ON signing_keys REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows EXECUTE FUNCTION signing_keys_changed();

DO $$
DECLARE
    changing text;
BEGIN
    FOREACH changing IN ARRAY ARRAY['roles', 'permissions', 'role_permissions'] LOOP
        EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows EXECUTE FUNCTION invalidate_catalog_if_added()', changing || '_added', changing);
        EXECUTE format('CREATE TRIGGER %I AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows EXECUTE FUNCTION invalidate_catalog_if_removed()', changing || '_removed', changing);
        EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows EXECUTE FUNCTION invalidate_catalog_if_changed()', changing || '_changed', changing);
    END LOOP;

    FOREACH changing IN ARRAY ARRAY['roles', 'permissions', 'role_permissions', 'user_roles', 'users', 'signing_keys', 'sessions'] LOOP
        EXECUTE format('CREATE TRIGGER %I AFTER TRUNCATE ON %I EXECUTE FUNCTION invalidate_all()', changing || '_emptied', changing);
    END LOOP;

    FOR changing IN SELECT format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', t.tgrelid::regclass, t.tgname)
                    FROM   pg_trigger t
                    WHERE  NOT t.tgisinternal AND t.tgrelid IN ('roles'::regclass, 'permissions'::regclass, 'role_permissions'::regclass,
                           'user_roles'::regclass, 'users'::regclass, 'signing_keys'::regclass, 'sessions'::regclass) LOOP
        EXECUTE changing;
    END LOOP;
END $$;
