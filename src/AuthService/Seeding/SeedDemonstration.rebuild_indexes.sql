-- Makes what drop_indexes.sql has dropped.
DO /* Seeding/SeedDemonstration.rebuild_indexes */ $$
DECLARE
    definition text;
BEGIN
    FOR definition IN SELECT s.definition FROM pg_temp.seeding_indexes s ORDER BY s.name LOOP
        EXECUTE definition;
    END LOOP;
END $$;
