-- Their roles, as binary rows.
COPY /* Seeding/SeedDemonstration.copy_user_roles */ user_roles (user_id, role_id) FROM STDIN (FORMAT binary);
