-- role1, role2, …
-- $1 count integer
INSERT /* Seeding/SeedDemonstration.insert_roles */
INTO   roles (name, description)
SELECT 'role' || i, 'Demonstration.' FROM generate_series(1, $1::integer) i
ON     CONFLICT (name) DO NOTHING;
