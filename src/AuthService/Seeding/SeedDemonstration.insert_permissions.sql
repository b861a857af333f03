-- res1:read, res1:write, res1:admin, res1:delete, res2:read, …
-- $1 count integer
INSERT /* Seeding/SeedDemonstration.insert_permissions */
INTO   permissions (resource, action, description)
SELECT 'res' || 1 + (i - 1) / 4, (ARRAY['read', 'write', 'admin', 'delete'])[1 + (i - 1) % 4], 'Demonstration.'
FROM   generate_series(1, $1::integer) i
ON     CONFLICT (resource, action) DO NOTHING;
