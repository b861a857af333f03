COPY /* Seeding/SeedDemonstration.copy_user_roles */ user_roles (user_id, role_id) FROM STDIN (FORMAT binary);
-- Their roles, as binary rows. The driver looks for COPY at the very beginning, so this comment comes after.
