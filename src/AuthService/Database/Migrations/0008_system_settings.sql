-- Settings of the installation that change rarely and are read often. json and not jsonb: the text stays as it was written, also where jsonb has
-- no way to keep it (U+0000 in a string).
CREATE TABLE system_settings (
    key        text        PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 128),
    value      json        NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION system_settings_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM solid_cache.solid_cache_bump(ARRAY(SELECT DISTINCT solid_cache.solid_cache_tag('settings:' || key) FROM changed_rows));
    RETURN NULL;
END $$;

CREATE FUNCTION system_settings_updated() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM solid_cache.solid_cache_bump(ARRAY(
        SELECT DISTINCT solid_cache.solid_cache_tag('settings:' || key) FROM (SELECT key FROM old_rows UNION SELECT key FROM new_rows) changed));
    RETURN NULL;
END $$;

CREATE TRIGGER system_settings_added   AFTER INSERT ON system_settings REFERENCING NEW TABLE AS changed_rows EXECUTE FUNCTION system_settings_changed();
CREATE TRIGGER system_settings_removed AFTER DELETE ON system_settings REFERENCING OLD TABLE AS changed_rows EXECUTE FUNCTION system_settings_changed();
CREATE TRIGGER system_settings_updated AFTER UPDATE ON system_settings REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    EXECUTE FUNCTION system_settings_updated();
CREATE TRIGGER system_settings_emptied AFTER TRUNCATE ON system_settings EXECUTE FUNCTION invalidate_all();
ALTER TABLE system_settings ENABLE ALWAYS TRIGGER system_settings_added;
ALTER TABLE system_settings ENABLE ALWAYS TRIGGER system_settings_removed;
ALTER TABLE system_settings ENABLE ALWAYS TRIGGER system_settings_updated;
ALTER TABLE system_settings ENABLE ALWAYS TRIGGER system_settings_emptied;
