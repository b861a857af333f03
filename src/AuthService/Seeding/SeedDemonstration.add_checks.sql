-- As 0002_roles.sql has them; a test compares.
ALTER TABLE /* Seeding/SeedDemonstration.add_checks */ user_roles
    ADD CONSTRAINT user_roles_user_id_fkey FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE,
    ADD CONSTRAINT user_roles_role_id_fkey FOREIGN KEY (role_id) REFERENCES roles ON DELETE CASCADE;
