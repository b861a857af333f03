-- Takes $1 numbers from the accounts' sequence at once.
-- $1 count bigint
-- -> first bigint
SELECT /* Seeding/SeedDemonstration.reserve_ids */
       setval(pg_get_serial_sequence('users', 'id'), nextval(pg_get_serial_sequence('users', 'id')) + $1 - 1) - $1 + 1;
