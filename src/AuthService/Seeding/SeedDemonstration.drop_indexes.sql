-- An index takes a row at a time while rows come in, and sorts them all when it is made: for a million accounts the difference is most of the time. What the indexes
-- are is said by the migrations and kept here as PostgreSQL tells it, for rebuild_indexes.sql, in the same transaction: whatever breaks it off, they are all there. Those of
-- constraints stay, and those of which their definition does not say everything.
DO /* Seeding/SeedDemonstration.drop_indexes */ $$
DECLARE
    name text;
BEGIN
    CREATE TEMPORARY TABLE seeding_indexes ON COMMIT DROP AS
    SELECT c.oid::regclass::text AS name, pg_get_indexdef(c.oid) AS definition
    FROM   pg_index i
    JOIN   pg_class c ON c.oid = i.indexrelid
    WHERE  i.indrelid IN ('users'::regclass, 'user_roles'::regclass) AND i.indisvalid AND NOT i.indisclustered AND NOT i.indisreplident AND c.reltablespace = 0
    AND    NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid)
    AND    NOT EXISTS (SELECT FROM pg_description d WHERE d.objoid = c.oid);

    FOR name IN SELECT s.name FROM pg_temp.seeding_indexes s LOOP
        EXECUTE format('DROP INDEX %s', name);
    END LOOP;
END $$;
