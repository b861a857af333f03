-- The numbers of role1, role2, …, in this order.
-- $1 count integer
-- -> id bigint
SELECT /* Seeding/SeedDemonstration.list_roles */ r.id
FROM   generate_series(1, $1::integer) i
JOIN   roles r ON r.name = 'role' || i
ORDER  BY i;
