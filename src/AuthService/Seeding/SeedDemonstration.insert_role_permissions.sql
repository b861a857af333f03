-- Eight permissions for each of the roles, an eighth of the list apart; everything for admin; four reads for user, as demonstrations expect.
-- $1 roles integer
-- $2 permissions integer
INSERT /* Seeding/SeedDemonstration.insert_role_permissions */
INTO   role_permissions (role_id, permission_id)
SELECT r.id, p.id
FROM   generate_series(1, $1::integer) i
CROSS  JOIN generate_series(0, 7) k
JOIN   roles r       ON r.name = 'role' || i
JOIN   permissions p ON p.resource = 'res' || 1 + ((i * 7 + k * $2::integer / 8) % $2::integer) / 4
                    AND p.action = (ARRAY['read', 'write', 'admin', 'delete'])[1 + ((i * 7 + k * $2::integer / 8) % $2::integer) % 4]
UNION
SELECT r.id, p.id FROM roles r CROSS JOIN permissions p WHERE r.name = 'admin'
UNION
SELECT r.id, p.id FROM roles r JOIN permissions p ON p.action = 'read' AND p.resource IN ('roles', 'users', 'permissions', 'api_keys') WHERE r.name = 'user'
ON     CONFLICT DO NOTHING;
