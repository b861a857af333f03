-- So that the first query after a million new rows is planned for them.
ANALYZE /* Seeding/SeedDemonstration.analyze */ users, user_roles, roles, permissions, role_permissions;
